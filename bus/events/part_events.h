// What any part says of itself.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "bus/events/ids.h"

namespace keytrail::part {

// A process of this identity begins. Each later append of it is guarded by this epoch, so it fences
// the last one. Stream PART/INSTANCE/epoch, which holds no other change.
struct PartStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::uint64_t epoch = 0;  // from 1, the version of the epoch stream
  std::string program_version;
  bool operator==(const PartStarted&) const = default;
};

// An orderly end. A crash leaves none.
struct PartStopped {
  static constexpr Effect kEffect = Effect::kNote;
  std::uint64_t epoch = 0;
  bool operator==(const PartStopped&) const = default;
};

// Somebody was turned away before they had a name we trust; the first at once, the rest counted.
struct RefusalsRepeated {
  static constexpr Effect kEffect = Effect::kNote;
  std::string socket;  // "kmip", "command", "append", …
  std::string reason;
  std::string address;
  std::uint64_t count = 0;
  bool operator==(const RefusalsRepeated&) const = default;
};

using Event = std::variant<PartStarted, PartStopped, RefusalsRepeated>;

}  // namespace keytrail::part
