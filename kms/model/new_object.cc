#include "kms/model/new_object.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

constexpr std::size_t kNameBytesMax = 1024;
constexpr TimeNs kNsPerSecond = 1'000'000'000;

std::optional<Refusal> check_names(Draft& draft, const std::string& owner,
                                   const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (auto refusal = check_name(*name)) return refusal;
    const bool repeated = std::find(names.begin(), name, *name) != name;
    if (repeated || !draft.object_named(owner, *name).empty()) return name_is_taken(*name);
  }
  return std::nullopt;
}

std::optional<Refusal> check_deactivation_date(const NewObject& command) {
  for (const Attribute& attribute : command.attributes) {
    if (attribute.name != kDeactivationDate) continue;
    const Decided<TimeNs> date = decide_date(attribute);
    if (const Refusal* refusal = refusal_in(date)) return *refusal;
    return check_dates(command.activation_date, std::get<TimeNs>(date));
  }
  return std::nullopt;
}

}  // namespace

Decided<Made> decide_new(Draft& draft, const Client& client, NewObject command) {
  const std::string owner = owner_of(client);
  if (draft.object(command.object) != nullptr) {
    return Refusal{.reason = Reason::kIllegalOperation,
                   .message = "An object with this unique identifier exists already.",
                   .detail = {}};
  }
  if (auto refusal = check_attributes(command.attributes)) return *refusal;
  if (auto refusal = check_deactivation_date(command)) return *refusal;
  if (auto refusal = check_names(draft, owner, command.names)) return *refusal;

  draft.record(ObjectCreated{.object = command.object,
                             .type = command.type,
                             .origin = command.origin,
                             .algorithm = command.algorithm,
                             .length_bits = command.length_bits,
                             .usage_mask = command.usage_mask,
                             .format = command.format,
                             .subtype = command.subtype,
                             .owner = owner,
                             .attributes = std::move(command.attributes),
                             .leaf = command.sealed.leaf,
                             .fingerprint = std::move(command.sealed.fingerprint)},
               {{.kind = AttachmentKind::kSealed, .bytes = std::move(command.sealed.bytes)}});
  for (const std::string& name : command.names) {
    draft.record(NameBound{.name = name, .owner = owner, .object = command.object});
  }
  if (command.activation_date != 0) {
    draft.record(
        KeyActivated{.object = command.object, .activation_date = command.activation_date});
  }
  return Made{command.object};
}

std::optional<Refusal> check_attributes(const std::vector<Attribute>& attributes) {
  std::size_t bytes = 0;
  for (const Attribute& attribute : attributes) {
    if (attribute.name.size() > kAttributeNameBytesMax ||
        attribute.value.size() > kAttributeValueBytesMax) {
      return Refusal{.reason = Reason::kInvalidField,
                     .message = "An attribute's name has at most " +
                                std::to_string(kAttributeNameBytesMax) + " bytes, its value " +
                                std::to_string(kAttributeValueBytesMax) + ", encoded.",
                     .detail = {}};
    }
    bytes += attribute.name.size() + attribute.value.size();
  }
  if (attributes.size() <= kAttributesPerObjectMax && bytes <= kAttributeBytesPerObjectMax) {
    return std::nullopt;
  }
  return Refusal{.reason = Reason::kInvalidField,
                 .message = "An object holds at most " + std::to_string(kAttributesPerObjectMax) +
                            " attributes of " + std::to_string(kAttributeBytesPerObjectMax) +
                            " bytes together.",
                 .detail = {}};
}

Decided<TimeNs> decide_date(const Attribute& attribute) {
  const std::optional<TimeNs> date = date_of(attribute);
  if (date && *date != 0) return *date;
  return Refusal{.reason = Reason::kInvalidField,
                 .message = "The " + attribute.name + " is no date that can be kept.",
                 .detail = {}};
}

std::optional<Refusal> check_dates(TimeNs activation, TimeNs deactivation) {
  const bool both = activation != 0 && deactivation != 0;
  if (!both || activation / kNsPerSecond <= deactivation / kNsPerSecond) return std::nullopt;
  return Refusal{.reason = Reason::kInvalidField,
                 .message = "The Deactivation Date lies before the Activation Date.",
                 .detail = {}};
}

std::optional<Refusal> check_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kNameBytesMax;
  if (fits && name.find('\0') == std::string::npos) return std::nullopt;
  return Refusal{
      .reason = Reason::kInvalidField,
      .message = "A name has 1 to " + std::to_string(kNameBytesMax) + " bytes, none of them zero.",
      .detail = {}};
}

Refusal name_is_taken(const std::string& name) {
  return {.reason = Reason::kInvalidField,
          .message = "The name '" + name + "' belongs to another object of the same owner.",
          .detail = {}};
}

}  // namespace keytrail::kms
