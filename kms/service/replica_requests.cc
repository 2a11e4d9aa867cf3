// ReplicaCore: what waits for the log, from its beginning to its answer.
#include <algorithm>

#include "bus/events/match.h"
#include "bus/secret/sha256.h"
#include "kms/service/replica_core.h"

namespace keytrail::kms {
namespace {

constexpr std::string_view kOperator = "operator/cli";
constexpr std::string_view kOnlyTheOperator = "only operator/cli may give commands";
constexpr std::size_t kReasonBytesMax = 256;

kmip::Failure not_now(std::string why) {
  return {.reason = kmip::ResultReason::kGeneralFailure, .message = std::move(why)};
}

std::optional<std::size_t> last_change_in(const protocol::Decision& decision) {
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < decision.facts.size(); ++i) {
    if (effect_of(decision.facts[i].event) == Effect::kChange) last = i;
  }
  return last;
}

std::string who(const Requester& peer) {
  return peer.certificate ? "its certificate is not enrolled" : "it has no certificate";
}

// What the log keeps of a change that the rules refuse. What is not there was named by the
// operator, at any length: then the name stays out.
std::string reason_of(const std::string& identity, const Refusal& refusal) {
  const bool fits = refusal.message.size() <= kReasonBytesMax;
  return identity + ": " + (fits ? refusal.message : "What was named is not there.");
}

}  // namespace

// --- Beginnings.

void ReplicaCore::on(KmipRequest request) {
  OpenKmip open{.connection = request.connection,
                .work = {.peer = std::move(request.peer),
                         .request = kmip::decode_request(request.bytes.read(SecretAccess())),
                         .entropy = Entropy(std::move(request.entropy)),
                         .prepared = {}},
                .answer = {}};
  ++open_requests_;
  if (phase_ != Phase::kServing) {
    return fail(open, "This replica does not serve now: it is " + std::string(to_string(phase_)) +
                          ". Ask another one.");
  }
  if (open_requests_ > options_.requests_max) {
    return fail(open, "This replica has as many requests under way as it can: ask again.");
  }
  const bool only_reads = decider_.only_reads(open.work);
  const auto floor = floors_.find(open.connection);
  const Position lowest = floor == floors_.end() ? 0 : floor->second;
  const Id id = begin(std::move(open));
  if (lowest > followed_) {
    below_floor_.emplace(lowest, id);
  } else if (only_reads) {
    outputs_.ask_head.push_back(id);
  } else {
    decide(id);
  }
}

void ReplicaCore::on(const ConnectionClosed& closed) {
  floors_.erase(closed.connection);
  for (auto& [id, open] : open_) {
    auto* request = std::get_if<OpenKmip>(&open);
    if (request != nullptr && request->connection == closed.connection &&
        !request->course.answered) {
      request->course.answered = true;  // Nobody is there; what was submitted stands all the same.
      --open_requests_;
    }
  }
}

void ReplicaCore::on(CommandGiven given) {
  if (given.identity != kOperator) return turn_away(std::move(given));
  if (std::holds_alternative<Stop>(given.command)) {
    outputs_.answer.push_back({given.token, StoppingAnswer{}});
    return end({});
  }
  if (std::holds_alternative<AskStatus>(given.command)) {
    outputs_.answer.push_back({given.token, *read(given.command)});
    return;
  }
  if (phase_ != Phase::kServing) {
    outputs_.answer.push_back(
        {given.token, FailedAnswer{"unavailable",
                                   scope_.replica + " does not serve now: it is " +
                                       std::string(to_string(phase_)),
                                   "ask another replica, or `keytrail kms status` why"}});
    return;
  }
  decide(begin(OpenCommand{.given = std::move(given), .answer = {}}));
}

void ReplicaCore::on(const KeyringAsked& asked) {
  OpenGrant grant{.asked = asked};
  if (phase_ != Phase::kServing) return fail(grant, scope_.replica + " does not serve now.");
  decide(begin(std::move(grant)));
}

void ReplicaCore::on(const StrangerTurnedAway& stranger) {
  refusals_.add(stranger.socket, stranger.reason, stranger.address);
}

ReplicaCore::Id ReplicaCore::begin(Open open) {
  const Id id = next_id_++;
  open_.emplace(id, std::move(open));
  return id;
}

void ReplicaCore::begin_duty(Duty duty) { decide(begin(OpenDuty{std::move(duty)})); }

ReplicaCore::Course* ReplicaCore::course_of(Open& open) {
  return match(
      open, [](OpenKmip& one) { return &one.course; }, [](OpenCommand& one) { return &one.course; },
      [](OpenGrant& one) { return &one.course; }, [](OpenLease&) -> Course* { return nullptr; },
      [](OpenDuty&) -> Course* { return nullptr; });
}

// --- Decisions.

void ReplicaCore::decide(Id id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const Course* course = course_of(found->second);
  if (course != nullptr && course->answered) {  // Nothing was recorded, and nobody waits any more.
    open_.erase(found);
    return;
  }
  std::visit([&](auto& open) { decide(id, open); }, found->second);
}

void ReplicaCore::decide(Id id, OpenKmip& open) {
  RequestDecision decided = decider_.decide(open.work, {.wall = wall_, .log = log_time_});
  const bool nothing_recorded = decided.decision.facts.empty();
  if (decided.kind == RequestDecision::Kind::kNeedsLeaves) {
    without_leaf_.push_back(id);
    return lease_if_due();
  }
  if ((nothing_recorded || decided.reads_unguarded) && !open.course.fresh) {
    outputs_.ask_head.push_back(id);
    return;
  }
  if (decided.kind == RequestDecision::Kind::kStranger) return turn_away(id, open);
  open.answer = std::move(decided.answer);
  if (nothing_recorded) return finish(id, 0);
  open.last_change = last_change_in(decided.decision);
  submit(id, std::move(decided.decision));
}

void ReplicaCore::decide(Id id, OpenCommand& open) {
  if (open.given.identity != kOperator) {
    open.answer = FailedAnswer{"refused", std::string(kOnlyTheOperator), {}};
    return state_refusal(id, "command", open.given.identity + " may give no commands",
                         open.given.address);
  }
  if (std::optional<Answer> answer = read(open.given.command)) {
    if (!open.course.fresh) return outputs_.ask_head.push_back(id);
    open.answer = std::move(*answer);
    return finish(id, 0);
  }
  Draft on = draft();
  const auto changed = change(on, open.given.command);
  if (on.recorded().empty() && !open.course.fresh) return outputs_.ask_head.push_back(id);
  if (const Refusal* refusal = refusal_in(changed)) {
    const bool not_found = refusal->reason == Reason::kItemNotFound;
    open.answer = FailedAnswer{not_found ? "not-found" : "refused", refusal->message, {}};
    return state_refusal(id, "command", reason_of(open.given.identity, *refusal),
                         open.given.address);
  }
  if (const auto* cert = std::get_if<RecordSigned>(&open.given.command)) {
    open.answer = SignedAnswer{cert->certificate_pem, cert->fingerprint};
  } else {
    open.answer = DoneAnswer{std::get<std::string>(changed), 0};
  }
  if (on.recorded().empty()) return finish(id, 0);
  submit(id, decision_of(on, {.user = open.given.identity,
                              .origin = {.address = open.given.address,
                                         .certificate_fingerprint = {},
                                         .session = {}},
                              .action = open.given.action,
                              .clock = wall_}));
}

void ReplicaCore::decide(Id id, OpenGrant& open) {
  if (!open.course.fresh) return outputs_.ask_head.push_back(id);
  Draft on = draft();
  const auto granted = kms::decide(on, GrantKeyring{.certificate = open.asked.certificate,
                                                    .punctured_through = punctured_through_});
  if (const Refusal* refusal = refusal_in(granted)) {
    refusals_.add("keyring", refusal->message, open.asked.address);
    OpenGrant refused = std::move(open);
    open_.erase(id);
    return fail(refused, refusal->message);
  }
  submit(id, decision_of(on, {.user = std::get<MemberChanged>(granted).replica,
                              .origin = {.address = open.asked.address,
                                         .certificate_fingerprint = to_hex(open.asked.certificate),
                                         .session = {}},
                              .action = open.asked.action,
                              .clock = wall_}));
}

void ReplicaCore::decide(Id id, OpenLease& open) {
  Draft on = draft();
  open.block = kms::decide(on, LeaseLeaves{});
  submit(id, decision_of(on, own_authorship()));
}

void ReplicaCore::decide(Id id, OpenDuty& open) {
  if (const auto* refusals = std::get_if<part::RefusalsRepeated>(&open.duty)) {
    return submit(id, decision_to_state(*refusals));  // It depends on nothing.
  }
  Draft on = draft();
  match(
      open.duty, [&](const FoundCluster& duty) { (void)kms::decide(on, duty); },
      [&](const StateShredded& duty) { kms::decide(on, duty); },
      [&](const StateRestored& duty) { kms::decide(on, duty); },
      [](const part::RefusalsRepeated&) {});
  if (on.recorded().empty()) {  // Somebody else founded the cluster.
    open_.erase(id);
    return move_on();
  }
  submit(id, decision_of(on, own_authorship()));
}

// Before there is a name that we trust.
void ReplicaCore::turn_away(Id id, OpenKmip& open) {
  open.answer =
      failing_answer(open.work.request,
                     {.reason = kmip::ResultReason::kAuthenticationNotSuccessful,
                      .message = "This client is not enrolled here: " + who(open.work.peer) + "."},
                     wall_);
  state_refusal(id, "kmip", who(open.work.peer), open.work.peer.address);
}

// Where nothing can be recorded now, nobody is kept waiting for it: it is counted.
void ReplicaCore::turn_away(CommandGiven given) {
  if (phase_ == Phase::kServing) {
    return decide(begin(OpenCommand{.given = std::move(given), .answer = {}}));
  }
  refusals_.add("command", given.identity + " may give no commands", given.address);
  outputs_.answer.push_back(
      {given.token, FailedAnswer{"refused", std::string(kOnlyTheOperator), {}}});
}

// The first of a kind is recorded, then told; the others are counted, and told at once.
// REQUIRES: the answer of what is open is there.
void ReplicaCore::state_refusal(Id id, const std::string& socket, const std::string& reason,
                                const std::string& address) {
  const auto refusals = refusals_.add_and_take(socket, reason, address, wall_);
  if (!refusals) return finish(id, 0);
  submit(id, decision_to_state(*refusals));
}

// At an orderly stop: what was counted and is not due yet. Nobody waits for it, so nothing is kept
// open; it goes to the log before the farewell does.
void ReplicaCore::state_last_refusals() {
  if (!epoch_begun_) return;
  for (const part::RefusalsRepeated& refusals : refusals_.take_all()) {
    outputs_.submit.push_back({next_id_++, decision_to_state(refusals)});
  }
}

protocol::Decision ReplicaCore::decision_to_state(const part::RefusalsRepeated& refusals) {
  protocol::Decision decision;
  decision.facts.push_back(body_by(own_authorship(), replica_stream(scope_.replica),
                                   keytrail::Event(part::Event(refusals))));
  return decision;
}

void ReplicaCore::submit(Id id, protocol::Decision decision) {
  if (Course* course = course_of(open_.at(id))) course->submitted = true;
  outputs_.submit.push_back({id, std::move(decision)});
}

Authorship ReplicaCore::own_authorship() {
  const std::string count = std::to_string(++actions_);
  const Hash hash = sha256({options_.action_seed, as_bytes(count)});
  Authorship own{.user = "kms/" + scope_.replica, .origin = {}, .action = {}, .clock = wall_};
  std::copy_n(hash.begin(), own.action.bytes.size(), own.action.bytes.begin());
  return own;
}

// --- Ends.

void ReplicaCore::finish(Id id, Position first) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  Open open = std::move(found->second);
  open_.erase(found);
  std::visit([&](auto& one) { complete(one, first); }, open);
}

void ReplicaCore::complete(OpenKmip& open, Position first) {
  if (open.course.answered) return;
  if (first != 0 && open.last_change) floors_[open.connection] = first + *open.last_change;
  respond(open, std::move(open.answer));
}

void ReplicaCore::complete(OpenCommand& open, Position first) {
  if (open.course.answered) return;
  if (auto* done = std::get_if<DoneAnswer>(&open.answer)) done->position = first;
  outputs_.answer.push_back({open.given.token, std::move(open.answer)});
}

void ReplicaCore::complete(OpenGrant& open, Position) {
  if (open.course.answered) return;
  outputs_.keyring_answers.push_back({open.asked.token, true, {}});
}

void ReplicaCore::complete(OpenLease& open, Position) {
  leasing_ = false;
  leaves_.add(open.block);
  decide_those_without_leaf();
}

void ReplicaCore::complete(OpenDuty&, Position) {}

void ReplicaCore::fail(OpenKmip& open, const std::string& why) {
  if (open.course.answered) return;
  respond(open, failing_answer(open.work.request, not_now(why), wall_));
}

void ReplicaCore::fail(OpenCommand& open, const std::string& why) {
  if (std::exchange(open.course.answered, true)) return;
  outputs_.answer.push_back({open.given.token, FailedAnswer{"unavailable", why, {}}});
}

void ReplicaCore::fail(OpenGrant& open, const std::string& why) {
  if (std::exchange(open.course.answered, true)) return;
  outputs_.keyring_answers.push_back({open.asked.token, false, why});
}

void ReplicaCore::fail(OpenLease&, const std::string& why) {
  leasing_ = false;
  for (const Id id : std::exchange(without_leaf_, {})) {
    const auto found = open_.find(id);
    if (found == open_.end()) continue;
    if (auto* request = std::get_if<OpenKmip>(&found->second)) fail(*request, why);
    open_.erase(found);
  }
}

// The log will never take it: nothing else can be said, so this replica stops rather than go on in
// silence.
void ReplicaCore::fail(OpenDuty&, const std::string& why) {
  end("What this replica has to state is refused by the log: " + why);
}

void ReplicaCore::decide_those_without_leaf() {
  for (const Id id : std::exchange(without_leaf_, {})) decide(id);
}

void ReplicaCore::respond(OpenKmip& open, SecretBytes answer) {
  open.course.answered = true;
  --open_requests_;
  outputs_.respond.push_back({open.connection, std::move(answer)});
}

}  // namespace keytrail::kms
