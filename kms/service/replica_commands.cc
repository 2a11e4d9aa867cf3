// ReplicaCore: what an operator may ask, and change.
#include <algorithm>

#include "bus/events/match.h"
#include "kms/service/replica_core.h"

namespace keytrail::kms {
namespace {

constexpr std::size_t kKeysPerAnswerMax = 10'000;

KeysAnswer list_keys(const State& state, const ListKeys& command, TimeNs now) {
  KeysAnswer answer;
  const std::size_t limit = std::min(std::max<std::size_t>(command.limit, 1), kKeysPerAnswerMax);
  auto object = state.objects().begin();
  if (!command.after.empty()) {
    object = std::find_if(state.objects().begin(), state.objects().end(),
                          [&](const Object& one) { return one.id == command.after; });
    if (object != state.objects().end()) ++object;
  }
  for (; object != state.objects().end() && answer.keys.size() < limit; ++object) {
    answer.keys.push_back({.object = *object, .state = state_of(*object, now)});
    answer.keys.back().object.attributes.clear();
  }
  answer.more = object != state.objects().end();
  return answer;
}

ClientsAnswer list_clients(const State& state) {
  ClientsAnswer answer;
  for (const auto& [name, client] : state.clients()) answer.clients.push_back(client);
  return answer;
}

Answer shredded(const State& state, const AskShredded& command) {
  const Object* object = state.object(command.object);
  if (object == nullptr) {
    return FailedAnswer{"not-found", "There is no key " + command.object + ".",
                        "`keytrail kms keys` lists those that there are"};
  }
  return ShreddedAnswer{.object = object->id,
                        .destroyed = is_destroyed(*object),
                        .shredding = shredding_of(state, *object)};
}

template <class Changed>
Decided<std::string> name_in(const Decided<Changed>& changed, std::string Changed::*name) {
  if (const Refusal* refusal = refusal_in(changed)) return *refusal;
  return std::get<Changed>(changed).*name;
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kFollowing:
      return "reading the log";
    case Phase::kFounding:
      return "founding the cluster";
    case Phase::kUnadmitted:
      return "waiting for admission";
    case Phase::kRetired:
      return "retired";
    case Phase::kWithoutKeyring:
      return "waiting for the keyring";
    case Phase::kPuncturing:
      return "forgetting destroyed keys";
    case Phase::kServing:
      return "serving";
    case Phase::kAway:
      return "cut off from the log";
    case Phase::kEnded:
      return "ended";
  }
  KEYTRAIL_CHECK(false);
}

// Nothing: the command is to change something.
std::optional<Answer> ReplicaCore::read(const Command& command) const {
  using Told = std::optional<Answer>;
  return match(
      command,
      [&](const AskStatus&) -> Told {
        return StatusAnswer{.phase = phase_,
                            .followed = followed_,
                            .objects = state_.objects().size(),
                            .clients = state_.clients().size(),
                            .punctured_through = punctured_through_,
                            .cluster = state_.cluster()};
      },
      [&](const ListKeys& list) -> Told { return list_keys(state_, list, log_time_); },
      [&](const ListClients&) -> Told { return list_clients(state_); },
      [&](const AskShredded& ask) -> Told { return shredded(state_, ask); },
      [](const EnrolClient&) -> Told { return std::nullopt; },
      [](const RemoveClient&) -> Told { return std::nullopt; },
      [](const AdmitReplica&) -> Told { return std::nullopt; },
      [](const RetireReplica&) -> Told { return std::nullopt; },
      [](const RecordSigned&) -> Told { return std::nullopt; },
      [](const Stop&) -> Told { return std::nullopt; });
}

// Gives the name of what was changed.
Decided<std::string> ReplicaCore::change(Draft& on, const Command& command) const {
  using Changed = Decided<std::string>;
  (void)on.cluster();  // A retired replica takes no commands.
  const auto not_a_change = [](const auto&) -> Changed { KEYTRAIL_CHECK(false); };
  return match(
      command,
      [&](const EnrolClient& enrol) -> Changed {
        return name_in(kms::decide(on, enrol), &ClientChanged::client);
      },
      [&](const RemoveClient& remove) -> Changed {
        return name_in(kms::decide(on, remove), &ClientChanged::client);
      },
      [&](const AdmitReplica& admit) -> Changed {
        return name_in(kms::decide(on, admit), &MemberChanged::replica);
      },
      [&](const RetireReplica& retire) -> Changed {
        return name_in(kms::decide(on, retire), &MemberChanged::replica);
      },
      [&](const RecordSigned& cert) -> Changed {
        on.record(
            CertificateSigned{.subject = cert.subject, .fingerprint = cert.fingerprint},
            {{.kind = AttachmentKind::kClear, .bytes = to_bytes(as_bytes(cert.certificate_pem))}});
        return cert.subject;
      },
      [&](const AskStatus& x) { return not_a_change(x); },
      [&](const ListKeys& x) { return not_a_change(x); },
      [&](const ListClients& x) { return not_a_change(x); },
      [&](const AskShredded& x) { return not_a_change(x); },
      [&](const Stop& x) { return not_a_change(x); });
}

}  // namespace keytrail::kms
