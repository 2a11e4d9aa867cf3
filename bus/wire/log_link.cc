#include "bus/wire/log_link.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>

#include "bus/events/codec.h"
#include "bus/events/match.h"
#include "bus/wire/context.h"
#include "bus/wire/last_file.h"

namespace keytrail::wire {

namespace {

using protocol::Appender;
using protocol::Follower;
using protocol::FollowState;
using protocol::Topic;
using protocol::Transactor;

constexpr int kTickMs = 200;
constexpr TimeNs kReconnectPauseMinNs = 50'000'000;
constexpr TimeNs kReconnectPauseMaxNs = 2'000'000'000;
constexpr TimeNs kLastFilePauseNs = 1'000'000'000;
constexpr protocol::TicketId kEpochTicket =
    ~protocol::TicketId{0};  // no transaction of the core has it

LogLinkOptions completed(LogLinkOptions options) {
  if (options.appender.epoch_stream.empty())
    options.appender.epoch_stream = options.author + "/epoch";
  return options;
}

std::string_view part_of_author(std::string_view author) {
  return author.substr(0, author.find('/'));
}

}  // namespace

struct LogLink::Impl {
  Impl(Context& used_context, LogLinkOptions given, const CurveKeys& used_keys,
       const Clock& used_clock)
      : context(used_context),
        options(completed(std::move(given))),
        keys{used_keys.public_key, used_keys.secret_key.clone()},
        clock(used_clock),
        witness(read_last_file(files, options.last_file)),
        written_known(witness.ok() ? *witness : protocol::Known{}),
        follower(options.follower, written_known, 0),
        appender(options.appender),
        heard_at(clock.monotonic()) {
    if (!witness.ok()) end(witness.error().detail);
  }

  void wait(int timeout_ms, const std::vector<int>& fds);
  void keep_connection();
  void disconnect();
  void take_arrivals();
  void take(Arrival arrival);
  void take_welcome(const Welcome& welcome);
  void take_head_answer(const protocol::Head& head);
  void take_error(const ErrorArrived& error);
  void carry_out();
  bool carry_out_follower();
  bool carry_out_appender();
  bool carry_out_transactor();
  void give(protocol::FollowedFact followed);
  void answer_questions();
  void remember();
  void tell_unserved(std::string why);
  void tell_silence();
  void end(std::string reason);

  Context& context;
  const LogLinkOptions options;
  const CurveKeys keys;
  const Clock& clock;
  OsFileSystem files;
  const Result<protocol::Known> witness;  // as the process before left it
  protocol::Known written_known;
  Follower follower;
  Appender appender;
  Transactor transactor;

  std::optional<LogConnection> connection;
  bool connected = false;  // all three sockets, and the follower knows
  TimeNs retry_at = 0;
  TimeNs retry_pause = kReconnectPauseMinNs;
  TimeNs remembered_at = 0;
  bool ended = false;

  TimeNs heard_at = 0;  // anything, from the store
  std::string told;     // why the log is not served; empty while it is

  // Questions for the head: not yet asked, on their way, answered but not yet followed that far.
  struct Answered {
    std::uint64_t question = 0;
    Position needed = 0;
    Position head = 0;
  };
  std::vector<std::uint64_t> to_ask, asked;
  std::deque<Answered> answered;

  std::vector<LinkEvent> events;
};

void LogLink::Impl::wait(int timeout_ms, const std::vector<int>& fds) {
  carry_out();  // What was submitted since the last time leaves together.
  const int sleep_ms = !events.empty()  ? 0
                       : timeout_ms < 0 ? kTickMs
                                        : std::min(timeout_ms, kTickMs);
  if (connection) {
    wait_readable(
        {&connection->append_socket(), &connection->live_socket(), &connection->read_socket()}, fds,
        sleep_ms);
  } else {
    wait_readable({}, fds, ended ? sleep_ms : std::min(sleep_ms, 50));
  }
  if (ended) return;
  keep_connection();
  if (connected) take_arrivals();
  follower.tick(clock.monotonic());
  appender.tick(clock.monotonic());
  carry_out();
  tell_silence();
  remember();
}

void LogLink::Impl::keep_connection() {
  const TimeNs now = clock.monotonic();
  if (!connection) {
    if (now < retry_at) return;
    auto opened = LogConnection::open(context, options.endpoints, keys);
    if (!opened.ok()) return end(opened.error().detail);
    connection.emplace(std::move(opened).value());
  }
  switch (connection->state()) {
    case LogConnection::State::kConnecting:
      return;
    case LogConnection::State::kReady:
      if (!connected) follower.on_connected(now);
      connected = true;
      return;
    case LogConnection::State::kLost:
      return disconnect();
    case LogConnection::State::kRefused:
      tell_unserved("the event store does not know the key of " + options.author +
                    ": grant it on append, live and read; it is tried again");
      return disconnect();
  }
}

void LogLink::Impl::disconnect() {
  connection.reset();
  connected = false;
  follower.on_disconnected();
  appender.on_disconnected();
  to_ask.insert(to_ask.begin(), asked.begin(), asked.end());
  asked.clear();
  retry_at = clock.monotonic() + retry_pause;
  retry_pause = std::min(2 * retry_pause, kReconnectPauseMaxNs);
}

void LogLink::Impl::take_arrivals() {
  auto arrivals = connection->take_arrivals();
  if (!arrivals.ok()) {
    tell_unserved(arrivals.error().detail);
    return disconnect();
  }
  if (!arrivals->empty()) heard_at = clock.monotonic();
  for (Arrival& arrival : *arrivals) {
    if (!connected || ended) return;
    take(std::move(arrival));
  }
}

void LogLink::Impl::take(Arrival arrival) {
  const TimeNs now = clock.monotonic();
  match(
      std::move(arrival),
      [&](BatchArrived batch) {
        if (batch.topic == Topic::kKmsSealed) {
          follower.on_sealed(batch.header, std::move(batch.attachments), now);
        } else {
          follower.on_batch(batch.topic, batch.header, std::move(batch.facts), now);
        }
      },
      [&](const HeadArrived& head) { follower.on_head(head.head, now); },
      [&](const AcksArrived& acks) {
        appender.on_acks(acks.acks);
        follower.on_acks(acks.acks);
      },
      [&](const WelcomeArrived& welcome) { take_welcome(welcome.welcome); },
      [&](ReadArrived read) { follower.on_read(std::move(read.answer), now); },
      [&](const HeadAnswerArrived& answer) { take_head_answer(answer.head); },
      [&](const ErrorArrived& error) { take_error(error); });
}

void LogLink::Impl::take_welcome(const Welcome& welcome) {
  follower.on_welcome(welcome.generation, welcome.head, clock.monotonic());
  appender.on_connected();  // Only now: nothing is appended to a log that is not the one we know.
}

// One answer serves all who asked before it. What lies on our topics up to the head is what must be
// followed; facts of other topics between that and the head change nothing for us.
void LogLink::Impl::take_head_answer(const protocol::Head& head) {
  follower.on_head_answer(head, clock.monotonic());
  Position needed = 0;
  for (std::size_t topic = 0; topic < head.last.size(); ++topic) {
    const bool ours =
        (options.follower.topics & protocol::topic_bit(static_cast<Topic>(topic))) != 0;
    if (ours) needed = std::max(needed, head.last[topic]);
  }
  for (const std::uint64_t question : asked)
    answered.push_back({question, needed, head.durable_head});
  asked.clear();
}

void LogLink::Impl::take_error(const ErrorArrived& arrived) {
  const ReadError& error = arrived.error;
  if (error.code == "head-went-back") {
    follower.on_head_went_back(error.message);
  } else if (error.code == "unknown-log") {
    end(error.message);
  } else if (arrived.to == LogConnection::kAppendId) {
    // On another connection it would be no other message; the appender asks again at its own pace.
    tell_unserved("the event store does not understand what " + options.author +
                  " appends: " + error.message + "; see that both are of one version");
  } else {
    tell_unserved("the event store refuses " + options.author + ": " + error.message +
                  (error.hint.empty() ? "" : "; " + error.hint));
    disconnect();
  }
}

// Each output may lead to others, until nothing is left.
void LogLink::Impl::carry_out() {
  while (!ended) {
    const bool followed = carry_out_follower();
    const bool appended = carry_out_appender();
    const bool transacted = carry_out_transactor();
    if (!followed && !appended && !transacted) break;
  }
  if (ended) return;
  answer_questions();
  if (connected && !to_ask.empty() && asked.empty() &&
      follower.state() != FollowState::kConnecting) {
    asked.swap(to_ask);
    connection->ask_head();
  }
}

bool LogLink::Impl::carry_out_follower() {
  Follower::Outputs outputs = follower.take_outputs();
  const Position through = follower.followed();
  if (outputs.say_hello && connected) connection->say_hello(follower.known());
  if (outputs.subscribe && connected) connection->subscribe(options.follower.topics);
  if (outputs.read && connected) {
    const bool sealed = (options.follower.topics & protocol::topic_bit(Topic::kKmsSealed)) != 0;
    connection->read(*outputs.read, sealed ? AttachmentsWanted::kSealed : AttachmentsWanted::kNone);
  }
  const bool news = !outputs.apply.empty();
  for (protocol::FollowedFact& fact : outputs.apply) give(std::move(fact));
  if (news && !ended) events.emplace_back(FollowedThrough{through});
  transactor.on_followed(through);
  if (outputs.state) events.emplace_back(FollowStateChanged{*outputs.state});
  if (outputs.state == FollowState::kLive) {
    retry_pause = kReconnectPauseMinNs;
    told.clear();
  }
  if (outputs.forked) end(*outputs.forked);
  return news || outputs.state.has_value();
}

void LogLink::Impl::give(protocol::FollowedFact followed) {
  if (ended) return;
  auto fact = decode_fact(followed.stored);
  if (fact.ok()) {
    events.emplace_back(
        Followed{std::move(fact).value(), followed.leaf, std::move(followed.attachments)});
    return;
  }
  // An event that this program does not know: another part's is none of our business, our own
  // part's is.
  const auto stamp = decode_stamp(followed.stored.stamp);
  const bool own = stamp.ok() && part_of_author(stamp->author) == part_of_author(options.author);
  const std::string at = "position " + std::to_string(followed.position);
  if (fact.error().code != ErrorCode::kNotFound)
    return end(at + " is not readable: " + fact.error().detail);
  if (own) end(at + " holds an event that this program does not know; upgrade it first");
}

bool LogLink::Impl::carry_out_appender() {
  Appender::Outputs outputs = appender.take_outputs();
  for (const protocol::AppendBatch& batch : outputs.send) {
    if (connected) connection->append(batch);
  }
  for (const Appender::Completed& done : outputs.completed) {
    if (done.ticket != kEpochTicket)
      transactor.on_completed(done);
    else if (done.ack.outcome != protocol::AppendOutcome::kAccepted)
      outputs.fenced = true;
  }
  if (outputs.fenced) end("a newer process has the identity " + options.author + "; this one ends");
  return !outputs.completed.empty();
}

bool LogLink::Impl::carry_out_transactor() {
  Transactor::Outputs outputs = transactor.take_outputs();
  for (auto& [ticket, unit] : outputs.submit) {
    if (!appender.submit(std::move(unit), ticket)) transactor.on_not_taken(ticket);
  }
  for (const Transactor::Accepted& done : outputs.accepted) {
    events.emplace_back(TransactionAccepted{done.id, done.first, done.count});
  }
  for (const protocol::TransactionId id : outputs.decide_again)
    events.emplace_back(TransactionDecideAgain{id});
  for (Transactor::Failed& failed : outputs.failed) {
    events.emplace_back(TransactionFailed{failed.id, std::move(failed.error)});
  }
  return !outputs.submit.empty();
}

void LogLink::Impl::answer_questions() {
  // Heads rise, and so does what they need.
  while (!answered.empty() && follower.followed() >= answered.front().needed) {
    events.emplace_back(HeadAnswered{answered.front().question, answered.front().head});
    answered.pop_front();
  }
}

void LogLink::Impl::remember() {
  const TimeNs now = clock.monotonic();
  if (options.last_file.empty() || follower.known() == written_known ||
      now < remembered_at + kLastFilePauseNs)
    return;
  remembered_at = now;
  // A witness that cannot be written is no reason to stop; the next second tries again.
  if (write_last_file(files, options.last_file, follower.known()).ok())
    written_known = follower.known();
}

void LogLink::Impl::tell_unserved(std::string why) {
  if (why == told) return;
  told = why;
  events.emplace_back(LogUnserved{std::move(why)});
}

// Nobody said why. A wrong server key looks like this too: the store cannot read what it is sent.
void LogLink::Impl::tell_silence() {
  const TimeNs patience = options.follower.log_lost_ms * 1'000'000;
  if (ended || !told.empty() || follower.state() == FollowState::kLive) return;
  if (clock.monotonic() < heard_at + patience) return;
  tell_unserved("nothing is heard of the event store at " + options.endpoints.read +
                ": see that it runs, and that server_key is its key; it is tried again");
}

void LogLink::Impl::end(std::string reason) {
  if (!ended) events.emplace_back(LinkEnded{std::move(reason)});
  ended = true;
  connection.reset();
  connected = false;
}

LogLink::LogLink(Context& context, LogLinkOptions options, const CurveKeys& keys,
                 const Clock& clock)
    : impl_(std::make_unique<Impl>(context, std::move(options), keys, clock)) {}

LogLink::~LogLink() {
  impl_->remembered_at = 0;
  impl_->remember();
}

void LogLink::wait(int timeout_ms, const std::vector<int>& fds) { impl_->wait(timeout_ms, fds); }

std::vector<LinkEvent> LogLink::take_events() { return std::exchange(impl_->events, {}); }

void LogLink::begin_epoch(std::uint64_t last_epoch, std::string program_version) {
  impl_->appender.begin(last_epoch + 1);
  Body body;
  body.stream = impl_->options.appender.epoch_stream;
  body.user = impl_->options.author;
  OsRandom().fill(body.action.bytes);
  body.clock = impl_->clock.now();
  body.event = part::Event(
      part::PartStarted{.epoch = last_epoch + 1, .program_version = std::move(program_version)});
  auto encoded = encode_body(body);
  KEYTRAIL_CHECK(encoded.ok());
  protocol::Unit unit;
  unit.bodies.push_back(std::move(encoded).value());
  KEYTRAIL_CHECK(impl_->appender.submit(std::move(unit), kEpochTicket));
  impl_->carry_out();
}

void LogLink::submit(protocol::TransactionId id, const protocol::Decision& decision) {
  if (impl_->ended) return;
  impl_->transactor.submit(id, decision);  // Sent by the next wait.
}

void LogLink::ask_head(std::uint64_t question) { impl_->to_ask.push_back(question); }

protocol::FollowState LogLink::state() const { return impl_->follower.state(); }
Position LogLink::followed() const { return impl_->follower.followed(); }
TimeNs LogLink::log_time() const { return impl_->follower.log_time(); }

}  // namespace keytrail::wire
