#include "kms/model/destroy.h"

namespace keytrail::kms {

Decided<Destroyed> decide(Draft& draft, const Client& client, const Destroy& command) {
  const auto found = find_living_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  const Object& object = *std::get<const Object*>(found);
  if (has_state(object) && state_of(object, draft.now()) == ObjectState::kActive) {
    return Refusal{.reason = Reason::kPermissionDenied,
                   .message = "The object is active: revoke it first.",
                   .detail = {}};
  }
  const std::string owner = object.owner;
  const std::vector<std::string> names = object.names;
  draft.record(KeyDestroyed{.object = command.object, .leaf = object.leaf});
  for (const std::string& name : names) {
    (void)draft.object_named(owner, name);  // Whoever takes the name next depends on this.
    draft.record(NameFreed{.name = name, .owner = owner, .object = command.object});
  }
  return Destroyed{command.object};
}

}  // namespace keytrail::kms
