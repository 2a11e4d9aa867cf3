#include "eventstore/service/read_loop.h"

#include <algorithm>
#include <array>
#include <utility>

#include "eventstore/log/chain.h"

namespace keytrail::eventstore {

namespace {

constexpr int kRequestsPerTurnMax = 64;
constexpr std::chrono::seconds kBookmarkPause{5};
constexpr int kPauseMs = 20;  // libzmq does not tell when a peer reads again
constexpr const char* kVerifyHint = "verify the log: keytrail log verify";

}  // namespace

ReadLoop::ReadLoop(wire::Socket read, const EventLog& log, SharedState& shared,
                   std::string installation, int heartbeat_ms, Reports reports)
    : socket_(std::move(read)),
      log_(log),
      shared_(shared),
      installation_(std::move(installation)),
      heartbeat_ms_(heartbeat_ms),
      reports_(std::move(reports)),
      sessions_({.in_all_max = kSessionsMax, .per_identity_max = kSessionsPerIdentityMax},
                [this](const Bytes& route) { return follows(route); }) {
  shared_.wake_on_change(changed_);
  thread_ = std::thread([this] { run(); });
}

ReadLoop::~ReadLoop() {
  stop_.set();
  thread_.join();
}

void ReadLoop::run() {
  bool more = false;
  while (!stop_.is_set()) {
    const std::array<int, 2> fds{changed_.fd(), stop_.fd()};
    wire::wait_readable({&socket_}, fds, more ? 0 : idle_ms());
    changed_.clear();
    if (const std::uint64_t removals = shared_.removals("read"); removals != removals_) {
      removals_ = removals;
      sessions_.clear();
      follows_.clear();
      const auto bound = socket_.rebind();
      if (!bound.ok()) return reports_.on_failure(bound.error().detail);
    }
    take_requests();
    more = serve_followers();
  }
}

int ReadLoop::idle_ms() const {
  if (follows_.empty()) return -1;
  const bool pauses = std::any_of(follows_.begin(), follows_.end(),
                                  [](const Follow& follow) { return follow.paused; });
  return pauses ? std::min(kPauseMs, heartbeat_ms_) : heartbeat_ms_;
}

std::shared_ptr<wire::UnsentBytes> ReadLoop::unsent_of(const std::string& identity) {
  auto& unsent = unsent_of_[identity];
  if (!unsent) unsent = std::make_shared<wire::UnsentBytes>(kUnsentBytesPerIdentityMax, unsent_);
  return unsent;
}

// route | KT1 | VERB | id | JSON
void ReadLoop::take_requests() {
  wire::Message message;
  for (int i = 0; i < kRequestsPerTurnMax && socket_.receive(message); ++i) {
    std::vector<Bytes>& frames = message.frames;
    if (frames.size() < 4 || as_text(frames[1]) != wire::kProtocolName ||
        frames[2].size() > wire::kReadVerbBytesMax || frames[3].size() > wire::kReadIdBytesMax) {
      send(frames[0], {}, "ERROR",
           wire::to_json(wire::ReadError{"malformed", "expected KT1 | VERB | id | JSON",
                                         "see bus/README.md"}),
           unsent_);
      continue;
    }
    const std::string verb(as_text(frames[2]));
    const ByteView body = frames.size() > 4 ? ByteView(frames[4]) : ByteView();
    handle(verb, {.route = std::move(frames[0]),
                  .id = std::move(frames[3]),
                  .identity = message.identity,
                  .address = message.address,
                  .body = body});
  }
}

void ReadLoop::handle(const std::string& verb, const Request& request) {
  if (verb == "HELLO") return hello(request);
  if (verb == "BYE") return forget(request.route);
  const ReaderSession* const session = sessions_.hear(request.route, request.identity);
  if (session == nullptr) {
    return refuse(request, "malformed", "a connection begins with HELLO", "send HELLO first");
  }
  if (verb == "HEAD") {
    send(request.route, request.id, "HEAD", wire::to_json(shared_.head()), session->unsent);
  } else if (verb == "READ") {
    read(request, *session);
  } else if (verb == "FOLLOW") {
    follow(request, *session);
  } else if (verb == "CREDIT") {
    credit(request);
  } else {
    refuse(request, "malformed", "there is no such verb", "HELLO, HEAD, READ, FOLLOW, CREDIT, BYE");
  }
}

void ReadLoop::hello(const Request& request) {
  const auto hello = wire::hello_from(request.body);
  if (!hello.ok()) return refuse(request, "malformed", hello.error().detail, "");
  const auto identity = shared_.find(request.identity);
  if (!identity) return refuse(request, "unauthorized", "this key was removed", "");
  const std::string log_id = to_hex(log_.id());
  if (!hello->log.empty() && hello->log != log_id) {
    return refuse(request, "unknown-log", "this is log " + log_id,
                  "connect to the store of the log that you know");
  }
  // The log's own end: who was sent a batch may be here before the shared head has risen to it, and
  // must not be taken for a witness against the log.
  const Position end = log_.end().position;
  const protocol::Known& known = hello->known;
  const auto wrong =
      contradiction(log_, end, {request.identity, known.generation, known.position, known.leaf});
  if (!wrong.ok()) return refuse(request, "unavailable", wrong.error().detail, kVerifyHint);
  if (*wrong) return contradict(request, *identity, **wrong);
  forget(request.route);  // What somebody else followed under this routing id is not theirs.
  const auto unsent =
      std::make_shared<wire::UnsentBytes>(kUnsentBytesPerReaderMax, unsent_of(request.identity));
  sessions_.admit(request.route,
                  {.identity = request.identity, .form = hello->form, .unsent = unsent});
  send(request.route, request.id, "WELCOME",
       wire::to_json(wire::Welcome{.log = log_id,
                                   .generation = log_.generation(),
                                   .first = 1,
                                   .head = end,
                                   .topics = identity->topics,
                                   .schema = wire::kSchemaVersion,
                                   .heartbeat_ms = heartbeat_ms_}),
       unsent);
}

void ReadLoop::contradict(const Request& request, const Identity& identity,
                          const std::string& wrong) {
  refuse(request, "head-went-back", wrong, "restore the log from a backup");
  if (may_use(identity, "append")) return reports_.on_failure(wrong);
  reports_.on_refused(identity.name + " knows another log than this", request.address);
}

namespace {

// The selector for who asks; an error is what to answer.
Result<Selector> selector_for(const wire::Selection& selection, const SharedState& shared,
                              const std::string& identity_name) {
  const auto identity = shared.find(identity_name);
  if (!identity) return Error{ErrorCode::kRefused, "this key was removed"};
  return Selector::make(selection, topics_of(*identity));
}

const char* code_of(const Error& error) {
  return error.code == ErrorCode::kRefused ? "forbidden" : "malformed";
}

}  // namespace

void ReadLoop::read(const Request& request, const ReaderSession& session) {
  const auto query = wire::read_query_from(request.body);
  if (!query.ok()) return refuse(request, "malformed", query.error().detail, "");
  const auto refuse_for_now = [&] {
    refuse(request, "overloaded", "too much was asked for and is not read yet",
           "read the answers that are due, then ask again");
  };
  if (session.unsent->is_full()) return refuse_for_now();
  const auto selector = selector_for(query->selection, shared_, session.identity);
  if (!selector.ok())
    return refuse(request, code_of(selector.error()), selector.error().detail, "");
  const Position head = shared_.head().durable_head;
  const Position until = query->until == 0 ? head : std::min(query->until, head);
  Payload payload(session.form, installation_);
  const std::size_t limit = query->limit != 0 ? query->limit : kScannedFactsMax;
  const auto position = fill(payload, *selector, query->after, until, limit);
  if (!position.ok()) return refuse(request, "unavailable", position.error().detail, kVerifyHint);
  if (payload.count() > 0) {
    const auto sent = send(request.route, request.id, "FACTS",
                           wire::to_json(wire::Progress{.position = *position, .head = head}),
                           session.unsent, payload.frames());
    // END would say that there was nothing.
    if (sent != wire::Sent::kSent) return refuse_for_now();
  }
  send(request.route, request.id, "END",
       wire::to_json(wire::ReadEnd{.position = *position, .head = head}), session.unsent);
}

Result<Position> ReadLoop::fill(Payload& payload, const Selector& selector, Position after,
                                Position until, std::size_t limit) const {
  if (after >= until) return std::max(after, until);
  Position processed = after;
  Result<void> added;
  TRY(log_.read(after, std::min(until, after + kScannedFactsMax),
                [&](Position position, ByteView stamp, ByteView body) {
                  if (selector.takes(stamp, body)) {
                    added = payload.add(log_, selector, position, stamp, body);
                    if (!added.ok()) return false;
                  }
                  processed = position;
                  return payload.count() < limit && payload.bytes() < kAnswerBytesMax;
                }));
  TRY(std::move(added));
  return processed;
}

void ReadLoop::follow(const Request& request, const ReaderSession& session) {
  const auto query = wire::follow_query_from(request.body);
  if (!query.ok()) return refuse(request, "malformed", query.error().detail, "");
  auto selector = selector_for(query->selection, shared_, session.identity);
  if (!selector.ok())
    return refuse(request, code_of(selector.error()), selector.error().detail, "");
  // The same id again replaces the follow before: that is how a client changes its filter.
  follows_.remove_if(
      [&](const Follow& other) { return other.route == request.route && other.id == request.id; });
  if (follows_.size() >= kFollowersMax) {
    return refuse(request, "overloaded", "too many followers are connected", "try again later");
  }
  const auto its = std::count_if(follows_.begin(), follows_.end(), [&](const Follow& other) {
    return other.identity == session.identity;
  });
  if (static_cast<std::size_t>(its) >= kFollowersPerIdentityMax) {
    return refuse(request, "overloaded", "too many followers of " + session.identity,
                  "end one of them with BYE");
  }
  follows_.push_back({.route = request.route,
                      .id = request.id,
                      .identity = session.identity,
                      .unsent = session.unsent,
                      .form = session.form,
                      .selector = std::move(selector).value(),
                      .position = query->after.value_or(shared_.head().durable_head),
                      .credit = std::min(query->credit, kCreditMax),
                      .sent_at = SteadyClock::now()});
}

void ReadLoop::credit(const Request& request) {
  const auto facts = wire::credit_from(request.body);
  if (!facts.ok()) return refuse(request, "malformed", facts.error().detail, "");
  for (Follow& follow : follows_) {
    if (follow.route != request.route || follow.id != request.id) continue;
    follow.credit = std::min(kCreditMax, follow.credit + std::min(*facts, kCreditMax));
  }
}

void ReadLoop::forget(const Bytes& route) {
  sessions_.forget(route);
  follows_.remove_if([&](const Follow& follow) { return follow.route == route; });
}

bool ReadLoop::follows(const Bytes& route) const {
  return std::any_of(follows_.begin(), follows_.end(),
                     [&](const Follow& follow) { return follow.route == route; });
}

bool ReadLoop::serve_followers() {
  bool more = false;
  const protocol::Head head = shared_.head();
  for (Follow& follow : follows_) more = serve(follow, head) || more;
  for (const Follow& follow : follows_) {
    if (follow.gone) sessions_.forget(follow.route);
  }
  follows_.remove_if([](const Follow& follow) { return follow.gone; });
  return more;
}

// One answer at most. True: there is more for it at once.
bool ReadLoop::serve(Follow& follow, const protocol::Head& head) {
  const bool was_paused = std::exchange(follow.paused, follow.unsent->is_full());
  if (follow.paused) return false;
  // Before what it missed, which may be little enough to catch up with at once.
  if (was_paused && !tell_lag(follow, head)) return false;
  if (!give_facts(follow, head)) return false;
  if (follow.position >= head.durable_head) {
    if (!follow.caught_up && !tell(follow, head, "CAUGHT_UP")) return false;
    follow.caught_up = true;
  } else if (!tell_lag(follow, head)) {
    return false;
  }
  const auto silent_for = SteadyClock::now() - follow.sent_at;
  const bool owes_bookmark =
      follow.skipped >= kBookmarkFacts || (follow.skipped > 0 && silent_for >= kBookmarkPause);
  if (owes_bookmark) {
    if (!tell(follow, head, "BOOKMARK")) return false;
  } else if (silent_for >= std::chrono::milliseconds(heartbeat_ms_)) {
    if (!tell(follow, head, "HEARTBEAT")) return false;
  }
  return follow.credit > 0 && follow.position < head.durable_head;
}

bool ReadLoop::give_facts(Follow& follow, const protocol::Head& head) {
  if (follow.position >= head.durable_head || follow.credit == 0) return true;
  Payload payload(follow.form, installation_);
  const auto position =
      fill(payload, follow.selector, follow.position, head.durable_head, follow.credit);
  if (!position.ok()) {
    send(follow.route, follow.id, "ERROR",
         wire::to_json(wire::ReadError{"unavailable", position.error().detail, ""}), follow.unsent);
    follow.gone = true;
    return false;
  }
  const Position before = std::exchange(follow.position, *position);
  if (payload.count() == 0) {
    follow.skipped += follow.position - before;
    return true;
  }
  if (!tell(follow, head, "FACTS", payload.frames())) {
    follow.position = before;
    return false;
  }
  follow.credit -= static_cast<std::uint32_t>(payload.count());
  return true;
}

bool ReadLoop::tell_lag(Follow& follow, const protocol::Head& head) {
  const bool is_behind =
      head.durable_head > follow.position && head.durable_head - follow.position > kFellBehindFacts;
  if (!is_behind || !follow.caught_up) return true;
  if (!tell(follow, head, "FELL_BEHIND")) return false;
  follow.caught_up = false;
  return true;
}

// A full queue only pauses it: it is there, and reads on one day.
bool ReadLoop::tell(Follow& follow, const protocol::Head& head, std::string_view verb,
                    std::span<const ByteView> payload) {
  const wire::Progress progress{
      .position = follow.position, .head = head.durable_head, .log_time = head.log_time};
  const wire::Sent sent =
      send(follow.route, follow.id, verb, wire::to_json(progress), follow.unsent, payload);
  follow.paused = sent == wire::Sent::kFull;
  follow.gone = sent == wire::Sent::kGone;
  if (sent != wire::Sent::kSent) return false;
  follow.sent_at = SteadyClock::now();
  follow.skipped = 0;
  return true;
}

wire::Sent ReadLoop::send(const Bytes& route, const Bytes& id, std::string_view verb,
                          const std::string& body, const std::shared_ptr<wire::UnsentBytes>& unsent,
                          std::span<const ByteView> payload) {
  std::vector<ByteView> frames{route, as_bytes(wire::kProtocolName), as_bytes(verb), id,
                               as_bytes(body)};
  frames.insert(frames.end(), payload.begin(), payload.end());
  return socket_.send(std::span<const ByteView>(frames), unsent);
}

void ReadLoop::refuse(const Request& request, const std::string& code, const std::string& message,
                      const std::string& hint) {
  send(request.route, request.id, "ERROR", wire::to_json(wire::ReadError{code, message, hint}),
       unsent_);
}

}  // namespace keytrail::eventstore
