// Object: a managed object of KMIP as the log knows it: everything but its material.
//
// Its state is no field: it follows from its dates at a moment of log time (KMIP 1.4,
// section 3.22), so that a date in the future needs nobody to act when it comes. Values; no
// threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bus/events/body_shape.h"
#include "bus/events/kms_events.h"

namespace keytrail::kms {

// KMIP's numbers, as far as the rules look at them (KMIP 1.4, section 9.1.3.2).
inline constexpr std::uint32_t kFormatRaw = 0x01;
inline constexpr std::uint32_t kFormatOpaque = 0x02;
inline constexpr std::uint32_t kFormatTransparentSymmetricKey = 0x07;
inline constexpr std::uint32_t kReasonKeyCompromise = 2;
inline constexpr std::uint32_t kReasonCaCompromise = 3;
inline constexpr std::uint32_t kReasonPrivilegeWithdrawn = 7;  // the last that the standard lists
inline constexpr std::uint32_t kReasonExtension = 0x80000000;  // vendors' own from here on

inline constexpr std::string_view kActivationDate = "Activation Date";
inline constexpr std::string_view kDeactivationDate = "Deactivation Date";
inline constexpr std::string_view kUsageMask = "Cryptographic Usage Mask";

inline constexpr std::size_t kObjectIdBytesMax = 40;  // Escaped, it still fits a stream's name.
inline constexpr std::size_t kAttributesPerObjectMax = 128;
inline constexpr std::size_t kAttributeBytesPerObjectMax = 32 * 1024;
inline constexpr std::size_t kAttributeNameBytesMax = kTextBytesMax - 1;
inline constexpr std::size_t kAttributeValueBytesMax = kTextBytesMax;  // no NUL behind it

struct Object {
  std::string id;
  ObjectType type = ObjectType::kSymmetricKey;
  ObjectOrigin origin = ObjectOrigin::kCreated;
  std::uint32_t algorithm = 0;
  std::uint32_t length_bits = 0;
  std::uint32_t usage_mask = 0;
  std::uint32_t format = 0;
  std::uint32_t subtype = 0;
  std::string owner;  // "group/NAME" or "client/NAME"
  std::vector<Attribute> attributes;
  std::vector<std::string> names;  // bound to it now; a destroyed object has none
  std::uint64_t leaf = 0;
  Bytes fingerprint;

  std::uint64_t version = 0;  // of its stream
  Position destroyed = 0;     // where its KeyDestroyed stands; 0 = it is not

  // 0 = does not apply.
  TimeNs initial_date = 0;
  TimeNs activation_date = 0;    // in the future: pre-active until then
  TimeNs deactivation_date = 0;  // likewise
  TimeNs compromise_date = 0;
  TimeNs compromise_occurrence_date = 0;
  TimeNs destroy_date = 0;
  TimeNs last_change_date = 0;

  std::uint32_t revocation_reason = 0;
  std::string revocation_message;

  bool operator==(const Object&) const = default;
};

// An opaque object has no State (KMIP 1.4, section 3.22), whatever dates a client gave it.
[[nodiscard]] inline bool has_state(const Object& object) {
  return object.type != ObjectType::kOpaqueObject;
}
[[nodiscard]] ObjectState state_of(const Object& object, TimeNs now);
[[nodiscard]] inline bool is_destroyed(const Object& object) { return object.destroyed != 0; }
[[nodiscard]] std::string_view to_string(ObjectState state);  // "pre-active", …

// How many instances of an attribute the object has.
[[nodiscard]] std::size_t instances_of(const Object& object, std::string_view attribute);

// The value of an attribute that is a KMIP Date-Time: the one encoded form that a rule depends on.
// Nothing if it is not one, or lies outside of what TimeNs can say.
[[nodiscard]] std::optional<TimeNs> date_of(const Attribute& attribute);

}  // namespace keytrail::kms
