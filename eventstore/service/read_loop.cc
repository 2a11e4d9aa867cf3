#include "eventstore/service/read_loop.h"

#include <algorithm>
#include <array>

#include "eventstore/log/chain.h"

namespace keytrail::eventstore {

namespace {

constexpr int kRequestsPerTurnMax = 64;
constexpr std::chrono::seconds kBookmarkPause{5};
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
      sessions_(kSessionsMax, [this](const Bytes& route) { return follows(route); }) {
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
    const int idle_ms = follows_.empty() ? -1 : heartbeat_ms_;
    wire::wait_readable({&socket_}, fds, more ? 0 : idle_ms);
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

// route | KT1 | VERB | id | JSON
void ReadLoop::take_requests() {
  wire::Message message;
  for (int i = 0; i < kRequestsPerTurnMax && socket_.receive(message); ++i) {
    std::vector<Bytes>& frames = message.frames;
    if (frames.size() < 4 || as_text(frames[1]) != wire::kProtocolName ||
        frames[2].size() > wire::kReadVerbBytesMax || frames[3].size() > wire::kReadIdBytesMax) {
      send(frames[0], {}, "ERROR",
           wire::to_json(wire::ReadError{"malformed", "expected KT1 | VERB | id | JSON",
                                         "see bus/README.md"}));
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
    send(request.route, request.id, "HEAD", wire::to_json(shared_.head()));
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
  const auto wrong = contradiction(
      log_, end, {request.identity, known.generation, known.position, known.leaf});
  if (!wrong.ok()) return refuse(request, "unavailable", wrong.error().detail, kVerifyHint);
  if (*wrong) return contradict(request, *identity, **wrong);
  forget(request.route);  // What somebody else followed under this routing id is not theirs.
  sessions_.admit(request.route, {.identity = request.identity, .form = hello->form});
  send(request.route, request.id, "WELCOME",
       wire::to_json(wire::Welcome{.log = log_id,
                                   .generation = log_.generation(),
                                   .first = 1,
                                   .head = end,
                                   .topics = identity->topics,
                                   .schema = wire::kSchemaVersion,
                                   .heartbeat_ms = heartbeat_ms_}));
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
    send(request.route, request.id, "FACTS",
         wire::to_json(wire::Progress{.position = *position, .head = head}), payload.frames());
  }
  send(request.route, request.id, "END",
       wire::to_json(wire::ReadEnd{.position = *position, .head = head}));
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
  if (follows_.size() >= kFollowersMax) {
    return refuse(request, "overloaded", "too many followers are connected", "try again later");
  }
  // The same id again replaces the follow before: that is how a client changes its filter.
  follows_.remove_if(
      [&](const Follow& other) { return other.route == request.route && other.id == request.id; });
  follows_.push_back({.route = request.route,
                      .id = request.id,
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
  const SteadyClock::time_point now = SteadyClock::now();
  const auto say = [&](std::string_view verb, std::span<const ByteView> payload = {}) {
    const wire::Progress progress{
        .position = follow.position, .head = head.durable_head, .log_time = head.log_time};
    if (!send(follow.route, follow.id, verb, wire::to_json(progress), payload)) follow.gone = true;
    follow.sent_at = now;
    follow.skipped = 0;
  };
  if (follow.position < head.durable_head && follow.credit > 0) {
    Payload payload(follow.form, installation_);
    const Position before = follow.position;
    const auto position =
        fill(payload, follow.selector, follow.position, head.durable_head, follow.credit);
    if (!position.ok()) {
      send(follow.route, follow.id, "ERROR",
           wire::to_json(wire::ReadError{"unavailable", position.error().detail, ""}));
      follow.gone = true;
      return false;
    }
    follow.position = *position;
    follow.skipped += follow.position - before - payload.count();
    follow.credit -= static_cast<std::uint32_t>(payload.count());
    if (payload.count() > 0) say("FACTS", payload.frames());
  }
  if (follow.position >= head.durable_head) {
    if (!follow.caught_up) say("CAUGHT_UP");
    follow.caught_up = true;
    follow.fell_behind = false;
  } else if (head.durable_head - follow.position > kFellBehindFacts && follow.caught_up &&
             !follow.fell_behind) {
    say("FELL_BEHIND");
    follow.fell_behind = true;
    follow.caught_up = false;
  }
  if (follow.skipped >= kBookmarkFacts ||
      (follow.skipped > 0 && now - follow.sent_at >= kBookmarkPause))
    say("BOOKMARK");
  if (now - follow.sent_at >= std::chrono::milliseconds(heartbeat_ms_)) say("HEARTBEAT");
  return !follow.gone && follow.credit > 0 && follow.position < head.durable_head;
}

bool ReadLoop::send(const Bytes& route, const Bytes& id, std::string_view verb,
                    const std::string& body, std::span<const ByteView> payload) {
  std::vector<ByteView> frames{route, as_bytes(wire::kProtocolName), as_bytes(verb), id,
                               as_bytes(body)};
  frames.insert(frames.end(), payload.begin(), payload.end());
  return socket_.send(std::span<const ByteView>(frames));
}

void ReadLoop::refuse(const Request& request, const std::string& code, const std::string& message,
                      const std::string& hint) {
  send(request.route, request.id, "ERROR", wire::to_json(wire::ReadError{code, message, hint}));
}

}  // namespace keytrail::eventstore
