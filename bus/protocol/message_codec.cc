#include "bus/protocol/message_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>
#include <kj/io.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "bus/protocol/bus.capnp.h"

namespace keytrail::protocol {
namespace {

constexpr std::size_t kWordBytes = sizeof(capnp::word);
constexpr int kNestingMax = 8;
// Of the sentence in an answer: the store's own words and what it quotes of the unit.
constexpr std::size_t kHintBytesMax = 4096;

Error malformed(std::string what) {
  return {ErrorCode::kInvalid, "malformed bus message: " + std::move(what)};
}

// --- writing ----------------------------------------------------------------------------------

capnp::Text::Reader text(const std::string& from) { return {from.c_str(), from.size()}; }
capnp::Data::Reader data_of(ByteView from) { return {from.data(), from.size()}; }

// One segment of the right size, so that a message is written once and copied once.
class Outgoing {
 public:
  explicit Outgoing(std::size_t payload_bytes)
      : builder_(static_cast<kj::uint>(payload_bytes / kWordBytes + 64)) {}

  template <class Struct>
  typename Struct::Builder root() {
    return builder_.initRoot<Struct>();
  }
  [[nodiscard]] Bytes bytes() {
    Bytes out(capnp::computeSerializedSizeInWords(builder_) * kWordBytes);
    kj::ArrayOutputStream stream(kj::arrayPtr(out.data(), out.size()));
    capnp::writeMessage(stream, builder_);
    return out;
  }

 private:
  capnp::MallocMessageBuilder builder_;
};

kj::uint size_of(std::size_t size) { return static_cast<kj::uint>(size); }

template <class Items>
std::size_t size_hint(const Items& items) {
  std::size_t bytes = 0;
  for (const auto& item : items) bytes += frame_bytes_of(item);
  return bytes;
}

void write(const Unit& unit, encoded::Unit::Builder to) {
  to.setN(unit.n);
  auto guards = to.initGuards(size_of(unit.guards.size()));
  for (kj::uint i = 0; i < guards.size(); ++i) {
    guards[i].setStream(text(unit.guards[i].stream));
    guards[i].setVersion(unit.guards[i].version);
  }
  auto bodies = to.initBodies(size_of(unit.bodies.size()));
  for (kj::uint i = 0; i < bodies.size(); ++i) bodies.set(i, data_of(unit.bodies[i]));
  auto attachments = to.initAttachments(size_of(unit.attachments.size()));
  for (kj::uint i = 0; i < attachments.size(); ++i) {
    const Attachment& from = unit.attachments[i];
    attachments[i].setKind(from.kind == AttachmentKind::kSealed ? encoded::Attachment::Kind::SEALED
                                                                : encoded::Attachment::Kind::CLEAR);
    attachments[i].setBytes(data_of(from.bytes));
  }
}

void write(const TopicPositions& positions, capnp::List<std::uint64_t>::Builder to) {
  for (kj::uint i = 0; i < to.size(); ++i) to.set(i, positions[i]);
}

encoded::Ack::Outcome encoded_outcome(AppendOutcome outcome) {
  switch (outcome) {
    case AppendOutcome::kAccepted:
      return encoded::Ack::Outcome::ACCEPTED;
    case AppendOutcome::kConflict:
      return encoded::Ack::Outcome::CONFLICT;
    case AppendOutcome::kFenced:
      return encoded::Ack::Outcome::FENCED;
    case AppendOutcome::kInvalid:
      return encoded::Ack::Outcome::INVALID;
  }
  std::abort();
}

void write(const Ack& ack, encoded::Ack::Builder to) {
  to.setEpoch(ack.epoch);
  to.setN(ack.n);
  to.setOutcome(encoded_outcome(ack.outcome));
  to.setFirst(ack.first);
  to.setCount(ack.count);
  auto failed = to.initFailed(size_of(ack.failed.size()));
  for (kj::uint i = 0; i < failed.size(); ++i) {
    failed[i].setStream(text(ack.failed[i].stream));
    failed[i].setVersion(ack.failed[i].version);
    failed[i].setLastChange(ack.failed[i].last_change);
  }
  to.setHint(text(ack.hint));
  if (ack.outcome == AppendOutcome::kAccepted) to.setLeaf(data_of(ack.leaf));
}

// --- reading ----------------------------------------------------------------------------------

// Bytes from outside, opened. May be read once over: a message whose pointers share targets could
// be a large tree in few bytes, and the traversal limit ends that before anything large is made.
class Incoming {
 public:
  explicit Incoming(ByteView bytes)
      : copy_(is_aligned(bytes) ? nullptr : copy(bytes)),
        words_(copy_ ? copy_.get() : reinterpret_cast<const capnp::word*>(bytes.data()),
               bytes.size() / kWordBytes),
        reader_(words_,
                {.traversalLimitInWords = words_.size() + 64, .nestingLimit = kNestingMax}) {}

  [[nodiscard]] bool fills_the_frame() const { return reader_.getEnd() == words_.end(); }
  template <class Struct>
  typename Struct::Reader root() {
    return reader_.getRoot<Struct>();
  }

 private:
  static bool is_aligned(ByteView bytes) {
    return reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(capnp::word) == 0;
  }
  static std::unique_ptr<capnp::word[]> copy(ByteView bytes) {
    auto words = std::make_unique<capnp::word[]>(bytes.size() / kWordBytes);
    std::memcpy(words.get(), bytes.data(), bytes.size());
    return words;
  }

  std::unique_ptr<capnp::word[]> copy_;
  kj::ArrayPtr<const capnp::word> words_;
  capnp::FlatArrayMessageReader reader_;
};

// Reads a message of type Struct with `read`, whose Result it gives. Cap'n Proto's exceptions end
// here.
template <class T, class Struct, class Read>
Result<T> decode(ByteView bytes, Read read) {
  if (bytes.size() > kFrameBytesMax) return malformed("over 4 MiB");
  if (bytes.empty() || bytes.size() % kWordBytes != 0) return malformed("not a number of words");
  std::optional<Result<T>> result;
  const auto exception = kj::runCatchingExceptions([&] {
    Incoming message(bytes);
    if (message.fills_the_frame()) {
      result = read(message.template root<Struct>());
    } else {
      result = malformed("bytes after its end");
    }
  });
  KJ_IF_MAYBE (e, exception) return malformed(e->getDescription().cStr());
  return std::move(*result);
}

template <class List>
bool over(const List& list, std::size_t max) {
  return list.size() > max;
}

Result<std::string> read_text(capnp::Text::Reader from, std::size_t bytes_max) {
  if (from.size() > bytes_max) return malformed("a text over its cap");
  return std::string(from.begin(), from.size());
}

Result<Hash> read_leaf(capnp::Data::Reader from) {
  Hash leaf{};
  if (from.size() != leaf.size()) return malformed("a leaf that is not 32 bytes");
  std::copy(from.begin(), from.end(), leaf.begin());
  return leaf;
}

Result<TopicPositions> read_positions(capnp::List<std::uint64_t>::Reader from, Position max) {
  TopicPositions positions{};
  if (from.size() != positions.size()) return malformed("not one position for each topic");
  for (kj::uint i = 0; i < from.size(); ++i) {
    positions[i] = from[i];
    if (positions[i] > max) return malformed("a topic beyond the head");
  }
  return positions;
}

Result<Unit> read_unit(encoded::Unit::Reader from) {
  const auto guards = from.getGuards();
  const auto bodies = from.getBodies();
  const auto attachments = from.getAttachments();
  if (over(guards, kGuardsPerUnitMax)) return malformed("a unit with over 64 guards");
  if (over(bodies, kBodiesPerUnitMax)) return malformed("a unit with over 256 facts");
  if (over(attachments, kAttachmentsPerUnitMax))
    return malformed("a unit with over 16 attachments");
  Unit unit;
  unit.n = from.getN();
  unit.guards.reserve(guards.size());
  for (const auto guard : guards) {
    unit.guards.push_back({TRY(read_text(guard.getStream(), kStreamBytesMax)), guard.getVersion()});
  }
  unit.bodies.reserve(bodies.size());
  for (const auto body : bodies) {
    if (body.size() > kBodyBytesMax) return malformed("a fact over 65,416 bytes");
    unit.bodies.emplace_back(body.begin(), body.end());
  }
  std::size_t attachment_bytes = 0;
  for (const auto attachment : attachments) {
    const auto bytes = attachment.getBytes();
    attachment_bytes += bytes.size();
    if (bytes.size() > kAttachmentBytesMax || attachment_bytes > kAttachmentBytesPerUnitMax) {
      return malformed("attachments over their caps");
    }
    switch (attachment.getKind()) {
      case encoded::Attachment::Kind::CLEAR:
        unit.attachments.push_back({AttachmentKind::kClear, {bytes.begin(), bytes.end()}});
        continue;
      case encoded::Attachment::Kind::SEALED:
        unit.attachments.push_back({AttachmentKind::kSealed, {bytes.begin(), bytes.end()}});
        continue;
    }
    return malformed("an unknown kind of attachment");
  }
  return unit;
}

std::optional<AppendOutcome> outcome_from(encoded::Ack::Outcome outcome) {
  switch (outcome) {
    case encoded::Ack::Outcome::ACCEPTED:
      return AppendOutcome::kAccepted;
    case encoded::Ack::Outcome::CONFLICT:
      return AppendOutcome::kConflict;
    case encoded::Ack::Outcome::FENCED:
      return AppendOutcome::kFenced;
    case encoded::Ack::Outcome::INVALID:
      return AppendOutcome::kInvalid;
  }
  return std::nullopt;
}

Result<Ack> read_ack(encoded::Ack::Reader from) {
  const auto outcome = outcome_from(from.getOutcome());
  if (!outcome) return malformed("an unknown outcome");
  const auto failed = from.getFailed();
  if (over(failed, kGuardsPerUnitMax)) return malformed("over 64 failing guards");
  Ack ack;
  ack.epoch = from.getEpoch();
  ack.n = from.getN();
  ack.outcome = *outcome;
  ack.first = from.getFirst();
  ack.count = from.getCount();
  for (const auto guard : failed) {
    ack.failed.push_back({TRY(read_text(guard.getStream(), kStreamBytesMax)), guard.getVersion(),
                          guard.getLastChange()});
  }
  ack.hint = TRY(read_text(from.getHint(), kHintBytesMax));
  if (ack.outcome == AppendOutcome::kAccepted) {
    if (ack.first == 0 || ack.count == 0) return malformed("accepted, and nowhere");
    ack.leaf = TRY(read_leaf(from.getLeaf()));
  }
  return ack;
}

// --- blobs ------------------------------------------------------------------------------------

constexpr std::size_t kAttachmentHeaderBytes = 24;

template <class Int>
void put(Bytes& to, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <class Int>
Int get(ByteView from, std::size_t offset) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    value = static_cast<Int>(value | (static_cast<Int>(from[offset + i]) << (8 * i)));
  }
  return value;
}

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

std::size_t frame_bytes_of(const Unit& unit) {
  std::size_t bytes = 64;
  for (const Guard& guard : unit.guards) bytes += 40 + guard.stream.size();
  for (const Bytes& body : unit.bodies) bytes += 16 + body.size();
  for (const Attachment& attachment : unit.attachments) bytes += 32 + attachment.bytes.size();
  return bytes;
}

std::size_t frame_bytes_of(const Ack& ack) {
  std::size_t bytes = 128 + ack.hint.size();
  for (const FailedGuard& guard : ack.failed) bytes += 40 + guard.stream.size();
  return bytes;
}

std::vector<std::vector<Ack>> cut_into_messages(std::vector<Ack> acks) {
  std::vector<std::vector<Ack>> messages;
  std::size_t message_bytes = 0;
  for (Ack& ack : acks) {
    const std::size_t bytes = frame_bytes_of(ack);
    if (messages.empty() || messages.back().size() == kAcksPerMessageMax ||
        message_bytes + bytes > kAppendFrameBytesMax) {
      messages.emplace_back();
      message_bytes = 0;
    }
    message_bytes += bytes;
    messages.back().push_back(std::move(ack));
  }
  return messages;
}

Bytes encode(const AppendBatch& batch) {
  Outgoing message(size_hint(batch.units));
  auto to = message.root<encoded::AppendBatch>();
  to.setEpoch(batch.epoch);
  auto units = to.initUnits(size_of(batch.units.size()));
  for (kj::uint i = 0; i < units.size(); ++i) write(batch.units[i], units[i]);
  return message.bytes();
}

Bytes encode(const std::vector<Ack>& acks) {
  Outgoing message(size_hint(acks));
  auto to = message.root<encoded::Acks>().initAcks(size_of(acks.size()));
  for (kj::uint i = 0; i < to.size(); ++i) write(acks[i], to[i]);
  return message.bytes();
}

Bytes encode(const BatchHeader& header) {
  Outgoing message(0);
  auto to = message.root<encoded::BatchHeader>();
  to.setGeneration(header.generation);
  to.setPrevious(header.previous);
  to.setFirst(header.first);
  to.setLast(header.last);
  to.setCount(header.count);
  to.setTopics(header.topics);
  write(header.before, to.initBefore(size_of(header.before.size())));
  return message.bytes();
}

Bytes encode(const Head& head) {
  Outgoing message(0);
  auto to = message.root<encoded::Head>();
  to.setGeneration(head.generation);
  to.setDurableHead(head.durable_head);
  to.setLogTime(head.log_time);
  write(head.last, to.initLast(size_of(head.last.size())));
  to.setLeaf(data_of(head.leaf));
  return message.bytes();
}

Result<AppendBatch> decode_append_batch(ByteView bytes) {
  return decode<AppendBatch, encoded::AppendBatch>(bytes, [](auto from) -> Result<AppendBatch> {
    const auto units = from.getUnits();
    if (over(units, kUnitsPerBatchMax)) return malformed("over 4096 units");
    AppendBatch batch;
    batch.epoch = from.getEpoch();
    batch.units.reserve(units.size());
    for (const auto unit : units) batch.units.push_back(TRY(read_unit(unit)));
    return batch;
  });
}

Result<std::vector<Ack>> decode_acks(ByteView bytes) {
  return decode<std::vector<Ack>, encoded::Acks>(bytes, [](auto from) -> Result<std::vector<Ack>> {
    const auto list = from.getAcks();
    if (over(list, kUnitsPerBatchMax)) return malformed("over 4096 answers");
    std::vector<Ack> acks;
    acks.reserve(list.size());
    for (const auto ack : list) acks.push_back(TRY(read_ack(ack)));
    return acks;
  });
}

Result<BatchHeader> decode_batch_header(ByteView bytes) {
  return decode<BatchHeader, encoded::BatchHeader>(bytes, [](auto from) -> Result<BatchHeader> {
    BatchHeader header;
    header.generation = from.getGeneration();
    header.previous = from.getPrevious();
    header.first = from.getFirst();
    header.last = from.getLast();
    header.count = from.getCount();
    header.topics = from.getTopics();
    if (header.first == 0 || header.first > header.last || header.previous >= header.first) {
      return malformed("a batch whose positions do not rise");
    }
    header.before = TRY(read_positions(from.getBefore(), header.first - 1));
    return header;
  });
}

Result<Head> decode_head(ByteView bytes) {
  return decode<Head, encoded::Head>(bytes, [](auto from) -> Result<Head> {
    Head head;
    head.generation = from.getGeneration();
    head.durable_head = from.getDurableHead();
    head.log_time = from.getLogTime();
    head.last = TRY(read_positions(from.getLast(), head.durable_head));
    head.leaf = TRY(read_leaf(from.getLeaf()));
    return head;
  });
}

void append_fact(Bytes& blob, ByteView stamp, ByteView body) {
  KEYTRAIL_CHECK(stamp.size() == kStampBytes);
  put(blob, static_cast<std::uint32_t>(stamp.size() + body.size()));
  put(blob, std::uint32_t{0});
  blob.insert(blob.end(), stamp.begin(), stamp.end());
  blob.insert(blob.end(), body.begin(), body.end());
}

Result<std::vector<StoredFact>> decode_facts(ByteView blob) {
  if (blob.size() > kFrameBytesMax) return malformed("facts over 4 MiB");
  std::vector<StoredFact> facts;
  while (!blob.empty()) {
    if (blob.size() < kFactPrefixBytes + kStampBytes) return malformed("a fact cut short");
    const std::size_t bytes = get<std::uint32_t>(blob, 0);
    if (bytes < kStampBytes || bytes > kStampBytes + kBodyBytesMax || bytes % kWordBytes != 0 ||
        get<std::uint32_t>(blob, 4) != 0 || bytes > blob.size() - kFactPrefixBytes) {
      return malformed("a fact of an impossible length");
    }
    const ByteView fact = blob.subspan(kFactPrefixBytes, bytes);
    facts.push_back({to_bytes(fact.first(kStampBytes)), to_bytes(fact.subspan(kStampBytes))});
    blob = blob.subspan(kFactPrefixBytes + bytes);
  }
  return facts;
}

void append_attachment(Bytes& blob, const PositionedAttachment& attachment) {
  const Bytes& bytes = attachment.attachment.bytes;
  put(blob, attachment.position);
  put(blob, attachment.index);
  put(blob, static_cast<std::uint32_t>(attachment.attachment.kind));
  put(blob, static_cast<std::uint32_t>(bytes.size()));
  put(blob, std::uint32_t{0});
  blob.insert(blob.end(), bytes.begin(), bytes.end());
  blob.resize(blob.size() + padded(bytes.size()) - bytes.size());
}

std::size_t blob_bytes_of(const Attachment& attachment) {
  return kAttachmentHeaderBytes + padded(attachment.bytes.size());
}

Result<std::vector<PositionedAttachment>> decode_attachments(ByteView blob) {
  if (blob.size() > kFrameBytesMax) return malformed("attachments over 4 MiB");
  std::vector<PositionedAttachment> attachments;
  while (!blob.empty()) {
    if (blob.size() < kAttachmentHeaderBytes) return malformed("an attachment cut short");
    const auto kind = get<std::uint32_t>(blob, 12);
    const std::size_t bytes = get<std::uint32_t>(blob, 16);
    if (kind > static_cast<std::uint32_t>(AttachmentKind::kSealed) || bytes > kAttachmentBytesMax ||
        get<std::uint32_t>(blob, 20) != 0 || padded(bytes) > blob.size() - kAttachmentHeaderBytes) {
      return malformed("an attachment of an impossible kind or length");
    }
    PositionedAttachment next;
    next.position = get<std::uint64_t>(blob, 0);
    next.index = get<std::uint32_t>(blob, 8);
    next.attachment.kind = static_cast<AttachmentKind>(kind);
    next.attachment.bytes = to_bytes(blob.subspan(kAttachmentHeaderBytes, bytes));
    attachments.push_back(std::move(next));
    blob = blob.subspan(kAttachmentHeaderBytes + padded(bytes));
  }
  return attachments;
}

}  // namespace keytrail::protocol
