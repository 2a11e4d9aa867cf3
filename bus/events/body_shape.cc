#include "bus/events/body_shape.h"

#include <bit>
#include <cstring>

#include "bus/events/fact.h"

namespace keytrail {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

enum class PointerKind : std::uint8_t { kStruct, kList, kFar, kOther };
enum class ElementSize : std::uint8_t {
  kVoid,
  kBit,
  kByte,
  kTwoBytes,
  kFourBytes,
  kEightBytes,
  kPointer,
  kComposite
};

// Literals: a flaw costs no allocation until it is told.
using Flaw = const char*;
constexpr Flaw kNone = nullptr;

class Walk {
 public:
  explicit Walk(ByteView segment) : segment_(segment), words_(segment.size() / 8) {}

  Flaw pointer(std::uint64_t at, int depth) {
    const std::uint64_t value = word(at);
    if (value == 0) return kNone;  // Null: the default.
    if (depth > kNestingMax) return "nested too deeply";
    const std::int64_t target =
        static_cast<std::int64_t>(at) + 1 + (static_cast<std::int32_t>(value & 0xffff'ffff) >> 2);
    switch (static_cast<PointerKind>(value & 3)) {
      case PointerKind::kStruct:
        return structure(target, data_words(value), pointer_words(value), depth);
      case PointerKind::kList:
        return list(target, static_cast<ElementSize>((value >> 32) & 7), value >> 35, depth);
      case PointerKind::kFar:
        return "a far pointer";
      case PointerKind::kOther:
        return "a capability";
    }
    return "no pointer";
  }

 private:
  [[nodiscard]] std::uint64_t word(std::uint64_t at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, segment_.data() + at * 8, sizeof value);
    return value;
  }
  static std::uint64_t data_words(std::uint64_t pointer) { return (pointer >> 32) & 0xffff; }
  static std::uint64_t pointer_words(std::uint64_t pointer) { return pointer >> 48; }

  // Within the segment, and paid for.
  Flaw visit(std::int64_t target, std::uint64_t size) {
    if (target < 0 || static_cast<std::uint64_t>(target) > words_ ||
        size > words_ - static_cast<std::uint64_t>(target)) {
      return "a pointer out of bounds";
    }
    visited_ += size + 1;  // The pointer itself: targets of no size are not free.
    return visited_ > kTraversalWordsMax ? "too much to read" : kNone;
  }

  Flaw pointers(std::uint64_t first, std::uint64_t count, int depth) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const Flaw flaw = pointer(first + i, depth)) return flaw;
    }
    return kNone;
  }

  Flaw structure(std::int64_t target, std::uint64_t data, std::uint64_t pointer_count, int depth) {
    if (const Flaw flaw = visit(target, data + pointer_count)) return flaw;
    return pointers(static_cast<std::uint64_t>(target) + data, pointer_count, depth + 1);
  }

  Flaw list(std::int64_t target, ElementSize size, std::uint64_t count, int depth) {
    const auto at = static_cast<std::uint64_t>(target);
    switch (size) {
      case ElementSize::kByte:
        return count > kTextBytesMax ? "a text too long" : visit(target, (count + 7) / 8);
      case ElementSize::kPointer: {
        if (count > kListSizeMax) return "a list too long";
        if (const Flaw flaw = visit(target, count)) return flaw;
        return pointers(at, count, depth + 1);
      }
      case ElementSize::kComposite:
        return structures(target, count, depth);
      case ElementSize::kVoid:
      case ElementSize::kBit:
      case ElementSize::kTwoBytes:
      case ElementSize::kFourBytes:
      case ElementSize::kEightBytes:
        break;
    }
    return "a list of a kind that no event has";
  }

  // `count` is in words here, without the tag, which says how many elements there are and how
  // large.
  Flaw structures(std::int64_t target, std::uint64_t count, int depth) {
    if (const Flaw flaw = visit(target, count + 1)) return flaw;
    const auto at = static_cast<std::uint64_t>(target);
    const std::uint64_t tag = word(at);
    if (static_cast<PointerKind>(tag & 3) != PointerKind::kStruct) return "a list without its tag";
    const std::uint64_t elements = (tag & 0xffff'ffff) >> 2;
    const std::uint64_t each = data_words(tag) + pointer_words(tag);
    if (elements > kListSizeMax) return "a list too long";
    if (elements * each > count) return "a list larger than it says";
    for (std::uint64_t i = 0; i < elements; ++i) {
      const std::uint64_t first = at + 1 + i * each + data_words(tag);
      if (const Flaw flaw = pointers(first, pointer_words(tag), depth + 1)) return flaw;
    }
    return kNone;
  }

  ByteView segment_;
  std::uint64_t words_;
  std::uint64_t visited_ = 0;
};

Flaw flaw_in(ByteView bytes) {
  if (bytes.size() > kBodyBytesMax) return "larger than a fact may be";
  if (bytes.size() < 16 || bytes.size() % 8 != 0) return "not whole words";
  std::uint32_t further_segments = 0;
  std::uint32_t words = 0;
  std::memcpy(&further_segments, bytes.data(), 4);
  std::memcpy(&words, bytes.data() + 4, 4);
  if (further_segments != 0) return "more than one segment";
  if (words != bytes.size() / 8 - 1) return "a segment that does not fill the message";
  if ((bytes[8] & 3) != static_cast<std::uint8_t>(PointerKind::kStruct))
    return "no struct at its root";
  return Walk(bytes.subspan(8)).pointer(0, 0);
}

}  // namespace

Result<void> check_body_shape(ByteView bytes) {
  if (const Flaw flaw = flaw_in(bytes)) {
    return Error{ErrorCode::kInvalid, std::string("malformed fact: ") + flaw};
  }
  return {};
}

}  // namespace keytrail
