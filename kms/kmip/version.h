// Protocol versions, and what exists in which: the one table behind every answer's form.
//
// Clients of an old version break on items that they do not know, so whatever is written for a
// version passes `exists`: operations, fields, query functions, result reasons (attributes have
// their version in their rule). What is read is held to the same table: an item from a later
// version is a malformed message.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "kms/kmip/enums.h"
#include "kms/kmip/tags.h"

namespace keytrail::kmip {

struct ProtocolVersion {
  std::int32_t major = 1;
  std::int32_t minor = 0;
  auto operator<=>(const ProtocolVersion&) const = default;
};

inline constexpr ProtocolVersion kVersion1_0{1, 0};
inline constexpr ProtocolVersion kVersion1_1{1, 1};
inline constexpr ProtocolVersion kVersion1_2{1, 2};
inline constexpr ProtocolVersion kVersion1_3{1, 3};
inline constexpr ProtocolVersion kVersion1_4{1, 4};

// What this library speaks, the preferred version first (the order of a Discover Versions answer).
inline constexpr std::array<ProtocolVersion, 5> kSpokenVersions = {
    kVersion1_4, kVersion1_3, kVersion1_2, kVersion1_1, kVersion1_0};
inline constexpr ProtocolVersion kHighestVersion = kSpokenVersions.front();
inline constexpr ProtocolVersion kLowestVersion = kSpokenVersions.back();

[[nodiscard]] bool is_spoken(ProtocolVersion version);
[[nodiscard]] std::string version_text(ProtocolVersion version);  // "1.4"

// Operations that this library has typed payloads for and that `version` knows.
[[nodiscard]] bool exists(Operation operation, ProtocolVersion version);
// A field of a structure (a message's part, a payload, an attribute's value); fields that are not
// listed exist in every version.
[[nodiscard]] bool exists(Tag structure, Tag field, ProtocolVersion version);
[[nodiscard]] bool exists(QueryFunction function, ProtocolVersion version);

// `reason` itself, or the one that `version` has instead for a reason of later days.
[[nodiscard]] ResultReason reason_for(ResultReason reason, ProtocolVersion version);

}  // namespace keytrail::kmip
