#include "kms/kmip/ttlv.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace keytrail::kmip::ttlv {
namespace {

constexpr std::size_t kTagBytes = 3;
constexpr std::size_t kTypeOffset = 3;
constexpr std::size_t kLengthOffset = 4;

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

void put_big_endian(std::uint8_t* to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    to[i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)));
  }
}

Tag tag_at(ByteView header) { return static_cast<Tag>(big_endian(header.first(kTagBytes))); }
std::size_t length_at(ByteView header) {
  return static_cast<std::size_t>(big_endian(header.subspan(kLengthOffset, 4)));
}
constexpr std::size_t padded(std::size_t length) { return (length + 7) & ~std::size_t{7}; }

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(ByteView text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::uint8_t lead = text[i];
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i <= more) return false;
    const std::uint8_t second = text[i + 1];
    const std::uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (second < lowest || second > highest) return false;
    for (std::size_t k = 2; k <= more; ++k) {
      if ((text[i + k] & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

// The length that a type prescribes; 0 where it does not.
std::size_t fixed_length(ItemType type) {
  switch (type) {
    case ItemType::kInteger:
    case ItemType::kEnumeration:
    case ItemType::kInterval:
      return 4;
    case ItemType::kLongInteger:
    case ItemType::kBoolean:
    case ItemType::kDateTime:
      return 8;
    case ItemType::kStructure:
    case ItemType::kBigInteger:
    case ItemType::kTextString:
    case ItemType::kByteString:
      return 0;
  }
  return 0;
}

// Walks a message once, allocating nothing but the text of the one complaint.
class Checker {
 public:
  explicit Checker(const Limits& limits) : limits_(limits) {}

  // One item at the front of `bytes`; gives its whole length.
  Result<std::size_t> item(ByteView bytes, std::size_t depth) {
    if (++items_ > limits_.items_max) return bad("too many items");
    if (bytes.size() < kHeaderBytes) return bad("an item's header is cut short");
    const Tag tag = tag_at(bytes);
    const std::uint8_t prefix = bytes[0];
    if (prefix != 0x42 && prefix != 0x54) return bad("an item has no KMIP tag");
    const auto number = bytes[kTypeOffset];
    if (number < 1 || number > 10) return bad(tag_name(tag) + " has an unknown type");
    const auto type = static_cast<ItemType>(number);
    const std::size_t length = length_at(bytes);
    if (length > bytes.size() - kHeaderBytes || padded(length) > bytes.size() - kHeaderBytes) {
      return bad(tag_name(tag) + " is longer than what holds it");
    }
    TRY(contents(tag, type, bytes.subspan(kHeaderBytes, length), depth));
    const ByteView padding = bytes.subspan(kHeaderBytes + length, padded(length) - length);
    if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t b) { return b != 0; })) {
      return bad(tag_name(tag) + " has padding that is not zero");
    }
    return kHeaderBytes + padded(length);
  }

 private:
  Result<void> contents(Tag tag, ItemType type, ByteView value, std::size_t depth) {
    const std::size_t fixed = fixed_length(type);
    if (fixed != 0 && value.size() != fixed) return bad(tag_name(tag) + " has a wrong length");
    switch (type) {
      case ItemType::kStructure:
        return children(value, depth);
      case ItemType::kBoolean:
        if (big_endian(value) > 1) return bad(tag_name(tag) + " is neither true nor false");
        return {};
      case ItemType::kBigInteger:
        if (value.empty() || value.size() % 8 != 0) {
          return bad(tag_name(tag) + " has a length that is no multiple of 8");
        }
        return {};
      case ItemType::kTextString:
        if (!is_utf8(value)) return bad(tag_name(tag) + " is not UTF-8");
        return {};
      default:
        return {};
    }
  }

  Result<void> children(ByteView value, std::size_t depth) {
    if (depth >= limits_.depth_max) return bad("structures are nested too deeply");
    while (!value.empty()) {
      const std::size_t taken = TRY(item(value, depth + 1));
      value = value.subspan(taken);
    }
    return {};
  }

  static Error bad(std::string detail) { return {ErrorCode::kInvalid, std::move(detail)}; }

  const Limits& limits_;
  std::size_t items_ = 0;
};

}  // namespace

std::string type_name(ItemType type) {
  switch (type) {
    case ItemType::kStructure:
      return "Structure";
    case ItemType::kInteger:
      return "Integer";
    case ItemType::kLongInteger:
      return "Long Integer";
    case ItemType::kBigInteger:
      return "Big Integer";
    case ItemType::kEnumeration:
      return "Enumeration";
    case ItemType::kBoolean:
      return "Boolean";
    case ItemType::kTextString:
      return "Text String";
    case ItemType::kByteString:
      return "Byte String";
    case ItemType::kDateTime:
      return "Date-Time";
    case ItemType::kInterval:
      return "Interval";
  }
  return "unknown type";
}

Result<std::size_t> announced_bytes(ByteView first_eight, Tag tag, const Limits& limits) {
  KEYTRAIL_CHECK(first_eight.size() == kHeaderBytes);
  if (tag_at(first_eight) != tag ||
      first_eight[kTypeOffset] != static_cast<std::uint8_t>(ItemType::kStructure)) {
    return Error{ErrorCode::kInvalid, "what arrived does not begin a KMIP " + tag_name(tag)};
  }
  const std::size_t length = length_at(first_eight);
  if (length > limits.message_bytes_max - kHeaderBytes) {
    return Error{
        ErrorCode::kRefused,
        "a message larger than the " + std::to_string(limits.message_bytes_max) + " bytes allowed"};
  }
  return kHeaderBytes + padded(length);
}

Tag ItemView::tag() const { return tag_at(bytes_); }
ItemType ItemView::type() const { return static_cast<ItemType>(bytes_[kTypeOffset]); }
ByteView ItemView::value() const { return bytes_.subspan(kHeaderBytes, length_at(bytes_)); }

std::int32_t ItemView::integer() const {
  KEYTRAIL_CHECK(type() == ItemType::kInteger);
  return static_cast<std::int32_t>(big_endian(value()));
}
std::int64_t ItemView::long_integer() const {
  KEYTRAIL_CHECK(type() == ItemType::kLongInteger);
  return static_cast<std::int64_t>(big_endian(value()));
}
std::uint32_t ItemView::enumeration() const {
  KEYTRAIL_CHECK(type() == ItemType::kEnumeration);
  return static_cast<std::uint32_t>(big_endian(value()));
}
bool ItemView::boolean() const {
  KEYTRAIL_CHECK(type() == ItemType::kBoolean);
  return big_endian(value()) == 1;
}
std::string_view ItemView::text() const {
  KEYTRAIL_CHECK(type() == ItemType::kTextString);
  return as_text(value());
}
std::int64_t ItemView::date_time() const {
  KEYTRAIL_CHECK(type() == ItemType::kDateTime);
  return static_cast<std::int64_t>(big_endian(value()));
}
std::uint32_t ItemView::interval() const {
  KEYTRAIL_CHECK(type() == ItemType::kInterval);
  return static_cast<std::uint32_t>(big_endian(value()));
}

Children::Children(const ItemView& structure) : rest_(structure.value()) {
  KEYTRAIL_CHECK(structure.type() == ItemType::kStructure);
}
ItemView Children::front() const {
  KEYTRAIL_CHECK(!rest_.empty());
  return ItemView(rest_.first(kHeaderBytes + padded(length_at(rest_))));
}
void Children::pop_front() { rest_ = rest_.subspan(front().encoding().size()); }

Result<ItemView> parse(ByteView bytes, const Limits& limits) {
  if (bytes.size() > limits.message_bytes_max) {
    return Error{ErrorCode::kInvalid, "the message is too large"};
  }
  const std::size_t taken = TRY(Checker(limits).item(bytes, 0));
  if (taken != bytes.size()) {
    return Error{ErrorCode::kInvalid, "bytes follow the end of the message"};
  }
  return ItemView(bytes);
}

std::uint8_t* Writer::grow(std::size_t bytes) {
  if (bytes > buffer_.size() - size_) {
    SecretBytes larger(std::max(buffer_.size() * 2, size_ + bytes + 504));
    const ByteView written = buffer_.read(SecretAccess()).first(size_);
    std::copy(written.begin(), written.end(), larger.write(SecretAccess()).begin());
    buffer_ = std::move(larger);
  }
  std::uint8_t* place = buffer_.write(SecretAccess()).data() + size_;
  size_ += bytes;
  return place;
}

std::uint8_t* Writer::item(Tag tag, ItemType type, std::size_t length) {
  KEYTRAIL_CHECK(length <= UINT32_MAX);
  std::uint8_t* place = grow(kHeaderBytes + padded(length));  // Fresh memory is zero: the padding.
  put_big_endian(place, static_cast<std::uint32_t>(tag), kTagBytes);
  place[kTypeOffset] = static_cast<std::uint8_t>(type);
  put_big_endian(place + kLengthOffset, length, 4);
  return place + kHeaderBytes;
}

void Writer::begin(Tag tag) {
  open_.push_back(size_);
  item(tag, ItemType::kStructure, 0);
}

void Writer::end() {
  KEYTRAIL_CHECK(!open_.empty());
  const std::size_t start = open_.back();
  open_.pop_back();
  const std::size_t length = size_ - start - kHeaderBytes;
  KEYTRAIL_CHECK(length <= UINT32_MAX);
  put_big_endian(buffer_.write(SecretAccess()).data() + start + kLengthOffset, length, 4);
}

void Writer::integer(Tag tag, std::int32_t value) {
  put_big_endian(item(tag, ItemType::kInteger, 4), static_cast<std::uint32_t>(value), 4);
}
void Writer::long_integer(Tag tag, std::int64_t value) {
  put_big_endian(item(tag, ItemType::kLongInteger, 8), static_cast<std::uint64_t>(value), 8);
}
void Writer::big_integer(Tag tag, ByteView two_complement) {
  KEYTRAIL_CHECK(!two_complement.empty() && two_complement.size() % 8 == 0);
  std::copy(two_complement.begin(), two_complement.end(),
            item(tag, ItemType::kBigInteger, two_complement.size()));
}
void Writer::enumeration(Tag tag, std::uint32_t value) {
  put_big_endian(item(tag, ItemType::kEnumeration, 4), value, 4);
}
void Writer::boolean(Tag tag, bool value) {
  put_big_endian(item(tag, ItemType::kBoolean, 8), value ? 1 : 0, 8);
}
void Writer::text(Tag tag, std::string_view value) {
  std::copy(value.begin(), value.end(), item(tag, ItemType::kTextString, value.size()));
}
void Writer::bytes(Tag tag, ByteView value) {
  std::copy(value.begin(), value.end(), item(tag, ItemType::kByteString, value.size()));
}
void Writer::date_time(Tag tag, std::int64_t seconds) {
  put_big_endian(item(tag, ItemType::kDateTime, 8), static_cast<std::uint64_t>(seconds), 8);
}
void Writer::interval(Tag tag, std::uint32_t seconds) {
  put_big_endian(item(tag, ItemType::kInterval, 4), seconds, 4);
}

void Writer::encoded(ByteView item) { std::copy(item.begin(), item.end(), grow(item.size())); }

SecretBytes Writer::take() {
  KEYTRAIL_CHECK(open_.empty());
  SecretBytes whole = buffer_.size() == size_ ? std::move(buffer_) : buffer_.slice(0, size_);
  buffer_.wipe();
  size_ = 0;
  return whole;
}

// By hand: Clang 14 crashes over defaulted comparisons that contain each other.
bool Structure::operator==(const Structure& other) const { return items == other.items; }
bool Item::operator==(const Item& other) const { return tag == other.tag && value == other.value; }

ItemType type_of(const Value& value) { return static_cast<ItemType>(value.index() + 1); }

Value value_of(const ItemView& item) {
  switch (item.type()) {
    case ItemType::kStructure: {
      Structure structure;
      for (Children rest(item); !rest.empty(); rest.pop_front()) {
        structure.items.push_back({rest.front().tag(), value_of(rest.front())});
      }
      return structure;
    }
    case ItemType::kInteger:
      return item.integer();
    case ItemType::kLongInteger:
      return item.long_integer();
    case ItemType::kBigInteger:
      return BigInteger{to_bytes(item.value())};
    case ItemType::kEnumeration:
      return Enumeration{item.enumeration()};
    case ItemType::kBoolean:
      return item.boolean();
    case ItemType::kTextString:
      return std::string(item.text());
    case ItemType::kByteString:
      return to_bytes(item.value());
    case ItemType::kDateTime:
      return DateTime{item.date_time()};
    case ItemType::kInterval:
      return Interval{item.interval()};
  }
  std::abort();
}

namespace {

struct ValueWriter {
  Writer& writer;
  Tag tag;

  void operator()(const Structure& value) const {
    writer.begin(tag);
    for (const Item& item : value.items) write(writer, item.tag, item.value);
    writer.end();
  }
  void operator()(std::int32_t value) const { writer.integer(tag, value); }
  void operator()(std::int64_t value) const { writer.long_integer(tag, value); }
  void operator()(const BigInteger& value) const { writer.big_integer(tag, value.two_complement); }
  void operator()(Enumeration value) const { writer.enumeration(tag, value.number); }
  void operator()(bool value) const { writer.boolean(tag, value); }
  void operator()(const std::string& value) const { writer.text(tag, value); }
  void operator()(const Bytes& value) const { writer.bytes(tag, value); }
  void operator()(DateTime value) const { writer.date_time(tag, value.seconds); }
  void operator()(Interval value) const { writer.interval(tag, value.seconds); }
};

}  // namespace

void write(Writer& writer, Tag tag, const Value& value) {
  std::visit(ValueWriter{writer, tag}, value);
}

const Value* find(const Value& structure, Tag tag) {
  const auto* fields = std::get_if<Structure>(&structure);
  if (fields == nullptr) return nullptr;
  const auto found = std::find_if(fields->items.begin(), fields->items.end(),
                                  [tag](const Item& item) { return item.tag == tag; });
  return found == fields->items.end() ? nullptr : &found->value;
}

}  // namespace keytrail::kmip::ttlv
