#include "kms/model/revoke.h"

namespace keytrail::kms {
namespace {

Refusal refusal(Reason reason, std::string message) {
  return {.reason = reason, .message = std::move(message), .detail = {}};
}

bool is_reason(std::uint32_t code) {
  return (code >= 1 && code <= kReasonPrivilegeWithdrawn) || code >= kReasonExtension;
}

bool tells_compromise(std::uint32_t reason) {
  return reason == kReasonKeyCompromise || reason == kReasonCaCompromise;
}

// A compromise may come to light at any time, even after the destruction; a plain revocation ends
// an active life.
std::optional<Refusal> check_state(const Object& object, bool compromise, TimeNs now) {
  const ObjectState state = state_of(object, now);
  switch (state) {
    case ObjectState::kActive:
      return std::nullopt;
    case ObjectState::kPreActive:
    case ObjectState::kDeactivated:
    case ObjectState::kDestroyed:
      if (compromise) return std::nullopt;
      break;
    case ObjectState::kCompromised:
    case ObjectState::kDestroyedCompromised:
      break;
  }
  return refusal(
      compromise ? Reason::kPermissionDenied : Reason::kIllegalOperation,
      "The object is " + std::string(to_string(state)) + ": it cannot be revoked for that reason.");
}

}  // namespace

Decided<Revoked> decide(Draft& draft, const Client& client, const Revoke& command) {
  const auto found = find_object(draft, client, command.object);
  if (const Refusal* not_found = refusal_in(found)) return *not_found;
  const Object& object = *std::get<const Object*>(found);
  if (!has_state(object)) {
    return refusal(Reason::kIllegalOperation, "An opaque object has no state to change.");
  }
  if (command.message.size() > kRevocationMessageBytesMax) {
    return refusal(Reason::kInvalidField, "A Revocation Message has at most " +
                                              std::to_string(kRevocationMessageBytesMax) +
                                              " bytes.");
  }
  if (!is_reason(command.reason)) {
    return refusal(Reason::kInvalidField, "The Revocation Reason Code is none.");
  }
  const bool compromise = tells_compromise(command.reason);
  if (auto wrong_state = check_state(object, compromise, draft.now())) return *wrong_state;
  if (compromise && command.compromise_occurrence_date > draft.now()) {
    return refusal(Reason::kInvalidField, "The Compromise Occurrence Date lies in the future.");
  }
  draft.record(
      KeyRevoked{.object = object.id,
                 .reason = command.reason,
                 .message = command.message,
                 .state = compromise ? ObjectState::kCompromised : ObjectState::kDeactivated,
                 .compromise_date = compromise ? command.compromise_occurrence_date : 0});
  return Revoked{command.object};
}

}  // namespace keytrail::kms
