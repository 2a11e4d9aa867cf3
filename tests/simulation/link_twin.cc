#include "tests/simulation/link_twin.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"

namespace keytrail::simulation {
namespace {

constexpr protocol::TicketId kClaimTicket = ~protocol::TicketId{0};
constexpr TimeNs kReconnectEvery = 30 * kMs;

bool has(protocol::TopicSet set, protocol::Topic topic) {
  return (set & protocol::topic_bit(topic)) != 0;
}

}  // namespace

LinkTwin::LinkTwin(World& world, StoreTwin& store, Sockets& sockets, Options options,
                   std::function<void()> wake)
    : world_(world),
      store_(store),
      sockets_(sockets),
      options_(std::move(options)),
      wake_(std::move(wake)),
      appender_({.epoch_stream = options_.author + "/epoch", .in_flight_max = 64}),
      follower_({.topics = options_.topics, .log_lost_ms = 1000, .read_limit = 16}, options_.known,
                0) {
  sockets_.append.on_broken = alive([this] {
    appender_.on_disconnected();
    connect_append();
  });
  sockets_.live.on_broken = sockets_.read.on_broken = alive([this] {
    sockets_.live.lose();
    sockets_.read.lose();
    follower_.on_disconnected();
    connect_log();
  });
  for (Connection* socket : {&sockets_.append, &sockets_.live, &sockets_.read}) {
    store_.attach(*socket);
  }
  connect_append();
  connect_log();
  tick();
}

LinkTwin::~LinkTwin() {
  *alive_ = false;
  for (Connection* socket : {&sockets_.append, &sockets_.live, &sockets_.read}) {
    socket->on_broken = nullptr;
    socket->lose();
  }
}

std::vector<wire::LinkEvent> LinkTwin::take_events() {
  for (const wire::LinkEvent& event : events_) {
    const auto* followed = std::get_if<wire::Followed>(&event);
    if (followed != nullptr) taken_ = followed->fact.stamp.position;
  }
  return std::exchange(events_, {});
}

void LinkTwin::begin_epoch(std::uint64_t last_epoch, std::string program_version) {
  appender_.begin(last_epoch + 1);
  Body body;
  body.stream = options_.author + "/epoch";
  body.user = options_.author;
  world_.random().fill(body.action.bytes);
  body.clock = world_.now();
  body.event = part::Event{
      part::PartStarted{.epoch = last_epoch + 1, .program_version = std::move(program_version)}};
  protocol::Unit unit;
  unit.bodies = {encode_body(body).value()};
  KEYTRAIL_CHECK(appender_.submit(std::move(unit), kClaimTicket));
  carry_out();
}

void LinkTwin::submit(protocol::TransactionId id, const protocol::Decision& decision) {
  transactor_.submit(id, decision);
  carry_out();
}

void LinkTwin::ask_head(std::uint64_t question) {
  unsent_questions_.push_back(question);
  send_question();
}

bool LinkTwin::is_idle() const {
  return events_.empty() && transactor_.open() == 0 && appender_.in_flight() == 0 &&
         appender_.waiting() == 0 && asked_.empty() && answered_.empty() &&
         unsent_questions_.empty();
}

// --- connecting -------------------------------------------------------------------------------

void LinkTwin::connect_append() {
  if (sockets_.append.is_open()) return;
  if (!store_.is_up()) return after(kReconnectEvery, [this] { connect_append(); });
  sockets_.append.open();
  appender_.on_connected();
  carry_out();
}

void LinkTwin::connect_log() {
  if (sockets_.live.is_open()) return;
  if (!store_.is_up()) return after(kReconnectEvery, [this] { connect_log(); });
  sockets_.live.open();
  sockets_.read.open();
  unsent_questions_.insert(unsent_questions_.end(), asked_.begin(), asked_.end());
  asked_.clear();
  follower_.on_connected(world_.monotonic());
  carry_out();
  send_question();
}

// --- sending ----------------------------------------------------------------------------------

void LinkTwin::carry_out() {
  if (ended_) return;
  for (bool more = true; more;) {
    more = false;
    protocol::Follower::Outputs followed = follower_.take_outputs();
    if (followed.say_hello) say_hello();
    if (followed.subscribe) subscribe();
    if (followed.read) read(*followed.read);
    if (followed.forked) {
      world_.fail(options_.author + " refuses the log: " + *followed.forked);
      ended_ = true;
      return;
    }
    give(std::move(followed.apply));
    if (followed.state) events_.emplace_back(wire::FollowStateChanged{*followed.state});
    if (follower_.followed() > told_through_) {
      told_through_ = follower_.followed();
      check_followed();
      events_.emplace_back(wire::FollowedThrough{told_through_});
      transactor_.on_followed(told_through_);
    }
    std::erase_if(answered_, [this](const Question& question) {
      if (question.head > follower_.followed()) return false;
      events_.emplace_back(wire::HeadAnswered{question.question, question.head});
      return true;
    });
    protocol::Transactor::Outputs decided = transactor_.take_outputs();
    for (auto& [ticket, unit] : decided.submit) {
      KEYTRAIL_CHECK(appender_.submit(std::move(unit), ticket));
    }
    for (const auto& a : decided.accepted) {
      events_.emplace_back(wire::TransactionAccepted{a.id, a.first, a.count});
    }
    for (const auto id : decided.decide_again) {
      events_.emplace_back(wire::TransactionDecideAgain{id});
    }
    for (const auto& f : decided.failed) {
      events_.emplace_back(wire::TransactionFailed{f.id, f.error});
    }
    protocol::Appender::Outputs appended = appender_.take_outputs();
    for (const auto& batch : appended.send) send(batch);
    for (const auto& completed : appended.completed) {
      if (completed.ticket != kClaimTicket) transactor_.on_completed(completed);
      more = true;
    }
    if (appended.fenced) {
      events_.emplace_back(wire::LinkEnded{"fenced: a newer process has this identity"});
      ended_ = true;
    }
  }
  if (!events_.empty()) after(0, wake_);
}

void LinkTwin::send(const protocol::AppendBatch& batch) {
  sockets_.append.to_server([this, alive = alive_, author = options_.author, &store = store_,
                             &socket = sockets_.append, bytes = protocol::encode(batch)] {
    store.on_append(author, socket, bytes, [this, alive](const Bytes& acks) {
      if (!*alive) return;
      const auto decoded = protocol::decode_acks(acks).value();
      appender_.on_acks(decoded);
      follower_.on_acks(decoded);
      carry_out();
    });
  });
}

void LinkTwin::say_hello() {
  sockets_.read.to_server(
      [this, alive = alive_, &store = store_, &socket = sockets_.read, known = follower_.known()] {
        if (!store.is_up()) return;
        const StoreTwin::Welcome welcome = store.on_hello(known);
        socket.to_node([this, alive, welcome] {
          if (!*alive) return;
          if (welcome.went_back) {
            follower_.on_head_went_back("the head went back to " + std::to_string(welcome.head));
          } else {
            follower_.on_welcome(welcome.generation, welcome.head, world_.monotonic());
          }
          carry_out();
        });
      });
}

void LinkTwin::subscribe() {
  StoreTwin::Live live;
  live.batch = [this, alive = alive_](protocol::Topic topic, const Bytes& header,
                                      const Bytes& payload) {
    if (!*alive) return;
    const auto decoded = protocol::decode_batch_header(header).value();
    if (topic == protocol::Topic::kKmsSealed) {
      follower_.on_sealed(decoded, protocol::decode_attachments(payload).value(),
                          world_.monotonic());
    } else {
      follower_.on_batch(topic, decoded, protocol::decode_facts(payload).value(),
                         world_.monotonic());
    }
    carry_out();
  };
  live.head = [this, alive = alive_](const Bytes& head) {
    if (!*alive) return;
    follower_.on_head(protocol::decode_head(head).value(), world_.monotonic());
    carry_out();
  };
  sockets_.live.to_server([author = options_.author, topics = options_.topics, &store = store_,
                           &socket = sockets_.live,
                           live] { store.on_subscribe(author, socket, topics, live); });
}

void LinkTwin::read(const protocol::ReadRequest& request) {
  sockets_.read.to_server(
      [this, alive = alive_, &store = store_, &socket = sockets_.read, request] {
        if (!store.is_up()) return;
        socket.to_node([this, alive, answer = store.on_read(request)] {
          if (!*alive) return;
          follower_.on_read(answer, world_.monotonic());
          carry_out();
        });
      });
}

void LinkTwin::send_question() {
  if (unsent_questions_.empty() || !sockets_.read.is_open()) return;
  std::vector<std::uint64_t> questions = std::exchange(unsent_questions_, {});
  asked_.insert(questions.begin(), questions.end());
  sockets_.read.to_server(
      [this, alive = alive_, &store = store_, &socket = sockets_.read, questions] {
        if (!store.is_up()) return;
        socket.to_node([this, alive, questions, head = store.on_head()] {
          if (*alive) on_head_answer(head, questions);
        });
      });
}

void LinkTwin::on_head_answer(const protocol::Head& head,
                              const std::vector<std::uint64_t>& questions) {
  for (const std::uint64_t question : questions) {
    if (asked_.erase(question) > 0) answered_.push_back({head.durable_head, question});
  }
  follower_.on_head_answer(head, world_.monotonic());
  carry_out();
}

// --- what was followed ------------------------------------------------------------------------

void LinkTwin::give(std::vector<protocol::FollowedFact> facts) {
  for (protocol::FollowedFact& fact : facts) {
    // The oracle: these are the facts of the log, each once, none left out.
    const test::MemoryLog& log = store_.log();
    do {
      ++given_;
    } while (given_ <= log.head() && given_ < fact.position &&
             !has(options_.topics, log.at(given_).topic));
    if (given_ != fact.position || given_ > log.head() || log.at(given_).leaf != fact.leaf) {
      return world_.fail(options_.author + " was given " + std::to_string(fact.position) +
                         ", which the durable log does not have there");
    }
    wire::Followed followed;
    followed.fact = decode_fact(fact.stored).value();
    appender_.on_followed(followed.fact);
    followed.leaf = fact.leaf;
    followed.attachments = std::move(fact.attachments);
    events_.emplace_back(std::move(followed));
  }
}

// Everything of the topics up to `followed` was given.
void LinkTwin::check_followed() {
  const test::MemoryLog& log = store_.log();
  for (; given_ < told_through_; ++given_) {
    if (given_ + 1 > log.head()) {
      return world_.fail(options_.author + " followed to " + std::to_string(told_through_) +
                         ", the durable head is " + std::to_string(log.head()));
    }
    if (has(options_.topics, log.at(given_ + 1).topic)) {
      return world_.fail(options_.author + " followed to " + std::to_string(told_through_) +
                         " without " + std::to_string(given_ + 1));
    }
  }
}

void LinkTwin::tick() {
  follower_.tick(world_.monotonic());
  appender_.tick(world_.monotonic());
  carry_out();
  after(50 * kMs, [this] { tick(); });
}

void LinkTwin::after(TimeNs delay, std::function<void()> what) {
  world_.after(delay, alive(std::move(what)));
}

std::function<void()> LinkTwin::alive(std::function<void()> what) const {
  return [alive = alive_, what = std::move(what)] {
    if (*alive) what();
  };
}

}  // namespace keytrail::simulation
