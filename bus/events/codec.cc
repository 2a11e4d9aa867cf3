#include "bus/events/codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <memory>

#include "bus/events/body_shape.h"
#include "bus/events/codec_fields.h"
#include "bus/events/event.capnp.h"
#include "bus/events/match.h"

namespace keytrail {

// The parts' halves, each in codec_PART.cc; declared here, since no header of ours shows generated
// types.
namespace part {
void write(const Event& event, encoded::Part::Builder to);
std::optional<Event> read(encoded::Part::Reader from, codec::Problem& problem);
}  // namespace part
namespace eventstore {
void write(const Event& event, encoded::Eventstore::Builder to);
std::optional<Event> read(encoded::Eventstore::Reader from, codec::Problem& problem);
}  // namespace eventstore
namespace kms {
void write(const Event& event, encoded::Kms::Builder to);
std::optional<Event> read(encoded::Kms::Reader from, codec::Problem& problem);
}  // namespace kms
namespace vcenter {
void write(const Event& event, encoded::Vcenter::Builder to);
std::optional<Event> read(encoded::Vcenter::Reader from, codec::Problem& problem);
}  // namespace vcenter
namespace esxi {
void write(const Event& event, encoded::Esxi::Builder to);
std::optional<Event> read(encoded::Esxi::Reader from, codec::Problem& problem);
}  // namespace esxi

FIELDS(Body) {
  FIELD(stream, Stream);
  FIELD(user, User);
  FIELD(origin, Origin);
  FIELD(action, Action);
  FIELD(cause, Cause);
  FIELD(clock, Clock);
  FIELD(attachments, Attachments);
}

namespace {

constexpr std::size_t kSegmentTableBytes = 8;
constexpr std::size_t kBodyWordsMax = (kBodyBytesMax - kSegmentTableBytes) / sizeof(capnp::word);

// Somebody else's exception, as ours to return.
Error error_of(const kj::Exception& exception) {
  return {ErrorCode::kInvalid, std::string("malformed fact: ") + exception.getDescription().cStr()};
}

void write_event(const Event& event, encoded::Body::Event::Builder to) {
  match(
      event, [&](const part::Event& e) { part::write(e, to.initPart()); },
      [&](const eventstore::Event& e) { eventstore::write(e, to.initEventstore()); },
      [&](const kms::Event& e) { kms::write(e, to.initKms()); },
      [&](const vcenter::Event& e) { vcenter::write(e, to.initVcenter()); },
      [&](const esxi::Event& e) { esxi::write(e, to.initEsxi()); });
}

std::optional<Event> read_event(encoded::Body::Event::Reader from, codec::Problem& problem) {
  switch (from.which()) {
    case encoded::Body::Event::PART:
      return part::read(from.getPart(), problem);
    case encoded::Body::Event::EVENTSTORE:
      return eventstore::read(from.getEventstore(), problem);
    case encoded::Body::Event::KMS:
      return kms::read(from.getKms(), problem);
    case encoded::Body::Event::VCENTER:
      return vcenter::read(from.getVcenter(), problem);
    case encoded::Body::Event::ESXI:
      return esxi::read(from.getEsxi(), problem);
  }
  problem.report(ErrorCode::kNotFound, "an event of a part that this program does not know");
  return std::nullopt;
}

// "" = none that is known.
std::string_view part_name(encoded::Body::Event::Which which) {
  switch (which) {
    case encoded::Body::Event::PART:
      return "part";
    case encoded::Body::Event::EVENTSTORE:
      return "eventstore";
    case encoded::Body::Event::KMS:
      return "kms";
    case encoded::Body::Event::VCENTER:
      return "vcenter";
    case encoded::Body::Event::ESXI:
      return "esxi";
  }
  return "";
}

bool is_stream(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '_' ||
           c == '-' || c == '%';
  };
  return !text.empty() && text.size() <= kStreamBytesMax &&
         std::all_of(text.begin(), text.end(), allowed);
}

const Error kNoStream{
    ErrorCode::kInvalid,
    "malformed fact: its stream is empty, over 200 bytes, or not of [a-z0-9._%/-]"};

// The words of a body whose shape is checked. Bytes that are not aligned to words are copied first.
class BodyWords {
 public:
  explicit BodyWords(ByteView bytes) : start_(bytes.data()), size_(bytes.size()) {
    if (reinterpret_cast<std::uintptr_t>(start_) % alignof(capnp::word) == 0) return;
    copy_ = std::make_unique<capnp::word[]>(size_ / sizeof(capnp::word));
    std::memcpy(copy_.get(), start_, size_);
    start_ = reinterpret_cast<const std::uint8_t*>(copy_.get());
  }

  [[nodiscard]] kj::ArrayPtr<const capnp::word> message() const {
    return {reinterpret_cast<const capnp::word*>(start_), size_ / sizeof(capnp::word)};
  }
  [[nodiscard]] const capnp::word* segment() const { return message().begin() + 1; }
  // Where in the caller's bytes a text of this body lies.
  [[nodiscard]] std::size_t offset_of(std::string_view text) const {
    return static_cast<std::size_t>(as_bytes(text).data() - start_);
  }

 private:
  std::unique_ptr<capnp::word[]> copy_;
  const std::uint8_t* start_;
  std::size_t size_;
};

}  // namespace

Result<Bytes> encode_body(const Body& body) {
  if (!is_stream(body.stream)) return kNoStream;
  // As large as a body may be and zero between uses, as the builder leaves it: never a second
  // segment for a body that fits, and no allocation but the result's.
  alignas(capnp::word) thread_local std::array<std::uint8_t, kBodyWordsMax * 8> scratch{};
  try {
    capnp::MallocMessageBuilder message(
        kj::arrayPtr(reinterpret_cast<capnp::word*>(scratch.data()), kBodyWordsMax));
    auto root = message.initRoot<encoded::Body>();
    codec::write(body, root);
    root.setEffect(codec::plain(effect_of(body.event)));
    write_event(body.event, root.getEvent());

    const auto segments = message.getSegmentsForOutput();
    if (segments.size() != 1) {
      return Error{ErrorCode::kInvalid, "a fact larger than 65,416 bytes cannot be recorded"};
    }
    const auto content = segments[0].asBytes();
    Bytes bytes(kSegmentTableBytes + content.size());
    const auto words = static_cast<std::uint32_t>(segments[0].size());
    std::memcpy(bytes.data() + 4, &words, sizeof words);  // Before it: 0 further segments.
    std::memcpy(bytes.data() + kSegmentTableBytes, content.begin(), content.size());
    TRY(check_body_shape(bytes));  // What we would refuse to read we do not write.
    return bytes;
  } catch (const kj::Exception& exception) {
    return error_of(exception);
  }
}

Result<Body> decode_body(ByteView bytes) {
  TRY(check_body_shape(bytes));
  try {
    const BodyWords words(bytes);
    capnp::FlatArrayMessageReader reader(
        words.message(),
        {.traversalLimitInWords = kTraversalWordsMax, .nestingLimit = kNestingMax});
    const auto root = reader.getRoot<encoded::Body>();
    codec::Problem problem;
    auto body = codec::read<Body>(root, problem);
    auto event = read_event(root.getEvent(), problem);
    Effect effect{};
    codec::take(effect, root.getEffect(), problem);
    if (problem.first()) return *problem.first();
    KEYTRAIL_CHECK(event.has_value());
    body.event = *std::move(event);
    if (!is_stream(body.stream)) return kNoStream;
    if (effect != effect_of(body.event)) {
      return Error{ErrorCode::kInvalid, "malformed fact: a note that says change, or the reverse"};
    }
    return body;
  } catch (const kj::Exception& exception) {
    return error_of(exception);
  }
}

Result<Fact> decode_fact(const StoredFact& fact) {
  Stamp stamp = TRY(decode_stamp(fact.stamp));
  Body body = TRY(decode_body(fact.body));
  return Fact{std::move(stamp), std::move(body)};
}

Result<BodyHeader> peek_body(ByteView bytes) {
  TRY(check_body_shape(bytes));
  try {
    const BodyWords words(bytes);
    // Unchecked: every pointer was followed above, and a reader with limits of its own costs three
    // times as much as all of this.
    const auto root = capnp::readMessageUnchecked<encoded::Body>(words.segment());
    codec::Problem problem;
    BodyHeader header;
    const auto stream = root.getStream();
    const std::string_view text(stream.begin(), stream.size());
    if (!is_stream(text)) return kNoStream;
    header.stream = as_text(bytes.subspan(words.offset_of(text), text.size()));
    header.part = part_name(root.getEvent().which());
    if (header.part.empty()) {
      problem.report(ErrorCode::kNotFound, "an event of a part that this program does not know");
    }
    codec::take(header.effect, root.getEffect(), problem);
    if (root.hasAttachments()) codec::take(header.attachments, root.getAttachments(), problem);
    if (problem.first()) return *problem.first();
    return header;
  } catch (const kj::Exception& exception) {
    return error_of(exception);
  }
}

}  // namespace keytrail
