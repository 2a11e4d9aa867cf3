// Facets: what one asks a fact for. The only source for filters, indexes, subjects and columns.
//
// One exhaustive match over all events: a new event does not compile until it says who and what it is about.
// Pure; any thread.
#pragma once

#include <string>

#include "bus/events/fact.h"

namespace keytrail {

enum class Outcome : std::uint8_t { kNone, kSucceeded, kRefused, kFailed, kStarted };
enum class Severity : std::uint8_t { kInfo, kNotice, kWarning, kError };

struct Facets {
  std::string part;  // "kms"
  std::string type;  // "KeyReleased"
  std::string user;
  KeyId key;
  std::string vm;
  std::string host;
  std::string provider;
  std::string object;  // what else it is about: a client, a role, an entity, a file; the audit's column
  ActionId action;
  Outcome outcome = Outcome::kNone;
  Severity severity = Severity::kInfo;

  bool operator==(const Facets&) const = default;
};
[[nodiscard]] Facets facets_of(const Body& body);
[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(Severity severity);

// Which facts a reader wants. Values of one facet are alternatives, facets restrict each other; all empty =
// everything. Caps: 64 values in all, 256 bytes each.
struct Filter {
  std::vector<std::string> types, users, keys, vms, hosts, actions, outcomes;
  bool operator==(const Filter&) const = default;
};
[[nodiscard]] bool matches(const Filter& filter, const Facets& facets);

}  // namespace keytrail
