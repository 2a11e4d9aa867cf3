// What the event store says of itself: who may speak, and what happened to its clock and its log.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bus/events/ids.h"

namespace keytrail::eventstore {

// Stream eventstore/STORE/identity/NAME. A bootstrap identity stands in the store's configuration
// instead.
struct IdentityGranted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string name;                   // "part/instance"
  std::string curve_key;              // public, z85
  std::vector<std::string> prefixes;  // of the streams it may append
  std::vector<std::string> topics;    // of the live socket it may subscribe; also what it may read
  std::vector<std::string> sockets;   // "append", "live", "read", "command"
  bool operator==(const IdentityGranted&) const = default;
};

struct IdentityRevoked {
  static constexpr Effect kEffect = Effect::kChange;
  std::string name;
  bool operator==(const IdentityRevoked&) const = default;
};

// The wall clock moved against the monotonic one by more than a second. Stream
// eventstore/STORE/clock.
struct ClockStepped {
  static constexpr Effect kEffect = Effect::kChange;
  TimeNs expected = 0;
  TimeNs found = 0;
  bool operator==(const ClockStepped&) const = default;
};

// An operator accepted a log that had lost its end. Stream eventstore/STORE/repair.
struct LogRepaired {
  static constexpr Effect kEffect = Effect::kChange;
  std::uint64_t generation = 0;
  Position accepted_head = 0;
  bool operator==(const LogRepaired&) const = default;
};

using Event = std::variant<IdentityGranted, IdentityRevoked, ClockStepped, LogRepaired>;

}  // namespace keytrail::eventstore
