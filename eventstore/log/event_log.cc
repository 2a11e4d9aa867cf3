#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

Result<std::vector<Attachment>> EventLog::attachments(Position position) const {
  std::vector<Attachment> found;
  TRY(read_attachments(position - 1, position, [&](const AttachmentRow& row) {
    found.push_back({row.kind, to_bytes(row.bytes)});
  }));
  return found;
}

}  // namespace keytrail::eventstore
