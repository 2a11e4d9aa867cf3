#include "eventstore/order/stream_table.h"

#include <gtest/gtest.h>

#include <string>

#include "bus/secret/bytes.h"

namespace keytrail::eventstore {
namespace {

std::string hex_of(std::array<std::uint64_t, 2> hash) {
  Bytes bytes;
  for (const std::uint64_t half : hash) {
    for (int shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(half >> shift));
    }
  }
  return to_hex(bytes);
}

// Made with OpenSSL 3.0's SIPHASH, size 16, key 00 01 … 0f, input 00 01 02 … of each length.
TEST(SipHashTest, AgreesWithAnotherImplementation) {
  TableKey key{};
  std::string input;
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  for (char i = 0; i < 64; ++i) input.push_back(i);
  EXPECT_EQ(hex_of(siphash128(key, input.substr(0, 0))), "a3817f04ba25a8e66df67214c7550293");
  EXPECT_EQ(hex_of(siphash128(key, input.substr(0, 7))), "a1f1ebbed8dbc153c0b84aa61ff08239");
  EXPECT_EQ(hex_of(siphash128(key, input.substr(0, 8))), "3b62a9ba6258f5610f83e264f31497b4");
  EXPECT_EQ(hex_of(siphash128(key, input.substr(0, 63))), "5150d1772f50834a503e069a973fbd7c");
}

TEST(StreamTableTest, StreamsAreApartAndAbsentOnesAreZero) {
  StreamTable table(TableKey{1, 2, 3});
  EXPECT_EQ(table.find("kms/c/object/a"), StreamState{});
  table.at("kms/c/object/a") = {3, 17, 12};
  table.at("kms/c/object/b") = {1, 18, 18};
  EXPECT_EQ(table.find("kms/c/object/a"), (StreamState{3, 17, 12}));
  EXPECT_EQ(table.find("kms/c/object/c"), StreamState{});
  EXPECT_EQ(table.size(), 2U);
}

TEST(StreamTableTest, AnotherKeyIsAnotherHash) {
  EXPECT_NE(siphash128(TableKey{1}, "kms/c/object/a"), siphash128(TableKey{2}, "kms/c/object/a"));
}

}  // namespace
}  // namespace keytrail::eventstore
