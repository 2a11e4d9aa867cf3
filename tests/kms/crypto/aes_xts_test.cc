#include "kms/crypto/aes_xts.h"

#include <gtest/gtest.h>

#include "bus/secret/sha256.h"
#include "tests/support/vectors.h"

namespace keytrail::crypto {
namespace {

using Direction = AesXts::Direction;

SecretBytes counting_key() {
  SecretBytes key(kXtsKeyBytes);
  std::uint8_t next = 0;
  for (std::uint8_t& byte : key.write(SecretAccess{})) byte = next++;
  return key;
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}

TEST(AesXtsTest, EncryptsAndDecryptsTheVectorsOfIeee1619) {
  for (const test::Vector& vector : test::read_vectors("crypto/xts_aes_256_ieee1619.txt")) {
    SCOPED_TRACE("vector " + vector.text("vector"));
    const std::uint64_t offset = std::stoull(vector.text("sequence"), nullptr, 16) * 512;
    Bytes sector = vector.bytes("plaintext");
    AesXts::make(vector.secret("key"), Direction::kEncrypt, 512).value().apply(offset, sector);
    EXPECT_EQ(to_hex(sector), vector.text("ciphertext"));
    AesXts::make(vector.secret("key"), Direction::kDecrypt, 512).value().apply(offset, sector);
    EXPECT_EQ(to_hex(sector), vector.text("plaintext"));
  }
}

// Composed outside of this code: the tweak counts 512-byte units whatever the sector size, as
// dm-crypt does.
TEST(AesXtsTest, CountsTheTweakInUnitsOf512BytesForEachSectorSize) {
  const struct {
    std::size_t sector_bytes;
    std::uint64_t offset;
    const char* sha256_of_ciphertext;
  } cases[] = {
      {512, 3 * 4096, "ff03d54835b20ad0b8d003ad75d8e8a15c87486a036c75b9bd426a4978f7d54e"},
      {4096, 3 * 4096, "803a0357f94aa963dce95492249a6f7a8a6b307bcdae9e2abba7d46143941b90"},
      {4096, (std::uint64_t{1} << 44) + 4096,
       "942488bb5a6855cf7b3cf748ba17a11bc93f929c3f0613c186afac82d034b277"},
  };
  for (const auto& c : cases) {
    Bytes data = pattern(8192);
    AesXts::make(counting_key(), Direction::kEncrypt, c.sector_bytes).value().apply(c.offset, data);
    EXPECT_EQ(to_hex(sha256(data)), c.sha256_of_ciphertext) << c.sector_bytes;
    AesXts::make(counting_key(), Direction::kDecrypt, c.sector_bytes).value().apply(c.offset, data);
    EXPECT_EQ(data, pattern(8192)) << c.sector_bytes;
  }
}

TEST(AesXtsTest, KeepsItsKeyOverManyCalls) {
  AesXts at_once = AesXts::make(counting_key(), Direction::kEncrypt, 4096).value();
  AesXts piecewise = AesXts::make(counting_key(), Direction::kEncrypt, 4096).value();
  Bytes expected = pattern(16 * 4096);
  Bytes data = expected;
  at_once.apply(0, expected);
  for (std::size_t i = 16; i-- > 0;) {
    piecewise.apply(i * 4096, std::span(data).subspan(i * 4096, 4096));
  }
  EXPECT_EQ(data, expected);
}

TEST(AesXtsTest, RefusesKeysAndSectorSizesThatWouldNotBeSafe) {
  EXPECT_EQ(AesXts::make(SecretBytes(32), Direction::kEncrypt, 512).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(AesXts::make(SecretBytes(64), Direction::kEncrypt, 512).error().code,
            ErrorCode::kInvalid)
      << "equal halves";
  for (const std::size_t size : {0UL, 16UL, 511UL, 513UL, 131072UL}) {
    EXPECT_FALSE(AesXts::make(counting_key(), Direction::kEncrypt, size).ok()) << size;
  }
}

TEST(AesXtsDeathTest, AbortsOnPartOfASector) {
  AesXts xts = AesXts::make(counting_key(), Direction::kEncrypt, 4096).value();
  Bytes data(4096);
  EXPECT_DEATH(xts.apply(512, data), "byte_offset");
  EXPECT_DEATH(xts.apply(0, std::span(data).first(512)), "sectors.size");
}

}  // namespace
}  // namespace keytrail::crypto
