// Batch: what the orderer has decided, on its way to the disk, to its authors and to the
// subscribers.
//
//   orderer ──write──► RocksDB, synced ──on_written──► orderer ──publish──► subscribers
// The facts lie in one blob, in the form of the wire (LOG.md section 3): a row of the log and a
// message of the live socket are ranges of it, and nothing is encoded again. A value that is moved
// from thread to thread.
#pragma once

#include <vector>

#include "bus/protocol/messages.h"

namespace keytrail::eventstore {

// A batch is closed before it would exceed these, so that its messages fit into kFrameBytesMax.
inline constexpr std::size_t kBatchFactBytesMax = std::size_t{3} << 20;
inline constexpr std::size_t kBatchAttachmentBytesMax = std::size_t{3} << 20;
inline constexpr std::size_t kBatchFactsMax = 8192;
// Of the bodies of one unit; kAttachmentBytesPerUnitMax for what they name.
inline constexpr std::size_t kUnitFactBytesMax = std::size_t{2} << 20;

struct Batch {
  struct Entry {
    std::uint32_t offset = 0;  // of its u32 length in `facts`
    std::uint32_t bytes = 0;   // stamp + body
    protocol::Topic topic = protocol::Topic::kHead;
    bool operator==(const Entry&) const = default;
  };

  Position first = 0;
  Position last = 0;
  TimeNs time = 0;             // stamp of the last fact
  Hash leaf{};                 // of the last fact: what the next one chains to
  Bytes facts;                 // (u32 length, u32 zero, stamp, body)*
  std::vector<Entry> entries;  // one a fact: that of position p is entries[p - first]
  std::vector<protocol::PositionedAttachment> attachments;
  std::size_t attachment_bytes = 0;     // of a blob of all of them
  protocol::TopicPositions previous{};  // the last one before, on each topic

  [[nodiscard]] std::size_t bytes() const { return facts.size() + attachment_bytes; }
  [[nodiscard]] ByteView stamp(std::size_t index) const;
  [[nodiscard]] ByteView body(std::size_t index) const;
  bool operator==(const Batch&) const = default;
};

// One message of the live socket.
struct TopicMessage {
  protocol::Topic topic = protocol::Topic::kHead;
  protocol::BatchHeader header;
  Bytes payload;  // facts; attachments for kms.sealed
  bool operator==(const TopicMessage&) const = default;
};

// The messages of a durable batch, in the order in which they must leave: kms.sealed (if the batch
// has sealed attachments), then the topics of facts in their order.
[[nodiscard]] std::vector<TopicMessage> messages_of(const Batch& batch, std::uint64_t generation);

}  // namespace keytrail::eventstore
