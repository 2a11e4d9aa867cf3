// Fact = stamp (the orderer's) + body (the author's bytes, never re-encoded).
//
//   author   Body --codec--> bytes ----append----> orderer
//   orderer  Stamp + bytes --> durable --> published, stored, hashed, all the same bytes
//   reader   Stamp + bytes --codec--> Fact
//
// Values; no threads. The stamp's layout is fixed: 112 bytes, little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bus/events/esxi_events.h"
#include "bus/events/eventstore_events.h"
#include "bus/events/ids.h"
#include "bus/events/kms_events.h"
#include "bus/events/part_events.h"
#include "bus/events/vcenter_events.h"

namespace keytrail {

// Over all parts: only the codec, the facets, the JSON form and replay look at more than one of
// them.
using Event = std::variant<part::Event, eventstore::Event, kms::Event, vcenter::Event, esxi::Event>;

[[nodiscard]] Effect effect_of(const Event& event);
[[nodiscard]] std::string_view type_of(const Event& event);  // "KeyReleased"
// "part", "eventstore", "kms", "vcenter", "esxi".
[[nodiscard]] std::string_view part_of(const Event& event);

struct Body {
  std::string stream;
  std::string user;  // the principal on whose behalf
  Origin origin;
  ActionId action;
  Position cause = 0;  // the fact that made the author act; 0 = none
  TimeNs clock = 0;    // the author's own
  std::vector<Hash> attachments;
  Event event;

  bool operator==(const Body&) const = default;
};

inline constexpr std::size_t kStampBytes = 112;
inline constexpr std::size_t kBodyBytesMax = 65'416;
inline constexpr std::size_t kStreamBytesMax = 200;
inline constexpr std::size_t kAuthorBytes = 32;

struct Stamp {
  Position position = 0;
  TimeNs time = 0;
  std::uint64_t author_epoch = 0;
  std::uint64_t request = 0;        // n of the append, rising within an epoch
  std::uint64_t version = 0;        // of the stream, after this fact
  Position previous_in_stream = 0;  // 0 = first
  std::string author;               // "part/instance"
  Hash previous{};                  // the leaf of the fact before

  bool operator==(const Stamp&) const = default;
};

[[nodiscard]] std::array<std::uint8_t, kStampBytes> encode_stamp(const Stamp& stamp);
// Refuses an author that is not zero-padded text of the allowed letters.
[[nodiscard]] Result<Stamp> decode_stamp(ByteView bytes);

// Single fields of a stamp, without decoding the rest; the author is a view into it. REQUIRES:
// kStampBytes bytes that the orderer stamped.
[[nodiscard]] Position position_of(ByteView stamp);
[[nodiscard]] std::string_view author_of(ByteView stamp);
[[nodiscard]] Hash previous_of(ByteView stamp);

// leaf = SHA-256(0x00 || stamp || body): chain link and Merkle leaf at once (RFC 6962).
[[nodiscard]] Hash leaf_of(ByteView stamp, ByteView body);
// `previous` of position 1.
[[nodiscard]] Hash genesis_of(ByteView log_id);

// As it lies in the log and on the wire.
struct StoredFact {
  Bytes stamp;  // kStampBytes
  Bytes body;
  bool operator==(const StoredFact&) const = default;
};

// As a fold sees it.
struct Fact {
  Stamp stamp;
  Body body;
  bool operator==(const Fact&) const = default;
};

// Attachment: what is too large for a fact, and all key material (sealed, so not secret as bytes).
enum class AttachmentKind : std::uint8_t { kClear, kSealed };
struct Attachment {
  AttachmentKind kind = AttachmentKind::kClear;
  Bytes bytes;
  bool operator==(const Attachment&) const = default;
};
inline constexpr std::size_t kAttachmentBytesMax = 256 * 1024;
inline constexpr std::size_t kAttachmentsPerUnitMax = 16;
inline constexpr std::size_t kAttachmentBytesPerUnitMax = 1024 * 1024;

// A piece of a stream's name: letters outside [a-z0-9._-] become %xx (lower-case hexadecimal).
[[nodiscard]] std::string stream_piece(std::string_view text);
// "part/scope/kind/id" of pieces, e.g. stream_name({"kms", "cluster-1", "object", id}).
[[nodiscard]] std::string stream_name(std::initializer_list<std::string_view> pieces);

}  // namespace keytrail
