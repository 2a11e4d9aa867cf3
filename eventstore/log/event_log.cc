#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

Result<std::vector<Attachment>> EventLog::attachments(Position position,
                                                      std::size_t count) const {
  std::vector<Attachment> found;
  TRY(read_attachments(position - 1, position, [&](const AttachmentRow& row) {
    found.push_back({row.kind, to_bytes(row.bytes)});
  }));
  // RocksDB 7.8 passes over a table that it cannot read and says OK (facebook/rocksdb#11782).
  if (found.size() != count) {
    return Error{ErrorCode::kCorrupt, "position " + std::to_string(position) + " has " +
                                          std::to_string(found.size()) + " of its " +
                                          std::to_string(count) + " attachments"};
  }
  return found;
}

}  // namespace keytrail::eventstore
