// The small words that all events use: positions, times, actions, key ids.
//
// Values; comparable; no ownership, no threads.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "bus/secret/bytes.h"

namespace keytrail {

using Position = std::uint64_t;  // of a fact in the log, from 1, no gaps; 0 = none
using TimeNs = std::uint64_t;    // nanoseconds since 1970-01-01 UTC

// "2026-11-24T08:00:00.123456789Z", always with nine digits, so that texts sort like times.
[[nodiscard]] std::string to_rfc3339(TimeNs time);
// RFC 3339 with Z, up to nine digits after the second or none; a date alone is its midnight.
[[nodiscard]] Result<TimeNs> time_from_rfc3339(std::string_view text);

// One user action. Every fact that it causes carries it; it is also the W3C trace id, so never all
// zero.
struct ActionId {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const ActionId&) const = default;
  [[nodiscard]] bool is_none() const { return *this == ActionId{}; }
};
[[nodiscard]] std::string to_string(const ActionId& action);  // 32 lower-case hexadecimal digits
[[nodiscard]] Result<ActionId> action_from(std::string_view text);

// A key as vSphere names it: the key provider and the KMIP unique identifier there.
struct KeyId {
  std::string provider;
  std::string id;

  auto operator<=>(const KeyId&) const = default;
  [[nodiscard]] bool is_none() const { return id.empty(); }
};

// Where a request came from: what investigators pivot on. Empty pieces are unknown or do not apply.
struct Origin {
  std::string address;                  // "127.0.0.1:41234"
  std::string certificate_fingerprint;  // SHA-256 of the client's certificate, hexadecimal
  std::string session;                  // an id that names a session and is no credential

  bool operator==(const Origin&) const = default;
};

// Whether a fact raises its stream's version. A note (a release, a check, a refusal) does not, but
// is guarded like a change: a thousand releases of a key do not collide, and none can stand after
// its destruction.
enum class Effect : std::uint8_t { kChange, kNote };

}  // namespace keytrail
