// Locate (KMIP 1.4, section 4.9): which of the client's objects have all these attributes. A read,
// by indexes where there are any: the name, and every attribute that a client gave. Newest first.
#pragma once

#include <limits>
#include <optional>

#include "kms/model/access.h"

namespace keytrail::kms {

enum class DateKind {
  kInitial,
  kActivation,
  kDeactivation,
  kDestroy,
  kCompromise,
  kCompromiseOccurrence,
  kLastChange,
};

// Dates are compared in whole seconds, as KMIP tells them.
struct DateRange {
  DateKind kind = DateKind::kInitial;
  std::uint64_t from_seconds = 0;
  std::uint64_t to_seconds = 0;
};

struct Locate {
  std::optional<std::string> object;
  std::optional<std::string> name;    // the text of the Name among `attributes`, if there is one
  std::vector<Attribute> attributes;  // as clients give them: the value must be equal
  std::optional<ObjectType> type;
  std::optional<ObjectState> state;
  std::optional<std::uint32_t> algorithm;
  std::optional<std::uint32_t> length_bits;
  std::uint32_t usage_mask = 0;  // all of these bits
  std::vector<DateRange> dates;
  bool nothing_matches = false;  // an attribute was asked for that no object can have

  enum class Among { kKept, kDestroyed, kAll };
  Among among = Among::kKept;
  std::size_t offset = 0;
  std::size_t items_max = std::numeric_limits<std::size_t>::max();
};
struct Located {
  std::size_t total = 0;  // that match, offset and limit aside
  std::vector<std::string> objects;
};

// Whether it has to look through objects, rather than at the one that it names.
[[nodiscard]] bool searches(const Locate& command);

[[nodiscard]] Located decide(Draft& draft, const Client& client, const Locate& command);

}  // namespace keytrail::kms
