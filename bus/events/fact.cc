#include "bus/events/fact.h"

#include <algorithm>

#include "bus/secret/sha256.h"

namespace keytrail {
namespace {

constexpr std::size_t kInstanceBytesMax = 21;
constexpr std::size_t kAuthorOffset = 6 * sizeof(std::uint64_t);  // behind six numbers
constexpr std::size_t kPreviousOffset = kAuthorOffset + kAuthorBytes;
static_assert(kPreviousOffset + std::tuple_size_v<Hash> == kStampBytes);

void put_u64(std::uint8_t*& at, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) *at++ = static_cast<std::uint8_t>(value >> shift);
}

std::uint64_t take_u64(const std::uint8_t*& at) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 8) value |= static_cast<std::uint64_t>(*at++) << shift;
  return value;
}

// "part/instance", instances [a-z0-9-]{1,21}.
bool is_author(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  const std::string_view instance = text.substr(slash + 1);
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_letter = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(slash), is_lower) &&
         !instance.empty() && instance.size() <= kInstanceBytesMax &&
         std::all_of(instance.begin(), instance.end(), is_letter);
}

// The struct's own name, so that none can be misspelt: the compiler puts it at the end of this
// function's.
template <class T>
constexpr std::string_view name_of() {
  constexpr std::string_view kWhole =
      __PRETTY_FUNCTION__;  // "… [with T = keytrail::kms::KeyReleased; …]"
  constexpr std::size_t kBegin = kWhole.find("T = ") + 4;
  constexpr std::size_t kEnd = kWhole.find_first_of(";]", kBegin);
  constexpr std::string_view kQualified = kWhole.substr(kBegin, kEnd - kBegin);
  return kQualified.substr(kQualified.rfind(':') + 1);
}

template <class Visitor>
auto visit_event(const Event& event, Visitor visitor) {
  return std::visit([&](const auto& of_part) { return std::visit(visitor, of_part); }, event);
}

}  // namespace

Effect effect_of(const Event& event) {
  return visit_event(event, [](const auto& e) { return std::decay_t<decltype(e)>::kEffect; });
}

std::string_view type_of(const Event& event) {
  return visit_event(event, [](const auto& e) { return name_of<std::decay_t<decltype(e)>>(); });
}

std::string_view part_of(const Event& event) {
  constexpr std::array<std::string_view, std::variant_size_v<Event>> kParts = {
      "part", "eventstore", "kms", "vcenter", "esxi"};
  return kParts[event.index()];
}

std::array<std::uint8_t, kStampBytes> encode_stamp(const Stamp& stamp) {
  KEYTRAIL_CHECK(stamp.author.size() <= kAuthorBytes);
  std::array<std::uint8_t, kStampBytes> bytes{};
  std::uint8_t* at = bytes.data();
  put_u64(at, stamp.position);
  put_u64(at, stamp.time);
  put_u64(at, stamp.author_epoch);
  put_u64(at, stamp.request);
  put_u64(at, stamp.version);
  put_u64(at, stamp.previous_in_stream);
  std::copy(stamp.author.begin(), stamp.author.end(), at);  // The rest stays zero.
  at += kAuthorBytes;
  std::copy(stamp.previous.begin(), stamp.previous.end(), at);
  return bytes;
}

Result<Stamp> decode_stamp(ByteView bytes) {
  if (bytes.size() != kStampBytes) {
    return Error{ErrorCode::kInvalid,
                 "a stamp has 112 bytes, this one " + std::to_string(bytes.size())};
  }
  Stamp stamp;
  const std::uint8_t* at = bytes.data();
  stamp.position = take_u64(at);
  stamp.time = take_u64(at);
  stamp.author_epoch = take_u64(at);
  stamp.request = take_u64(at);
  stamp.version = take_u64(at);
  stamp.previous_in_stream = take_u64(at);
  const std::string_view padded = as_text({at, kAuthorBytes});
  stamp.author = padded.substr(0, padded.find('\0'));
  if (padded.find_first_not_of('\0', stamp.author.size()) != std::string_view::npos ||
      !is_author(stamp.author)) {
    return Error{ErrorCode::kInvalid, "a stamp whose author is no part/instance"};
  }
  at += kAuthorBytes;
  std::copy_n(at, stamp.previous.size(), stamp.previous.begin());
  return stamp;
}

Position position_of(ByteView stamp) {
  const std::uint8_t* at = stamp.first(sizeof(Position)).data();
  return take_u64(at);
}

std::string_view author_of(ByteView stamp) {
  const std::string_view padded = as_text(stamp.subspan(kAuthorOffset, kAuthorBytes));
  return padded.substr(0, padded.find('\0'));
}

Hash previous_of(ByteView stamp) {
  Hash previous{};
  std::ranges::copy(stamp.subspan(kPreviousOffset, previous.size()), previous.begin());
  return previous;
}

Hash leaf_of(ByteView stamp, ByteView body) {
  constexpr std::array<std::uint8_t, 1> kLeafPrefix = {0};
  return sha256({kLeafPrefix, stamp, body});
}

Hash genesis_of(ByteView log_id) { return sha256({as_bytes("keytrail/log/1"), log_id}); }

std::string stream_piece(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string piece;
  piece.reserve(text.size());
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-') {
      piece.push_back(c);
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      piece += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return piece;
}

std::string stream_name(std::initializer_list<std::string_view> pieces) {
  std::string name;
  for (const std::string_view piece : pieces) {
    if (!name.empty()) name.push_back('/');
    name += stream_piece(piece);
  }
  return name;
}

}  // namespace keytrail
