// Facets: what one asks a fact for. The only source for filters, indexes, subjects and columns.
//
// One exhaustive match over all events: a new event does not compile until it says who and what it
// is about. Pure; any thread.
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
  KeyId key;           // of a KMS object: {"", object}
  KeyId previous_key;  // that a recrypt leaves behind
  std::string vm;
  std::string host;
  std::string provider;
  std::string object;  // what else it is about, "kind/name": a client, a role, an entity, a disk
  ActionId action;
  Outcome outcome = Outcome::kNone;
  Severity severity = Severity::kInfo;

  bool operator==(const Facets&) const = default;
};
[[nodiscard]] Facets facets_of(const Body& body);
// What it is about first of all, "kind/name": the VM, else the key, host, provider, object; empty:
// none.
[[nodiscard]] std::string subject_of(const Facets& facets);
// "provider/id", or the id alone.
[[nodiscard]] std::string to_string(const KeyId& key);
[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(Severity severity);

// Which facts a reader wants. Values of one facet are alternatives, facets restrict each other; all
// empty = everything. A type is "KeyReleased", "kms.KeyReleased" or "kms.*"; a key is an id or
// "provider/id"; an action is 32 hexadecimal digits or how they begin.
inline constexpr std::size_t kFilterValuesMax = 64;
inline constexpr std::size_t kFilterValueBytesMax = 256;
struct Filter {
  std::vector<std::string> types, users, keys, vms, hosts, actions, outcomes;
  bool operator==(const Filter&) const = default;
};
// kInvalid, in a sentence, when it has too many values, too long ones, or an outcome that there is
// not.
[[nodiscard]] Result<void> check_filter(const Filter& filter);
[[nodiscard]] bool matches(const Filter& filter, const Facets& facets);

}  // namespace keytrail
