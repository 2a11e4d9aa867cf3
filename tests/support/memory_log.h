// MemoryLog: the log's disk in memory, with what a power cut does to it.
//
// A batch is written, then synced; until then a crash may keep it or lose it ("unknown"), never a
// part of it: one write is one batch. One thread.
#pragma once

#include <optional>
#include <vector>

#include "eventstore/order/batch.h"

namespace keytrail::test {

class MemoryLog {
 public:
  struct Row {
    StoredFact fact;
    Hash leaf{};
    protocol::Topic topic = protocol::Topic::kHead;
    std::vector<Attachment> attachments;
  };
  enum class Fate { kKept, kLost };

  void write(const eventstore::Batch& batch);
  void sync();            // all that was written
  void crash(Fate fate);  // of what was not synced

  // Durable facts, and those that a reader may see.
  [[nodiscard]] Position head() const { return rows_.size(); }
  [[nodiscard]] const Row& at(Position position) const { return rows_.at(position - 1); }
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
  std::vector<eventstore::Batch> unsynced_;
};

}  // namespace keytrail::test
