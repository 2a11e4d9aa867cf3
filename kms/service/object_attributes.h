// What an object's attributes look like on the wire: those that a client gave, as they came; the
// others from what the log says of the object. Pure.
#pragma once

#include <string>
#include <vector>

#include "kms/kmip/attributes.h"
#include "kms/kmip/objects.h"
#include "kms/model/object.h"

namespace keytrail::kms {

// `digest` null: it is not told (not asked for, or gone with the material).
struct AttributeSource {
  const Object& object;
  TimeNs now = 0;  // log time
  const SecretBytes* digest = nullptr;
};

// All instances of one attribute; none if the object does not have it.
[[nodiscard]] std::vector<kmip::Attribute> attribute_of(const AttributeSource& source,
                                                        std::string_view name);
// All that exist in `version`, each name once, in the standard's order, clients' own ones last.
[[nodiscard]] std::vector<std::string> attribute_names(const AttributeSource& source,
                                                       kmip::ProtocolVersion version);

// KMIP has two numbers for what is one enumerator here.
[[nodiscard]] kmip::ObjectType to_kmip(ObjectType type);
[[nodiscard]] kmip::State to_kmip(ObjectState state);
[[nodiscard]] std::optional<ObjectType> type_from(kmip::ObjectType type);
[[nodiscard]] std::optional<ObjectState> state_from(std::uint32_t number);

// The object as Get gives it, with its own copy of the material.
[[nodiscard]] kmip::ManagedObject managed_object(const Object& object, std::uint32_t format,
                                                 const SecretBytes& material);

}  // namespace keytrail::kms
