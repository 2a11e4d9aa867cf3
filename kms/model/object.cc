#include "kms/model/object.h"

#include <algorithm>
#include <limits>

namespace keytrail::kms {
namespace {

constexpr TimeNs kNsPerSecond = 1'000'000'000;
constexpr std::uint8_t kTtlvDateTime = 0x09;

bool has_come(TimeNs date, TimeNs now) { return date != 0 && date <= now; }

}  // namespace

ObjectState state_of(const Object& object, TimeNs now) {
  const bool compromised = object.compromise_date != 0;
  if (is_destroyed(object)) {
    return compromised ? ObjectState::kDestroyedCompromised : ObjectState::kDestroyed;
  }
  if (compromised) return ObjectState::kCompromised;
  if (has_come(object.deactivation_date, now)) return ObjectState::kDeactivated;
  if (has_come(object.activation_date, now)) return ObjectState::kActive;
  return ObjectState::kPreActive;
}

std::string_view to_string(ObjectState state) {
  switch (state) {
    case ObjectState::kPreActive:
      return "pre-active";
    case ObjectState::kActive:
      return "active";
    case ObjectState::kDeactivated:
      return "deactivated";
    case ObjectState::kCompromised:
      return "compromised";
    case ObjectState::kDestroyed:
      return "destroyed";
    case ObjectState::kDestroyedCompromised:
      return "destroyed compromised";
  }
  KEYTRAIL_CHECK(false);
}

std::size_t instances_of(const Object& object, std::string_view attribute) {
  return static_cast<std::size_t>(
      std::count_if(object.attributes.begin(), object.attributes.end(),
                    [&](const Attribute& other) { return other.name == attribute; }));
}

std::optional<TimeNs> date_of(const Attribute& attribute) {
  // tag (3) | type (1) | length 8 (4) | seconds since 1970, signed (8), all big-endian
  const Bytes& item = attribute.value;
  constexpr std::size_t kItemBytes = 16;
  if (item.size() != kItemBytes || item[3] != kTtlvDateTime || item[7] != 8) return std::nullopt;
  std::uint64_t seconds = 0;
  for (std::size_t i = 8; i < kItemBytes; ++i) seconds = seconds << 8 | item[i];
  if (seconds > std::numeric_limits<TimeNs>::max() / kNsPerSecond) return std::nullopt;
  return seconds * kNsPerSecond;
}

}  // namespace keytrail::kms
