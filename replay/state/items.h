// Items: a state in words, for people and for comparing.
//
// An item is a thing that exists (a key, a VM, a permission, …) with its properties as texts. Both
// forms of a state and the difference of two are made from this one list, so they cannot disagree.
// Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "replay/state/state.h"

namespace keytrail::replay {

struct Item {
  std::string kind;   // "key", "vm", "host", "provider", "role", "permission", …
  std::string scope;  // the cluster or vCenter that it belongs to; empty: the installation
  std::string name;
  std::vector<std::pair<std::string, std::string>> properties;  // in the order of reading

  bool operator==(const Item&) const = default;
};
// Sorted by kind (in the order of reading), scope and name.
[[nodiscard]] std::vector<Item> items_of(const State& state);

// What became of an item between two moments.
enum class ChangeKind : std::uint8_t { kAdded, kRemoved, kChanged };
struct PropertyChange {
  std::string property;
  std::string before;  // empty: it had none
  std::string after;
  bool operator==(const PropertyChange&) const = default;
};
struct Change {
  ChangeKind kind = ChangeKind::kChanged;
  Item item;                               // as it is after; as it was, if it is gone
  std::vector<PropertyChange> properties;  // kChanged only
  bool operator==(const Change&) const = default;
};
[[nodiscard]] std::vector<Change> diff(const State& before, const State& after);

// Lines for people: a heading per kind, an item a line.
[[nodiscard]] std::vector<std::string> state_lines(const State& state);
// One JSON object a line: first {"position", "time"}, then each item. All values are texts.
[[nodiscard]] std::vector<std::string> state_jsonl(const State& state);
// "+ key …", "- key …", "~ vm vm-1: encryption key: none -> prod/4711".
[[nodiscard]] std::vector<std::string> diff_lines(const State& before, const State& after);
[[nodiscard]] std::vector<std::string> diff_jsonl(const State& before, const State& after);

}  // namespace keytrail::replay
