#include "kms/model/get.h"

namespace keytrail::kms {
namespace {

// A symmetric key can be given raw and transparent, whichever way it came; the rest only as it
// came.
bool can_be_given(const Object& object, std::uint32_t format) {
  if (format == object.format) return true;
  return object.type == ObjectType::kSymmetricKey &&
         (format == kFormatRaw || format == kFormatTransparentSymmetricKey);
}

}  // namespace

Decided<Released> decide(Draft& draft, const Client& client, const Get& command) {
  const auto found = find_living_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  const Object* object = std::get<const Object*>(found);
  if (command.compression != 0) {
    return Refusal{.reason = Reason::kKeyCompressionTypeNotSupported,
                   .message = "Key compression is for elliptic curve keys only.",
                   .detail = {}};
  }
  const std::uint32_t format = command.format == 0 ? object->format : command.format;
  if (!can_be_given(*object, format)) {
    return Refusal{.reason = Reason::kKeyFormatTypeNotSupported,
                   .message = "The object cannot be given in that Key Format Type.",
                   .detail = {}};
  }
  draft.record(
      KeyReleased{.object = object->id, .client = client.name, .replica = draft.scope().replica});
  return Released{.object = object, .format = format};
}

}  // namespace keytrail::kms
