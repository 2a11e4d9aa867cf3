#include "kms/crypto/fingerprint.h"

#include <gtest/gtest.h>

namespace keytrail::crypto {
namespace {

SecretBytes counting(std::uint8_t first, std::size_t size) {
  SecretBytes key(size);
  for (std::uint8_t& byte : key.write(SecretAccess{})) byte = first++;
  return key;
}

TEST(FingerprintTest, IsTheBeginningOfAnHmacUnderTheKeyItself) {
  EXPECT_EQ(to_hex(key_fingerprint(counting(0, 32), "key-1")), "c365290fb2582bba1d9fbf368a038cad");
  const SecretBytes uuid = counting(0, 16);
  EXPECT_EQ(to_hex(dek_fingerprint(counting(64, 64), uuid.read(SecretAccess{}))),
            "3b00d7bfd5a3dcd0d3a3fb0a5527788d");
}

TEST(FingerprintTest, DiffersForTheSameKeyUnderAnotherId) {
  EXPECT_NE(key_fingerprint(counting(0, 32), "key-1"), key_fingerprint(counting(0, 32), "key-2"));
}

TEST(FingerprintDeathTest, IsNeverTakenOfAShortSecret) {
  EXPECT_DEATH((void)key_fingerprint(SecretBytes(15), "password"), "kKeyBytesMin");
}

}  // namespace
}  // namespace keytrail::crypto
