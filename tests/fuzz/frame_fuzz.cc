// Hostile frames of the bus: whatever arrives is decoded or refused, and what was decoded is
// written again and reads as the same message.
#include <cstdlib>

#include "bus/protocol/message_codec.h"

namespace {

using namespace keytrail;            // NOLINT: a fuzz target of one page.
using namespace keytrail::protocol;  // NOLINT

template <class Message>
void check(const Result<Message>& read, Result<Message> (*decode)(ByteView)) {
  if (!read.ok()) return;
  const Result<Message> again = decode(encode(*read));
  if (!again.ok() || *again != *read) std::abort();
}

// A blob has one form only: what was read is written as the same bytes.
void check_facts(ByteView bytes) {
  const auto facts = decode_facts(bytes);
  if (!facts.ok()) return;
  Bytes again;
  for (const StoredFact& fact : *facts) append_fact(again, fact.stamp, fact.body);
  if (again != to_bytes(bytes)) std::abort();
}

void check_attachments(ByteView bytes) {
  const auto attachments = decode_attachments(bytes);
  if (!attachments.ok()) return;
  Bytes again;
  for (const PositionedAttachment& attachment : *attachments) append_attachment(again, attachment);
  const auto reread = decode_attachments(again);  // Padding is not looked at.
  if (!reread.ok() || *reread != *attachments) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check(decode_append_batch(bytes), decode_append_batch);
  check(decode_acks(bytes), decode_acks);
  check(decode_batch_header(bytes), decode_batch_header);
  check(decode_head(bytes), decode_head);
  check_facts(bytes);
  check_attachments(bytes);
  return 0;
}
