#include "eventstore/order/stream_table.h"

#include <bit>
#include <cstring>

namespace keytrail::eventstore {
namespace {

std::uint64_t load_u64(const std::uint8_t* from) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  static_assert(std::endian::native == std::endian::little);
  return value;
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  [[nodiscard]] std::uint64_t fold() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

std::array<std::uint64_t, 2> siphash128(const TableKey& key, std::string_view text) {
  const std::uint64_t k0 = load_u64(key.data());
  const std::uint64_t k1 = load_u64(key.data() + 8);
  SipState state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261,
                 k1 ^ 0x7465646279746573};
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) state.take(load_u64(at));
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) last |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  state.take(last);
  state.v2 ^= 0xee;
  state.rounds(4);
  const std::uint64_t first = state.fold();
  state.v1 ^= 0xdd;
  state.rounds(4);
  return {first, state.fold()};
}

StreamState StreamTable::find(std::string_view stream) const {
  const auto at = streams_.find(siphash128(key_, stream));
  return at == streams_.end() ? StreamState{} : at->second;
}

StreamState& StreamTable::at(std::string_view stream) { return streams_[siphash128(key_, stream)]; }

}  // namespace keytrail::eventstore
