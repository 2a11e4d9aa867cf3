// Encodings of the messages: bus.capnp for structs, blobs for facts and attachments.
//
// Hostile input: sizes are checked before anything is allocated; kInvalid for anything malformed.
// Pure.
#pragma once

#include "bus/protocol/messages.h"

namespace keytrail::protocol {

inline constexpr std::size_t kAcksPerMessageMax = 512;

[[nodiscard]] Bytes encode(const AppendBatch& batch);
[[nodiscard]] Bytes encode(const std::vector<Ack>& acks);
[[nodiscard]] Bytes encode(const BatchHeader& header);
[[nodiscard]] Bytes encode(const Head& head);

// What a unit and an answer add to a message, generously.
[[nodiscard]] std::size_t frame_bytes_of(const Unit& unit);
[[nodiscard]] std::size_t frame_bytes_of(const Ack& ack);
// The answers in their order, as many messages as they need: each within kAcksPerMessageMax and
// kAppendFrameBytesMax, so that its author can read it.
[[nodiscard]] std::vector<std::vector<Ack>> cut_into_messages(std::vector<Ack> acks);

[[nodiscard]] Result<AppendBatch> decode_append_batch(ByteView bytes);
[[nodiscard]] Result<std::vector<Ack>> decode_acks(ByteView bytes);
[[nodiscard]] Result<BatchHeader> decode_batch_header(ByteView bytes);
[[nodiscard]] Result<Head> decode_head(ByteView bytes);

// Facts: (u32 length of stamp + body, u32 zero, stamp, body)*, little-endian, each padded to 8 by
// nature.
inline constexpr std::size_t kFactPrefixBytes = 8;
void append_fact(Bytes& blob, ByteView stamp, ByteView body);
// What append_fact adds for a body.
[[nodiscard]] constexpr std::size_t fact_bytes_of(const Bytes& body) {
  return kFactPrefixBytes + kStampBytes + body.size();
}
[[nodiscard]] Result<std::vector<StoredFact>> decode_facts(ByteView blob);

// Attachments: (u64 position, u32 index, u32 kind, u32 length, u32 zero, bytes, zero padding to
// 8)*.
void append_attachment(Bytes& blob, const PositionedAttachment& attachment);
// What append_attachment adds for one.
[[nodiscard]] std::size_t blob_bytes_of(const Attachment& attachment);
[[nodiscard]] Result<std::vector<PositionedAttachment>> decode_attachments(ByteView blob);

}  // namespace keytrail::protocol
