// Fact rows: how facts lie one behind the other, in a message and in a row of the log alike.
//
//   blob = (u32 length of stamp + body, u32 zero, stamp, body)*     little-endian
// made by protocol::append_fact.
// A row is a range of a batch's blob, keyed by its first position, with at most kRowFactsMax facts:
// four times less work for RocksDB than a row a fact (README.md has the figures). Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

inline constexpr std::size_t kFactPrefixBytes = 8;
inline constexpr std::size_t kRowFactsMax = 64;

struct FactView {
  ByteView stamp;
  ByteView body;
};

// Goes through a blob. Malformed bytes end the walk and make malformed() true.
class FactWalk {
 public:
  explicit FactWalk(ByteView blob) : rest_(blob) {}
  [[nodiscard]] std::optional<FactView> next();
  [[nodiscard]] bool malformed() const { return malformed_; }
  [[nodiscard]] std::size_t rest_bytes() const { return rest_.size(); }

 private:
  ByteView rest_;
  bool malformed_ = false;
};

struct FactRow {
  Position first = 0;
  ByteView facts;
};
// REQUIRES: a well-formed blob of consecutive facts from `first` on: the orderer's.
[[nodiscard]] std::vector<FactRow> cut_into_rows(Position first, ByteView facts);

// Visits the facts of one row that lie in (after, until]. kCorrupt: the row is empty or malformed,
// or its positions are not consecutive from `first`. `stopped` tells whether the visitor wanted no
// more.
[[nodiscard]] Result<void> visit_row(const FactRow& row, Position after, Position until,
                                     const EventLog::FactVisitor& visit, bool& stopped);

}  // namespace keytrail::eventstore
