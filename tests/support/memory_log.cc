#include "tests/support/memory_log.h"

namespace keytrail::test {

void MemoryLog::write(const eventstore::Batch& batch) { unsynced_.push_back(batch); }

void MemoryLog::sync() {
  for (const eventstore::Batch& batch : unsynced_) {
    KEYTRAIL_CHECK(batch.first == rows_.size() + 1);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      Row row;
      row.fact = {to_bytes(batch.stamp(i)), to_bytes(batch.body(i))};
      row.leaf = leaf_of(row.fact.stamp, row.fact.body);
      row.topic = batch.entries[i].topic;
      rows_.push_back(std::move(row));
    }
    for (const auto& attachment : batch.attachments) {
      rows_.at(attachment.position - 1).attachments.push_back(attachment.attachment);
    }
  }
  unsynced_.clear();
}

void MemoryLog::crash(Fate fate) {
  if (fate == Fate::kKept) sync();
  unsynced_.clear();
}

}  // namespace keytrail::test
