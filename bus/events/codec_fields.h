// The codec's grammar: each field of a fact is named once, and that line serves both ways.
//
//   FIELDS(KeyReleased) {          template <class Io> void fields(Io io, … KeyReleased& event)
//     FIELD(object, Object);       writing: io.at.setObject(event.object)
//     FIELD(client, Client);       reading: event.client = io.at.getClient()
//   }
//
// So a field cannot be written and then not read. Everything here is a template over Cap'n Proto's
// builders and readers, whose headers only the codec's .cc files see. Private to the codec; pure;
// any thread. Sizes are not checked here: body_shape.h has looked at all of them before anything is
// read.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "bus/events/codec_enums.h"
#include "bus/events/ids.h"

namespace keytrail::codec {

// The first thing that was wrong with what is being read.
class Problem {
 public:
  void report(ErrorCode code, std::string detail) {
    if (!first_) first_ = Error{code, std::move(detail)};
  }
  [[nodiscard]] const std::optional<Error>& first() const { return first_; }

 private:
  std::optional<Error> first_;
};

template <class Builder>
struct Writing {
  static constexpr bool kWriting = true;
  template <class T>
  using Of = const T;
  Builder at;
};

template <class Reader>
struct Reading {
  static constexpr bool kWriting = false;
  template <class T>
  using Of = T;
  Reader at;
  Problem& problem;
};

template <class T, class Builder>
void write(const T& value, Builder to) {
  fields(Writing<Builder>{to}, value);
}

template <class T, class Reader>
[[nodiscard]] T read(Reader from, Problem& problem) {
  T value;
  fields(Reading<Reader>{from, problem}, value);
  return value;
}

// --- writing a field -----------------------------------------------------------------------------

// Becomes Cap'n Proto's Text or Data with its length: a NUL inside a text is kept.
struct BlobField {
  const char* bytes;
  std::size_t size;
  template <class Reader>
  operator Reader() const {  // NOLINT: implicit by design
    using Byte = std::conditional_t < requires { Reader(bytes, size); }
    , char, std::uint8_t > ;
    return Reader(reinterpret_cast<const Byte*>(bytes), size);
  }
};

template <class Enum>
struct EnumField {
  Enum value;
  template <class Encoded>
  requires std::is_enum_v<Encoded>
  operator Encoded() const {  // NOLINT: implicit by design
    return static_cast<Encoded>(value);
  }
};

template <class T>
concept Number = std::is_arithmetic_v<T>;
template <class T>
concept Enumeration = std::is_enum_v<T>;

// What a setter takes. Structs and lists have none: they are begun with init, then filled.
template <Number T>
T plain(T value) {
  return value;
}
template <Enumeration T>
EnumField<T> plain(T value) {
  return {value};
}
inline BlobField plain(const std::string& text) { return {text.data(), text.size()}; }
inline BlobField plain(ByteView bytes) { return {as_text(bytes).data(), bytes.size()}; }
inline BlobField plain(const ActionId& action) { return plain(ByteView(action.bytes)); }

template <class T>
concept Plain = requires(const T& value) {
  plain(value);
};

template <class T, class Builder, class Set, class Init>
void put(const T& value, Builder& at, Set set, Init init) {
  if constexpr (Plain<T>) {
    set(at, plain(value));
  } else {
    write(value, init(at));
  }
}

template <class T, class Builder, class Set, class Init>
requires(!Plain<std::vector<T>>) void put(const std::vector<T>& values, Builder& at, Set,
                                          Init init) {
  auto list = init(at, static_cast<std::uint32_t>(values.size()));
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if constexpr (Plain<T>) {
      list.set(i, plain(values[i]));
    } else {
      write(values[i], list[i]);
    }
  }
}

// --- reading a field -----------------------------------------------------------------------------

template <Number T>
void take(T& value, T from, Problem&) {
  value = from;
}

template <Enumeration T, class Encoded>
void take(T& value, const Encoded& from, Problem& problem) {
  const auto number = static_cast<std::uint16_t>(from);
  if (number > static_cast<std::uint16_t>(kLast<T>)) {
    return problem.report(ErrorCode::kNotFound,
                          "a fact uses a word that this program does not know: upgrade it");
  }
  value = static_cast<T>(number);
}

template <class Text>
void take(std::string& value, const Text& from, Problem&) {
  value.assign(from.begin(), from.end());
}

template <class Data>
void take(Bytes& value, const Data& from, Problem&) {
  value.assign(from.begin(), from.end());
}

template <std::size_t kSize, class Data>
void take(std::array<std::uint8_t, kSize>& value, const Data& from, Problem& problem) {
  if (from.size() != kSize) {
    return problem.report(ErrorCode::kInvalid, "a hash, key or action id of the wrong length");
  }
  std::copy(from.begin(), from.end(), value.begin());
}

template <class Data>
void take(ActionId& value, const Data& from, Problem& problem) {
  take(value.bytes, from, problem);
}

template <class T, class Reader>
void take(T& value, const Reader& from, Problem& problem) {
  fields(Reading<Reader>{from, problem}, value);
}

template <class T, class List>
requires(!std::same_as<T, std::uint8_t>) void take(std::vector<T>& values, const List& from,
                                                   Problem& problem) {
  values.resize(from.size());
  for (std::uint32_t i = 0; i < from.size(); ++i) take(values[i], from[i], problem);
}

}  // namespace keytrail::codec

#define FIELDS(Struct) \
  template <class Io>  \
  void fields(Io io, typename Io::template Of<Struct>& event)

#define FIELD(member, Name)                                                     \
  if constexpr (Io::kWriting) {                                                 \
    ::keytrail::codec::put(                                                     \
        event.member, io.at, [](auto& at, auto value) { at.set##Name(value); }, \
        [](auto& at, auto... size) { return at.init##Name(size...); });         \
  } else {                                                                      \
    ::keytrail::codec::take(event.member, io.at.get##Name(), io.problem);       \
  }                                                                             \
  static_assert(true)

// In a reader's switch over a union's arms: a new arm does not compile until it has its line.
#define EVENT_ARM(ARM, Name) \
  case Arm::ARM:             \
    return codec::read<Name>(from.get##Name(), problem)

namespace keytrail {

FIELDS(KeyId) {
  FIELD(provider, Provider);
  FIELD(id, Id);
}
FIELDS(Origin) {
  FIELD(address, Address);
  FIELD(certificate_fingerprint, CertificateFingerprint);
  FIELD(session, Session);
}

}  // namespace keytrail
