// TTLV: KMIP's binary encoding of tagged, typed items (KMIP 1.4, section 9.1), read and written.
//
//   item = tag (3 bytes) | type (1) | length (4, big endian) | value, zero padded to 8 bytes
//
// Reading comes in two steps. `parse` checks *all* of a message first, before anything is
// allocated: sizes, depth, number of items, lengths of fixed types, padding, booleans, UTF-8. It
// alone makes an `ItemView`, so whoever holds one walks over well-formed bytes and meets no error
// but a wrong type.
// Views borrow the bytes. What may be key material is copied straight from its view into
// SecretBytes; everything else may become a `Value`, which copies, compares and can be kept.
// Threads: values and views; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bus/secret/secret_bytes.h"
#include "kms/kmip/tags.h"

namespace keytrail::kmip::ttlv {

enum class ItemType : std::uint8_t {
  kStructure = 1,
  kInteger = 2,
  kLongInteger = 3,
  kBigInteger = 4,
  kEnumeration = 5,
  kBoolean = 6,
  kTextString = 7,
  kByteString = 8,
  kDateTime = 9,
  kInterval = 10,
};
[[nodiscard]] std::string type_name(ItemType type);

inline constexpr std::size_t kHeaderBytes = 8;

struct Limits {
  std::size_t message_bytes_max = std::size_t{1} << 20;
  std::size_t depth_max = 16;
  std::size_t items_max = 20'000;
};

// The whole length, header included, that the first eight bytes of a message announce: what a
// receiver waits for. `invalid` if they do not begin a structure with `tag`, `refused` if the
// length is above `message_bytes_max`.
[[nodiscard]] Result<std::size_t> announced_bytes(ByteView first_eight, Tag tag,
                                                  const Limits& limits);

// One well-formed item.
class ItemView {
 public:
  [[nodiscard]] Tag tag() const;
  [[nodiscard]] ItemType type() const;
  [[nodiscard]] ByteView value() const;  // Without header and padding.
  [[nodiscard]] ByteView encoding() const { return bytes_; }

  // REQUIRES: the type of the name.
  [[nodiscard]] std::int32_t integer() const;
  [[nodiscard]] std::int64_t long_integer() const;
  [[nodiscard]] std::uint32_t enumeration() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::string_view text() const;
  [[nodiscard]] std::int64_t date_time() const;  // Seconds since 1970.
  [[nodiscard]] std::uint32_t interval() const;  // Seconds.

 private:
  friend class Children;
  friend Result<ItemView> parse(ByteView bytes, const Limits& limits);
  explicit ItemView(ByteView bytes) : bytes_(bytes) {}
  ByteView bytes_;  // Header, value, padding.
};

// The items of a structure, one after the other.
class Children {
 public:
  // REQUIRES: a structure.
  explicit Children(const ItemView& structure);
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] ItemView front() const;  // REQUIRES: !empty().
  void pop_front();                      // REQUIRES: !empty().

 private:
  ByteView rest_;
};

// Checks that `bytes` are exactly one item within `limits`. `invalid` otherwise, with the reason.
[[nodiscard]] Result<ItemView> parse(ByteView bytes, const Limits& limits = {});

// Appends items to a buffer that is locked and wiped like the secrets in it.
class Writer {
 public:
  Writer() = default;

  // Everything written between begin and its end is the structure's.
  void begin(Tag tag);
  void end();

  void integer(Tag tag, std::int32_t value);
  void long_integer(Tag tag, std::int64_t value);
  void big_integer(Tag tag, ByteView two_complement);  // REQUIRES: a multiple of 8 bytes, not none.
  void enumeration(Tag tag, std::uint32_t value);
  void boolean(Tag tag, bool value);
  void text(Tag tag, std::string_view value);
  void bytes(Tag tag, ByteView value);
  void date_time(Tag tag, std::int64_t seconds);
  void interval(Tag tag, std::uint32_t seconds);
  void encoded(ByteView item);  // whole, as another writer wrote it

  // REQUIRES: every begin has its end. The writer is empty afterwards.
  [[nodiscard]] SecretBytes take();
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint8_t* grow(std::size_t bytes);
  std::uint8_t* item(Tag tag, ItemType type, std::size_t length);

  SecretBytes buffer_;
  std::size_t size_ = 0;
  std::vector<std::size_t> open_;  // Where the structures that are not ended yet begin.
};

struct Enumeration {
  std::uint32_t number = 0;
  auto operator<=>(const Enumeration&) const = default;
};
struct DateTime {
  std::int64_t seconds = 0;  // Since 1970.
  auto operator<=>(const DateTime&) const = default;
};
struct Interval {
  std::uint32_t seconds = 0;
  auto operator<=>(const Interval&) const = default;
};
struct BigInteger {
  Bytes two_complement;  // A multiple of 8 bytes.
  bool operator==(const BigInteger&) const = default;
};
struct Item;
struct Structure {
  std::vector<Item> items;
  bool operator==(const Structure& other) const;
};

// An item's value in its own memory, in the order of ItemType. Never used for key material.
using Value = std::variant<Structure, std::int32_t, std::int64_t, BigInteger, Enumeration, bool,
                           std::string, Bytes, DateTime, Interval>;
struct Item {
  Tag tag{};
  Value value;
  bool operator==(const Item& other) const;
};

[[nodiscard]] ItemType type_of(const Value& value);
[[nodiscard]] Value value_of(const ItemView& item);
void write(Writer& writer, Tag tag, const Value& value);

// The first item of `structure` with `tag`; null if there is none or `value` is not a structure.
[[nodiscard]] const Value* find(const Value& structure, Tag tag);

}  // namespace keytrail::kmip::ttlv
