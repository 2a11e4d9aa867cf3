#include "kms/service/request_translation.h"

#include <algorithm>
#include <limits>

#include "kms/service/object_attributes.h"

namespace keytrail::kms {
namespace {

namespace name = kmip::attribute;

constexpr TimeNs kNsPerSecond = 1'000'000'000;

Refusal refusal(Reason reason, std::string message) {
  return {.reason = reason, .message = std::move(message), .detail = {}};
}
std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 128)) + "'"; }

// 1970 itself is TimeNs' "none": such a date is as long past as the second after.
TimeNs time_of(const kmip::ttlv::DateTime& date) {
  constexpr auto kSecondsMax =
      static_cast<std::int64_t>(std::numeric_limits<TimeNs>::max() / kNsPerSecond);
  return static_cast<TimeNs>(std::clamp<std::int64_t>(date.seconds, 1, kSecondsMax)) * kNsPerSecond;
}

std::uint32_t number_in(const kmip::ttlv::Value& value) {
  if (const auto* integer = std::get_if<std::int32_t>(&value)) {
    return *integer < 0 ? 0 : static_cast<std::uint32_t>(*integer);
  }
  if (const auto* enumeration = std::get_if<kmip::ttlv::Enumeration>(&value)) {
    return enumeration->number;
  }
  return 0;
}

// Promises about who may read a key, which Get does not keep yet.
bool restricts_reading(std::string_view attribute) {
  return attribute == name::kSensitive || attribute == name::kExtractable;
}

// Custom attributes may have several instances; what the standard does not list cannot be given.
enum class Moment { kCreation, kLater };
std::optional<Refusal> check_given(const kmip::Attribute& attribute, Moment moment) {
  if (kmip::is_server_custom(attribute.name)) {
    return refusal(Reason::kPermissionDenied,
                   "Attributes with 'y-' are a server's own: " + quoted(attribute.name) + ".");
  }
  if (restricts_reading(attribute.name)) {
    return refusal(
        Reason::kFeatureNotSupported,
        "This server gives keys in the clear only, so it takes no " + quoted(attribute.name) + ".");
  }
  const kmip::AttributeRule* rule = kmip::rule_of(attribute.name);
  if (rule == nullptr) return std::nullopt;
  const bool may = rule->set_by == kmip::SetBy::kClient ||
                   (rule->set_by == kmip::SetBy::kAtCreation && moment == Moment::kCreation);
  if (may) return std::nullopt;
  return refusal(Reason::kPermissionDenied,
                 "A client cannot give " + quoted(attribute.name) + " here.");
}

Instances instances_of(const kmip::Attribute& attribute) {
  const kmip::AttributeRule* rule = kmip::rule_of(attribute.name);
  return rule == nullptr || rule->multiple ? Instances::kMany : Instances::kOne;
}

// Sorts the attributes of a template into the fields that the model knows and those it only keeps.
class NewObjectReader {
 public:
  explicit NewObjectReader(NewObject& object) : object_(object) {}

  std::optional<Refusal> read(const std::vector<kmip::Attribute>& attributes) {
    for (const kmip::Attribute& attribute : attributes) {
      if (auto wrong = check_given(attribute, Moment::kCreation)) return wrong;
      const std::size_t before = count(attribute.name);
      if (before > 0 && instances_of(attribute) == Instances::kOne) {
        return refusal(Reason::kInvalidField,
                       "The attribute " + quoted(attribute.name) + " is given twice.");
      }
      seen_.push_back(attribute.name);
      take(attribute, static_cast<std::uint32_t>(before));
    }
    return std::nullopt;
  }

  [[nodiscard]] bool has_usage_mask() const { return count(name::kCryptographicUsageMask) > 0; }

 private:
  [[nodiscard]] std::size_t count(std::string_view wanted) const {
    return static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), wanted));
  }

  void take(const kmip::Attribute& attribute, std::uint32_t index) {
    if (attribute.name == name::kCryptographicAlgorithm) {
      object_.algorithm = number_in(attribute.value);
    } else if (attribute.name == name::kCryptographicLength) {
      object_.length_bits = number_in(attribute.value);
    } else if (attribute.name == name::kCryptographicUsageMask) {
      object_.usage_mask = number_in(attribute.value);
    } else if (attribute.name == name::kActivationDate) {
      object_.activation_date = time_of(std::get<kmip::ttlv::DateTime>(attribute.value));
    } else {
      if (const auto given_name = name_in(attribute)) object_.names.push_back(*given_name);
      object_.attributes.push_back(
          {.name = attribute.name, .index = index, .value = kmip::encode_value(attribute.value)});
    }
  }

  static std::optional<std::string> name_in(const kmip::Attribute& attribute) {
    if (attribute.name != name::kName) return std::nullopt;
    const auto parsed = kmip::name_from(attribute.value);
    return parsed ? std::optional(parsed->value) : std::nullopt;
  }

  NewObject& object_;
  std::vector<std::string> seen_;
};

Refusal usage_mask_missing() {
  return refusal(Reason::kMissingData, "The Cryptographic Usage Mask is missing.");
}

// The key block says these as well; both must say the same.
std::optional<Refusal> read_block(const kmip::KeyBlock& block, NewObject& object) {
  object.format = static_cast<std::uint32_t>(block.format);
  const std::uint32_t algorithm =
      block.algorithm ? static_cast<std::uint32_t>(*block.algorithm) : object.algorithm;
  const std::uint32_t length = block.length && *block.length > 0
                                   ? static_cast<std::uint32_t>(*block.length)
                                   : object.length_bits;
  const bool contradicts = (object.algorithm != 0 && object.algorithm != algorithm) ||
                           (object.length_bits != 0 && object.length_bits != length);
  if (contradicts) {
    return refusal(Reason::kInvalidField,
                   "Key block and attributes contradict each other in algorithm or length.");
  }
  object.algorithm = algorithm;
  object.length_bits = length;
  return std::nullopt;
}

std::optional<DateKind> date_kind(std::string_view attribute) {
  if (attribute == name::kInitialDate) return DateKind::kInitial;
  if (attribute == name::kActivationDate) return DateKind::kActivation;
  if (attribute == name::kDeactivationDate) return DateKind::kDeactivation;
  if (attribute == name::kDestroyDate) return DateKind::kDestroy;
  if (attribute == name::kCompromiseDate) return DateKind::kCompromise;
  if (attribute == name::kCompromiseOccurrenceDate) return DateKind::kCompromiseOccurrence;
  if (attribute == name::kLastChangeDate) return DateKind::kLastChange;
  return std::nullopt;
}

// A date once: that second; twice: from the earlier to the later.
void wish_for_date(Locate& wanted, DateKind kind, const kmip::ttlv::DateTime& date) {
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(date.seconds, 0));
  for (DateRange& range : wanted.dates) {
    if (range.kind != kind) continue;
    range.from_seconds = std::min(range.from_seconds, seconds);
    range.to_seconds = std::max(range.to_seconds, seconds);
    return;
  }
  wanted.dates.push_back({.kind = kind, .from_seconds = seconds, .to_seconds = seconds});
}

template <class T>
void wish_for(Locate& wanted, std::optional<T>& field, std::optional<T> value) {
  if (!value || (field && *field != *value)) wanted.nothing_matches = true;
  field = std::move(value);
}

void wish_for(Locate& wanted, const kmip::Attribute& attribute) {
  const kmip::ttlv::Value& value = attribute.value;
  if (attribute.name == name::kUniqueIdentifier) {
    wish_for(wanted, wanted.object, std::optional(std::get<std::string>(value)));
  } else if (attribute.name == name::kObjectType) {
    wish_for(wanted, wanted.type, type_from(static_cast<kmip::ObjectType>(number_in(value))));
  } else if (attribute.name == name::kState) {
    wish_for(wanted, wanted.state, state_from(number_in(value)));
  } else if (attribute.name == name::kCryptographicAlgorithm) {
    wish_for(wanted, wanted.algorithm, std::optional(number_in(value)));
  } else if (attribute.name == name::kCryptographicLength) {
    wish_for(wanted, wanted.length_bits, std::optional(number_in(value)));
  } else if (attribute.name == name::kCryptographicUsageMask) {
    wanted.usage_mask |= number_in(value);
  } else if (const auto kind = date_kind(attribute.name)) {
    wish_for_date(wanted, *kind, std::get<kmip::ttlv::DateTime>(value));
  } else if (attribute.name == name::kDigest || attribute.name == name::kRevocationReason) {
    wanted.nothing_matches = true;  // Digests are sealed, so that nobody can search for a secret.
  } else {
    if (attribute.name == name::kName && !wanted.name) {
      if (const auto parsed = kmip::name_from(value)) wanted.name = parsed->value;
    }
    wanted.attributes.push_back(
        {.name = attribute.name, .index = 0, .value = kmip::encode_value(value)});
  }
}

Locate::Among among(std::optional<std::int32_t> storage_status_mask) {
  const std::int32_t mask = storage_status_mask.value_or(kmip::bit(kmip::StorageStatus::kOnline));
  const bool kept = (mask & kmip::bit(kmip::StorageStatus::kOnline)) != 0;
  const bool destroyed = (mask & kmip::bit(kmip::StorageStatus::kDestroyed)) != 0;
  if (kept && destroyed) return Locate::Among::kAll;
  return destroyed ? Locate::Among::kDestroyed : Locate::Among::kKept;
}

}  // namespace

Decided<std::string> identifier(const kmip::ObjectId& given, const std::string& placeholder) {
  if (given) return *given;
  if (!placeholder.empty()) return placeholder;
  return refusal(Reason::kItemNotFound,
                 "No unique identifier is given, and no earlier item of the batch left one.");
}

Decided<CreateKey> translate(const kmip::CreateRequest& request) {
  if (request.type != kmip::ObjectType::kSymmetricKey) {
    return refusal(Reason::kInvalidField, "Create makes symmetric keys only.");
  }
  CreateKey command;
  NewObjectReader reader(command.key);
  if (auto wrong = reader.read(request.attributes)) return *wrong;
  if (!reader.has_usage_mask()) return usage_mask_missing();
  return command;
}

Decided<RegisterObject> translate(const kmip::RegisterRequest& request) {
  RegisterObject command;
  NewObject& object = command.object;
  NewObjectReader reader(object);
  if (auto wrong = reader.read(request.attributes)) return *wrong;
  if (const auto* key = std::get_if<kmip::SymmetricKey>(&request.object)) {
    object.type = ObjectType::kSymmetricKey;
    if (auto wrong = reader.read(key->block.attributes)) return *wrong;
    if (!reader.has_usage_mask()) return usage_mask_missing();
    if (auto wrong = read_block(key->block, object)) return *wrong;
  } else if (const auto* secret = std::get_if<kmip::SecretData>(&request.object)) {
    object.type = ObjectType::kSecretData;
    object.subtype = static_cast<std::uint32_t>(secret->type);
    if (auto wrong = reader.read(secret->block.attributes)) return *wrong;
    if (auto wrong = read_block(secret->block, object)) return *wrong;
  } else {
    const auto& opaque = std::get<kmip::OpaqueObject>(request.object);
    object.type = ObjectType::kOpaqueObject;
    object.subtype = opaque.type.number;
  }
  command.material_bytes = kmip::material_of(request.object).size();
  return command;
}

Decided<Get> translate(const kmip::GetRequest& request, std::string id) {
  if (request.wrap_type && *request.wrap_type != kmip::KeyWrapType::kNotWrapped) {
    return refusal(Reason::kFeatureNotSupported, "Keys are given unwrapped only.");
  }
  Get command{.object = std::move(id), .format = 0, .compression = 0};
  if (request.format) command.format = static_cast<std::uint32_t>(*request.format);
  if (request.compression) command.compression = static_cast<std::uint32_t>(*request.compression);
  return command;
}

Decided<AddAttribute> translate(const kmip::AddAttributeRequest& request, std::string id) {
  if (request.attribute.index != 0) {
    return refusal(Reason::kInvalidField, "The server gives the Attribute Index of what is added.");
  }
  if (auto wrong = check_given(request.attribute, Moment::kLater)) return *wrong;
  AddAttribute command{.object = std::move(id),
                       .attribute = {.name = request.attribute.name,
                                     .index = 0,
                                     .value = kmip::encode_value(request.attribute.value)},
                       .instances = instances_of(request.attribute),
                       .name = {}};
  if (request.attribute.name == name::kName) {
    if (const auto parsed = kmip::name_from(request.attribute.value)) command.name = parsed->value;
  }
  return command;
}

Decided<Locate> translate(const kmip::LocateRequest& request) {
  if (request.attributes.size() > kLocateAttributesMax) {
    return refusal(Reason::kInvalidField, "A Locate names at most " +
                                              std::to_string(kLocateAttributesMax) +
                                              " attributes.");
  }
  Locate wanted;
  wanted.among = among(request.storage_status_mask);
  if (request.maximum_items && *request.maximum_items >= 0) {
    wanted.items_max = static_cast<std::size_t>(*request.maximum_items);
  }
  if (request.offset_items && *request.offset_items > 0) {
    wanted.offset = static_cast<std::size_t>(*request.offset_items);
  }
  if (request.group_member) {
    return refusal(Reason::kFeatureNotSupported, "Object groups have no order here.");
  }
  for (const kmip::Attribute& attribute : request.attributes) wish_for(wanted, attribute);
  return wanted;
}

Revoke translate(const kmip::RevokeRequest& request, std::string id) {
  Revoke command{.object = std::move(id),
                 .reason = static_cast<std::uint32_t>(request.reason.code),
                 .message = request.reason.message.value_or(std::string()),
                 .compromise_occurrence_date = 0};
  if (request.compromise_occurrence) {
    command.compromise_occurrence_date = time_of(*request.compromise_occurrence);
  }
  return command;
}

kmip::Failure to_failure(const Refusal& refusal) {
  return {.reason = static_cast<kmip::ResultReason>(refusal.reason), .message = refusal.message};
}

Refusal to_refusal(const kmip::Failure& failure) {
  return {.reason = static_cast<Reason>(failure.reason), .message = failure.message, .detail = {}};
}

}  // namespace keytrail::kms
