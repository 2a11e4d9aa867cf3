#include "kms/model/activate.h"

namespace keytrail::kms {

Decided<Activated> decide(Draft& draft, const Client& client, const Activate& command) {
  const auto found = find_living_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  const Object& object = *std::get<const Object*>(found);
  if (!has_state(object)) {
    return Refusal{.reason = Reason::kIllegalOperation,
                   .message = "An opaque object has no state to change.",
                   .detail = {}};
  }
  const ObjectState state = state_of(object, draft.now());
  if (state != ObjectState::kPreActive) {
    return Refusal{.reason = Reason::kPermissionDenied,
                   .message = "Only a pre-active object can be activated; this one is " +
                              std::string(to_string(state)) + ".",
                   .detail = {}};
  }
  draft.record(KeyActivated{.object = object.id, .activation_date = draft.now()});
  return Activated{object.id};
}

}  // namespace keytrail::kms
