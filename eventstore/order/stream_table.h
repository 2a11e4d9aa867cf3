// StreamTable: where each stream of the log stands, in memory: what guards are checked against.
//
// Keyed by a 128-bit SipHash of the name under a key of this process: authors choose names, and a
// collision would forge a guard. Names themselves are not kept. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "bus/events/ids.h"

namespace keytrail::eventstore {

using TableKey = std::array<std::uint8_t, 16>;

struct StreamState {
  std::uint64_t version = 0;  // number of its changes
  Position last = 0;          // its last fact, change or note
  Position last_change = 0;
  bool operator==(const StreamState&) const = default;
};

// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012).
[[nodiscard]] std::array<std::uint64_t, 2> siphash128(const TableKey& key, std::string_view text);

class StreamTable {
 public:
  explicit StreamTable(const TableKey& key) : key_(key) {}

  // A stream without facts is all zero.
  [[nodiscard]] StreamState find(std::string_view stream) const;
  // The entry to write to; valid until the next call.
  [[nodiscard]] StreamState& at(std::string_view stream);
  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  using Key = std::array<std::uint64_t, 2>;
  struct FirstHalf {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key[0]); }
  };
  TableKey key_;
  std::unordered_map<Key, StreamState, FirstHalf> streams_;
};

}  // namespace keytrail::eventstore
