#include "kms/crypto/key_wrap.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace keytrail::crypto {
namespace {

KeyWrap form_of(const test::Vector& vector) {
  return vector.text("form") == "rfc3394" ? KeyWrap::kRfc3394 : KeyWrap::kRfc5649;
}

TEST(KeyWrapTest, WrapsAndUnwrapsTheVectorsOfBothRfcs) {
  for (const test::Vector& vector : test::read_vectors("crypto/key_wrap.txt")) {
    SCOPED_TRACE(vector.text("vector"));
    const auto wrapped = wrap_key(form_of(vector), vector.secret("kek"), vector.secret("key"));
    ASSERT_TRUE(wrapped.ok());
    EXPECT_EQ(to_hex(*wrapped), vector.text("wrapped"));
    const auto key = unwrap_key(form_of(vector), vector.secret("kek"), vector.bytes("wrapped"));
    ASSERT_TRUE(key.ok());
    EXPECT_TRUE(key->equals(vector.bytes("key")));
  }
}

TEST(KeyWrapTest, DoesNotUnwrapWithAnyByteChanged) {
  for (const test::Vector& vector : test::read_vectors("crypto/key_wrap.txt")) {
    Bytes wrapped = vector.bytes("wrapped");
    for (std::uint8_t& byte : wrapped) {
      byte ^= 0x40;
      EXPECT_EQ(unwrap_key(form_of(vector), vector.secret("kek"), wrapped).error().code,
                ErrorCode::kCorrupt);
      byte ^= 0x40;
    }
  }
}

TEST(KeyWrapTest, RefusesLengthsThatTheFormDoesNotHave) {
  const SecretBytes kek(32);
  for (const std::size_t size : {0UL, 7UL, 8UL, 17UL}) {
    EXPECT_EQ(wrap_key(KeyWrap::kRfc3394, kek, SecretBytes(size)).error().code,
              ErrorCode::kInvalid);
  }
  EXPECT_FALSE(wrap_key(KeyWrap::kRfc5649, kek, SecretBytes(0)).ok());
  EXPECT_TRUE(wrap_key(KeyWrap::kRfc5649, kek, SecretBytes(1)).ok());
  EXPECT_FALSE(wrap_key(KeyWrap::kRfc5649, kek, SecretBytes(kWrappedKeyBytesMax)).ok());
  EXPECT_FALSE(wrap_key(KeyWrap::kRfc5649, SecretBytes(20), SecretBytes(16)).ok());
  EXPECT_FALSE(unwrap_key(KeyWrap::kRfc3394, SecretBytes(20), Bytes(24)).ok());
  for (const std::size_t size : {0UL, 8UL, 16UL, 23UL, 25UL}) {
    EXPECT_FALSE(unwrap_key(KeyWrap::kRfc3394, kek, Bytes(size)).ok());
    EXPECT_FALSE(unwrap_key(KeyWrap::kRfc5649, kek, Bytes(size)).ok());
  }
}

}  // namespace
}  // namespace keytrail::crypto
