// The binary messages between the event store and its authors and followers, as plain structs.
//
//   append   AppendBatch -> Ack*                              one DEALER each to the store's ROUTER
//   live     topic | BatchHeader | facts                      the store's XPUB
//   head     Head                                             its own topic, at most every 20 ms
// Values. bus.capnp is their encoding (message_codec.h); facts and attachments travel as blobs
// (message_codec.h), so that what an author appended is byte for byte what a subscriber gets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::protocol {

inline constexpr std::size_t kFrameBytesMax = std::size_t{4} << 20;
// What an author puts into one message, below the frame's cap by the encoding's overhead.
inline constexpr std::size_t kAppendFrameBytesMax = kFrameBytesMax - (std::size_t{64} << 10);
inline constexpr std::size_t kWindowMax =
    4096;  // units in flight per author; answers kept per author
inline constexpr std::size_t kGuardsPerUnitMax = 64;
inline constexpr std::size_t kBodiesPerUnitMax = 256;
inline constexpr std::size_t kUnitsPerBatchMax = kWindowMax;

// What a decision read: the append is accepted only while `stream` has exactly this version.
// Version 0: the stream has no change yet, so uniqueness and absence are ordinary guards.
struct Guard {
  std::string stream;
  std::uint64_t version = 0;
  auto operator<=>(const Guard&) const = default;
};

// Accepted or refused as one, at consecutive positions.
struct Unit {
  std::uint64_t n = 0;  // rising within the author's epoch; (author, epoch, n) is the request id
  std::vector<Guard> guards;
  std::vector<Bytes> bodies;
  std::vector<Attachment> attachments;  // each named by its SHA-256 in a body
  bool operator==(const Unit&) const = default;
};
struct AppendBatch {
  std::uint64_t epoch = 0;
  std::vector<Unit> units;
  bool operator==(const AppendBatch&) const = default;
};

enum class AppendOutcome : std::uint8_t { kAccepted, kConflict, kFenced, kInvalid };

// A guard that did not hold: what the stream's version is, and where it last changed.
struct FailedGuard {
  std::string stream;
  std::uint64_t version = 0;
  Position last_change = 0;
  bool operator==(const FailedGuard&) const = default;
};
struct Ack {
  std::uint64_t epoch = 0;
  std::uint64_t n = 0;
  AppendOutcome outcome = AppendOutcome::kInvalid;
  Position first = 0;  // accepted: [first, first + count), all durable
  std::uint32_t count = 0;
  std::vector<FailedGuard> failed;  // conflict
  std::string hint;                 // invalid, fenced: a sentence that says why
  Hash leaf{};  // accepted: of the last fact, so that its author is a witness of it
  bool operator==(const Ack&) const = default;
};

// Topics of the live socket. A fact's topic is its author's part and its effect.
enum class Topic : std::uint8_t {
  kEventstoreChange,
  kEventstoreNote,
  kKmsChange,
  kKmsNote,
  kVcenterChange,
  kVcenterNote,
  kEsxiChange,
  kEsxiNote,
  kKmsSealed,  // attachments of the kms facts, sent before their kms.change
  kHead,
};
inline constexpr std::size_t kTopicCount = 10;
inline constexpr std::size_t kFactTopicCount = 8;
[[nodiscard]] std::string_view to_string(Topic topic);  // "kms.change"
[[nodiscard]] std::optional<Topic> topic_from(std::string_view text);
// The topic of a fact; nullopt for an author whose part has none (an operator appends nothing).
[[nodiscard]] std::optional<Topic> topic_of(std::string_view author, Effect effect);

// One bit per topic, `1 << topic`.
using TopicSet = std::uint16_t;
[[nodiscard]] constexpr TopicSet topic_bit(Topic topic) {
  return static_cast<TopicSet>(1U << static_cast<unsigned>(topic));
}

using TopicPositions =
    std::array<Position, kFactTopicCount>;  // the last one on each topic of facts

// In front of the facts of one batch on one topic. A batch's messages follow each other on a
// connection: kms.sealed, then the topics in their order; `topics` says which there are, so that a
// follower of several knows when it has all, and gives them in the order of their positions.
// `previous` shows a gap to who follows one topic; `before` shows one on any topic, since a batch
// that was lost whole may have been of other topics than the next that arrives.
struct BatchHeader {
  std::uint64_t generation = 0;
  Position previous = 0;  // the last position on this topic before this batch
  Position first = 0;     // of the whole batch, whatever the topic
  Position last = 0;      // = the durable head
  std::uint32_t count = 0;
  TopicSet topics = 0;
  TopicPositions before{};  // before this batch
  bool operator==(const BatchHeader&) const = default;
};

struct Head {
  std::uint64_t generation = 0;
  Position durable_head = 0;
  TimeNs log_time = 0;
  TopicPositions last{};
  Hash leaf{};  // of the durable head, whatever its topic: who hears it is a witness of it
  bool operator==(const Head&) const = default;
};

// The furthest that somebody knows of the log, and presents when connecting: from a fact that was
// followed, an acknowledgement or a head. A log that does not have it was cut or rewritten.
struct Known {
  std::uint64_t generation = 0;
  Position position = 0;
  Hash leaf{};
  bool operator==(const Known&) const = default;
};

struct PositionedAttachment {
  Position position = 0;  // of the fact
  std::uint32_t index = 0;
  Attachment attachment;
  bool operator==(const PositionedAttachment&) const = default;
};

}  // namespace keytrail::protocol
