// EventLog: the seam to the disk. Batches of facts go in, durable when append returns; facts come
// out in order.
//
// Implementations: RocksLog; a memory twin and one that fails on demand in tests/support. One suite
// in tests/contract runs over them. Threads: append belongs to one; everything else may be called
// by any at the same time, and sees only what an append that has returned has made durable.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bus/events/fact.h"
#include "bus/proof/checkpoint.h"

namespace keytrail::eventstore {

using proof::LogId;

// The last fact. An empty log ends at position 0, whose leaf is the genesis.
struct LogEnd {
  Position position = 0;
  Hash leaf{};
  bool operator==(const LogEnd&) const = default;
};

struct AttachmentRow {
  Position position = 0;    // of the fact
  std::uint32_t index = 0;  // among the fact's
  AttachmentKind kind = AttachmentKind::kClear;
  ByteView bytes;
};

// What one append makes durable, borrowed from the orderer's batch for the time of the call.
struct LogBatch {
  Position first = 0;
  Position last = 0;
  Hash leaf{};     // of the last fact
  ByteView facts;  // (u32 length, u32 zero, stamp, body)*, the form of the wire (fact_rows.h)
  std::span<const AttachmentRow> attachments;
};

class EventLog {
 public:
  // False ends the reading.
  using FactVisitor = std::function<bool(Position position, ByteView stamp, ByteView body)>;
  using AttachmentVisitor = std::function<void(const AttachmentRow& row)>;

  virtual ~EventLog() = default;

  [[nodiscard]] virtual LogId id() const = 0;
  // 1, and one more at each restore and each cut that an operator accepted.
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
  [[nodiscard]] virtual LogEnd end() const = 0;

  // All of it is durable, or (error) nobody knows and this log takes no more: kUnavailable with a
  // sentence for the operator. REQUIRES: batch.first = end().position + 1.
  [[nodiscard]] virtual Result<void> append(const LogBatch& batch) = 0;

  // The facts of (after, until], rising, as far as they are durable. kCorrupt names the position.
  [[nodiscard]] virtual Result<void> read(Position after, Position until,
                                          const FactVisitor& visit) const = 0;

  // What lies there as attachments of the facts of (after, until], rising by position and index,
  // whether a fact names it or not. kCorrupt names the position; what stands before was visited.
  [[nodiscard]] virtual Result<void> read_attachments(Position after, Position until,
                                                      const AttachmentVisitor& visit) const = 0;

  // All `count` of the fact at `position`, in the order of its body, which says how many. kCorrupt:
  // they are not all there to be read.
  [[nodiscard]] Result<std::vector<Attachment>> attachments(Position position,
                                                            std::size_t count) const;
};

}  // namespace keytrail::eventstore
