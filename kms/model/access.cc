#include "kms/model/access.h"

namespace keytrail::kms {
namespace {

constexpr std::size_t kDetailBytesMax = 512;

bool can_be_identifier(const std::string& id) {
  return !id.empty() && id.size() <= kObjectIdBytesMax;
}

}  // namespace

Decided<const Object*> find_object(Draft& draft, const Client& client, const std::string& id) {
  const Refusal not_found{.reason = Reason::kItemNotFound,
                          .message = "There is no object with this unique identifier.",
                          .detail = {}};
  if (!can_be_identifier(id)) return not_found;  // Nothing was read: none can ever have it.
  const Object* object = draft.object(id);
  if (object == nullptr) return not_found;
  if (object->owner != owner_of(client)) {
    return Refusal{.reason = not_found.reason,
                   .message = not_found.message,
                   .detail = "The object belongs to " + object->owner + "."};
  }
  return object;
}

Decided<const Object*> find_living_object(Draft& draft, const Client& client,
                                          const std::string& id) {
  Decided<const Object*> found = find_object(draft, client, id);
  if (refusal_in(found) == nullptr && is_destroyed(*std::get<const Object*>(found))) {
    return Refusal{
        .reason = Reason::kPermissionDenied, .message = "The object is destroyed.", .detail = {}};
  }
  return found;
}

void record_refusal(Draft& draft, std::uint32_t operation, const std::string& object,
                    const std::string& client, const Refusal& refusal) {
  const std::string& detail = refusal.detail.empty() ? refusal.message : refusal.detail;
  draft.record(OperationRefused{.operation = operation,
                                .object = can_be_identifier(object) ? object : std::string(),
                                .client = client,
                                .reason = static_cast<std::uint32_t>(refusal.reason),
                                .detail = detail.substr(0, kDetailBytesMax)});
}

}  // namespace keytrail::kms
