#include "bus/client/log_reader.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "bus/protocol/message_codec.h"
#include "bus/wire/socket.h"
#include "bus/wire/wake_event.h"

namespace keytrail::client {

namespace {

using SteadyClock = std::chrono::steady_clock;
using wire::ConnectionChange;

constexpr std::uint32_t kCredit = 4096;  // facts that may be under way to a follower
constexpr int kRetryPauseMs = 200;
constexpr int kSilenceMsMax = 5000;  // of a store that owes a heartbeat every half second
constexpr std::string_view kHelloId = "hello";
constexpr std::string_view kFollowId = "follow";

// One message of the store.
struct Answer {
  std::string verb;
  std::string id;
  Bytes body;
  Bytes facts, attachments;
};

Error to_error(const wire::ReadError& error) {
  ErrorCode code = ErrorCode::kUnavailable;
  if (error.code == "unauthorized" || error.code == "forbidden") code = ErrorCode::kRefused;
  if (error.code == "malformed") code = ErrorCode::kInvalid;
  if (error.code == "head-went-back" || error.code == "unknown-log") code = ErrorCode::kCorrupt;
  return {code, error.hint.empty() ? error.message : error.message + "; " + error.hint};
}

Result<Answer> answer_from(wire::Message message) {
  std::vector<Bytes>& frames = message.frames;
  if (frames.size() < 4 || as_text(frames[0]) != wire::kProtocolName) {
    return Error{ErrorCode::kInvalid, "the event store speaks another protocol"};
  }
  Answer answer{.verb = std::string(as_text(frames[1])),
                .id = std::string(as_text(frames[2])),
                .body = std::move(frames[3]),
                .facts = {},
                .attachments = {}};
  if (frames.size() > 4) answer.facts = std::move(frames[4]);
  if (frames.size() > 5) answer.attachments = std::move(frames[5]);
  return answer;
}

Result<std::vector<ReadFact>> facts_of(const Answer& answer) {
  std::vector<StoredFact> stored = TRY(protocol::decode_facts(answer.facts));
  std::vector<protocol::PositionedAttachment> attachments =
      TRY(protocol::decode_attachments(answer.attachments));
  std::vector<ReadFact> facts;
  facts.reserve(stored.size());
  for (StoredFact& fact : stored) {
    const Stamp stamp = TRY(decode_stamp(fact.stamp));
    facts.push_back({.position = stamp.position, .stored = std::move(fact), .attachments = {}});
  }
  for (protocol::PositionedAttachment& attachment : attachments) {
    const auto of = std::lower_bound(
        facts.begin(), facts.end(), attachment.position,
        [](const ReadFact& fact, Position position) { return fact.position < position; });
    if (of != facts.end() && of->position == attachment.position)
      of->attachments.push_back(std::move(attachment.attachment));
  }
  return facts;
}

}  // namespace

struct LogReader::Impl {
  enum class Wait { kAnswer, kLost, kTimeout, kStopped };

  // Connected, and known to the store: HELLO was answered with WELCOME.
  Result<void> connect(SteadyClock::time_point deadline);
  Result<wire::Welcome> say_hello(SteadyClock::time_point deadline);
  // Waits for the next answer.
  Result<Wait> receive(Answer& answer, SteadyClock::time_point deadline, int stop_fd = -1);
  void ask(std::string_view verb, std::string_view id, const std::string& body) {
    socket->send({as_bytes(wire::kProtocolName), as_bytes(verb), as_bytes(id), as_bytes(body)});
  }
  // Asks, again after a lost connection, until `verb` or ERROR comes. Answers of other verbs go to
  // `on_other`.
  Result<Answer> question(std::string_view verb, const std::string& body, std::string_view wanted,
                          const std::function<void(Answer)>& on_other = {});
  [[nodiscard]] SteadyClock::time_point patience() const {
    return SteadyClock::now() + std::chrono::milliseconds(options.patience_ms);
  }

  Result<std::optional<Stamp>> first_after(Position after);
  Result<void> begin_follow(std::optional<Position>& after);
  Result<bool> follow_once(std::optional<Position>& position, const wire::Selection& selection,
                           const FollowHandlers& handlers, int stop_fd);
  Result<bool> take_followed(const Answer& answer, std::optional<Position>& position,
                             const FollowHandlers& handlers);

  wire::Context& context;
  const Options options;
  const wire::CurveKeys& keys;
  std::optional<wire::Socket> socket;
  wire::Welcome welcome;
  std::uint64_t next_id = 1;
};

Result<void> LogReader::Impl::connect(SteadyClock::time_point deadline) {
  if (socket) return {};
  socket = TRY(wire::Socket::connect(context, wire::SocketKind::kDealer, options.endpoint,
                                     options.server_key, keys, {.messages_max = 8192}));
  auto welcomed = say_hello(deadline);
  if (!welcomed.ok()) {
    socket.reset();  // The next call says HELLO again.
    return welcomed.error();
  }
  welcome = std::move(welcomed).value();
  return {};
}

Result<wire::Welcome> LogReader::Impl::say_hello(SteadyClock::time_point deadline) {
  ask("HELLO", kHelloId,
      to_json(wire::Hello{
          .form = wire::PayloadForm::kFacts, .log = welcome.log, .known = options.known}));
  Answer answer;
  const Wait outcome = TRY(receive(answer, deadline));
  if (outcome == Wait::kAnswer && answer.verb == "WELCOME") {
    return wire::welcome_from(answer.body);
  }
  if (outcome == Wait::kAnswer && answer.verb == "ERROR")
    return to_error(TRY(wire::read_error_from(answer.body)));
  return Error{ErrorCode::kUnavailable,
               "the event store at " + options.endpoint + " does not answer; is it running?"};
}

Result<LogReader::Impl::Wait> LogReader::Impl::receive(Answer& answer,
                                                       SteadyClock::time_point deadline,
                                                       int stop_fd) {
  for (;;) {
    wire::Message message;
    if (socket->receive(message)) {
      answer = TRY(answer_from(std::move(message)));
      return Wait::kAnswer;
    }
    for (const ConnectionChange change : socket->take_connection_changes()) {
      if (change == ConnectionChange::kRefused) {
        socket.reset();
        return Error{ErrorCode::kRefused, "the event store at " + options.endpoint +
                                              " does not let this key in; an operator adds it with "
                                              "`keytrail subscribers add`"};
      }
      if (change == ConnectionChange::kLost) {
        socket.reset();
        return Wait::kLost;
      }
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now())
            .count();
    if (left <= 0) return Wait::kTimeout;
    if (stop_fd >= 0 && wire::is_readable(stop_fd)) return Wait::kStopped;
    const std::array<int, 1> fds{stop_fd};
    wire::wait_readable({&*socket}, std::span(fds).first(stop_fd >= 0 ? 1 : 0),
                        static_cast<int>(left));
  }
}

Result<Answer> LogReader::Impl::question(std::string_view verb, const std::string& body,
                                         std::string_view wanted,
                                         const std::function<void(Answer)>& on_other) {
  const SteadyClock::time_point deadline = patience();
  for (;;) {
    TRY(connect(deadline));
    const std::string id = std::to_string(next_id++);
    ask(verb, id, body);
    for (;;) {
      Answer answer;
      const Wait outcome = TRY(receive(answer, deadline));
      if (outcome == Wait::kLost) break;
      if (outcome != Wait::kAnswer) {
        socket.reset();
        return Error{ErrorCode::kUnavailable,
                     "the event store at " + options.endpoint + " does not answer"};
      }
      if (answer.id != id) continue;
      if (answer.verb == wanted) return answer;
      if (answer.verb == "ERROR") return to_error(TRY(wire::read_error_from(answer.body)));
      if (on_other) on_other(std::move(answer));
    }
  }
}

// The stamp of the first fact behind `after` that this identity may read.
Result<std::optional<Stamp>> LogReader::Impl::first_after(Position after) {
  for (;;) {
    std::optional<Stamp> found;
    const auto take = [&](const Answer& answer) {
      const auto facts = facts_of(answer);
      if (!facts.ok() || facts->empty()) return;
      const auto stamp = decode_stamp(facts->front().stored.stamp);
      if (stamp.ok()) found = *stamp;
    };
    const Answer answer = TRY(question(
        "READ", to_json(wire::ReadQuery{.after = after, .until = 0, .limit = 1, .selection = {}}),
        "END", take));
    const wire::ReadEnd end = TRY(wire::read_end_from(answer.body));
    if (found || end.position >= end.head) return found;
    after = end.position;
  }
}

LogReader::LogReader(wire::Context& context, Options options, const wire::CurveKeys& keys)
    : impl_(new Impl{.context = context,
                     .options = std::move(options),
                     .keys = keys,
                     .socket = {},
                     .welcome = {}}) {}

LogReader::~LogReader() {
  if (impl_->socket) impl_->ask("BYE", "bye", "{}");
}

Result<wire::Welcome> LogReader::welcome() {
  TRY(impl_->connect(impl_->patience()));
  return impl_->welcome;
}

Result<protocol::Head> LogReader::head() {
  const Answer answer = TRY(impl_->question("HEAD", "{}", "HEAD"));
  return wire::head_from(answer.body);
}

Result<Position> LogReader::read(Position after, Position until, const wire::Selection& selection,
                                 const OnFact& on_fact) {
  if (until == 0) {
    const protocol::Head at = TRY(head());
    until = at.durable_head;
  }
  while (after < until) {
    std::optional<Answer> facts;
    const auto keep = [&](Answer answer) { facts = std::move(answer); };
    const wire::ReadQuery query{.after = after, .until = until, .limit = 0, .selection = selection};
    const Answer end = TRY(impl_->question("READ", to_json(query), "END", keep));
    const wire::ReadEnd reached = TRY(wire::read_end_from(end.body));
    if (facts) {
      for (const ReadFact& fact : TRY(facts_of(*facts))) {
        if (!on_fact(fact)) return fact.position;
      }
    }
    if (reached.position <= after) break;  // `until` lies beyond the head
    after = reached.position;
  }
  return after;
}

Result<void> LogReader::follow(std::optional<Position> after, const wire::Selection& selection,
                               const FollowHandlers& handlers, int stop_fd) {
  const auto tell = [&](FollowChange change) {
    return !handlers.on_change || handlers.on_change(change, *after, impl_->welcome.head);
  };
  for (bool first = true;; first = false) {
    const auto begun = impl_->begin_follow(after);
    if (begun.ok()) {
      if (!first && !tell(FollowChange::kResumed)) return {};
      if (!TRY(impl_->follow_once(after, selection, handlers, stop_fd))) return {};
      if (!tell(FollowChange::kLost)) return {};
    } else if (begun.error().code != ErrorCode::kUnavailable) {
      return begun.error();
    }
    const std::array<int, 1> fds{stop_fd};
    wire::wait_readable({}, std::span(fds).first(stop_fd >= 0 ? 1 : 0), kRetryPauseMs);
    if (stop_fd >= 0 && wire::is_readable(stop_fd)) return {};
  }
}

// Connected, and it is known from where: the end is where the log ends now.
Result<void> LogReader::Impl::begin_follow(std::optional<Position>& after) {
  TRY(connect(patience()));
  if (after) return {};
  const Answer answer = TRY(question("HEAD", "{}", "HEAD"));
  after = TRY(wire::head_from(answer.body)).durable_head;
  return {};
}

// Until the connection is lost (true) or a handler or `stop_fd` ends it (false).
Result<bool> LogReader::Impl::follow_once(std::optional<Position>& position,
                                          const wire::Selection& selection,
                                          const FollowHandlers& handlers, int stop_fd) {
  ask("FOLLOW", kFollowId,
      to_json(wire::FollowQuery{.after = position, .credit = kCredit, .selection = selection}));
  std::uint32_t used = 0;
  for (;;) {
    Answer answer;
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(kSilenceMsMax);
    const Wait outcome = TRY(receive(answer, deadline, stop_fd));
    if (outcome == Wait::kStopped) return false;
    if (outcome == Wait::kTimeout) socket.reset();
    if (outcome != Wait::kAnswer) return true;
    if (answer.id != kFollowId) continue;
    if (answer.verb == "ERROR") return to_error(TRY(wire::read_error_from(answer.body)));
    if (answer.verb != "FACTS") {
      if (!TRY(take_followed(answer, position, handlers))) return false;
      continue;
    }
    const std::vector<ReadFact> facts = TRY(facts_of(answer));
    for (const ReadFact& fact : facts) {
      position = fact.position;
      if (!handlers.on_fact(fact)) return false;
    }
    used += static_cast<std::uint32_t>(facts.size());
    if (used < kCredit / 2) continue;
    ask("CREDIT", kFollowId, wire::credit_json(used));
    used = 0;
  }
}

Result<bool> LogReader::Impl::take_followed(const Answer& answer, std::optional<Position>& position,
                                            const FollowHandlers& handlers) {
  const wire::Progress progress = TRY(wire::progress_from(answer.body));
  position = std::max(*position, progress.position);
  if (!handlers.on_change) return true;
  if (answer.verb == "CAUGHT_UP")
    return handlers.on_change(FollowChange::kCaughtUp, progress.position, progress.head);
  if (answer.verb == "FELL_BEHIND")
    return handlers.on_change(FollowChange::kFellBehind, progress.position, progress.head);
  return true;
}

Result<Position> LogReader::position_before(TimeNs time) {
  const protocol::Head at = TRY(head());
  Position before = 0;                  // every fact up to here is earlier than `time`
  Position from = at.durable_head + 1;  // the first fact from here on is not
  while (before + 1 < from) {
    const Position middle = before + (from - before) / 2;
    const std::optional<Stamp> found = TRY(impl_->first_after(middle - 1));
    if (found && found->time < time)
      before = found->position;
    else
      from = middle;
  }
  return before;
}

}  // namespace keytrail::client
