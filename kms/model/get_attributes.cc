#include "kms/model/get_attributes.h"

namespace keytrail::kms {

Decided<Described> decide(Draft& draft, const Client& client, const GetAttributes& command) {
  const auto found = find_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  return Described{std::get<const Object*>(found)};
}

}  // namespace keytrail::kms
