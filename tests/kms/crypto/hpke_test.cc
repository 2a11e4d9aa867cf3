#include "kms/crypto/hpke.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kms/crypto/key_push.h"
#include "tests/support/vectors.h"

namespace keytrail::crypto {
namespace {

Aead aead_of(const test::Vector& vector) {
  const std::string& name = vector.text("aead");
  if (name == "aes-128-gcm") return Aead::kAes128Gcm;
  if (name == "chacha20-poly1305") return Aead::kChaCha20Poly1305;
  EXPECT_EQ(name, "aes-256-gcm");
  return Aead::kAes256Gcm;
}

SecretBytes seed(std::uint8_t fill) {
  SecretBytes bytes(32);
  std::ranges::fill(bytes.write(SecretAccess{}), fill);
  return bytes;
}

class HpkeVectorTest : public testing::TestWithParam<const char*> {};

TEST_P(HpkeVectorTest, SealsAndOpensAsOthersDo) {
  for (const test::Vector& vector : test::read_vectors(GetParam())) {
    SCOPED_TRACE(vector.text("vector"));
    const X25519KeyPair recipient = derive_key_pair(vector.secret("ikmR"));
    EXPECT_EQ(to_hex(recipient.public_key), vector.text("pkRm"));
    if (vector.has("skRm")) {
      EXPECT_TRUE(recipient.secret.equals(vector.bytes("skRm")));
    }

    const auto sealed = hpke_seal(recipient.public_key, vector.bytes("info"), vector.bytes("aad"),
                                  vector.secret("pt"), vector.secret("ikmE"), aead_of(vector));
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(to_hex(sealed->encapsulated), vector.text("pkEm"));
    EXPECT_EQ(to_hex(sealed->ciphertext), vector.text("ct"));

    const auto opened =
        hpke_open(recipient, vector.bytes("info"), vector.bytes("aad"), *sealed, aead_of(vector));
    ASSERT_TRUE(opened.ok());
    EXPECT_TRUE(opened->equals(vector.bytes("pt")));
  }
}

INSTANTIATE_TEST_SUITE_P(Rfc9180, HpkeVectorTest, testing::Values("crypto/hpke_rfc9180.txt"));
INSTANTIATE_TEST_SUITE_P(NpmHpkeCore, HpkeVectorTest,
                         testing::Values("crypto/hpke_aes_256_gcm.txt"));

TEST(HpkeTest, OpensForItsRecipientInfoAndAssociatedDataOnly) {
  const X25519KeyPair recipient = derive_key_pair(seed(1));
  const HpkeSealed sealed =
      hpke_seal(recipient.public_key, as_bytes("info"), as_bytes("aad"), seed(7), seed(2)).value();
  EXPECT_TRUE(hpke_open(recipient, as_bytes("info"), as_bytes("aad"), sealed).ok());

  EXPECT_FALSE(hpke_open(derive_key_pair(seed(3)), as_bytes("info"), as_bytes("aad"), sealed).ok());
  EXPECT_FALSE(hpke_open(recipient, as_bytes("infq"), as_bytes("aad"), sealed).ok());
  EXPECT_FALSE(hpke_open(recipient, as_bytes("info"), as_bytes("aae"), sealed).ok());
  for (std::size_t i = 0; i < sealed.ciphertext.size(); ++i) {
    HpkeSealed changed = sealed;
    changed.ciphertext[i] ^= 1;
    EXPECT_EQ(hpke_open(recipient, as_bytes("info"), as_bytes("aad"), changed).error().code,
              ErrorCode::kCorrupt);
  }
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_FALSE(
        hpke_open(recipient, as_bytes("info"), as_bytes("aad"), {sealed.encapsulated, Bytes(size)})
            .ok());
  }
}

TEST(HpkeTest, RefusesPublicKeysOfSmallOrder) {
  X25519PublicKey one{};
  one[0] = 1;
  const X25519KeyPair recipient = derive_key_pair(seed(1));
  for (const X25519PublicKey& small : {X25519PublicKey{}, one}) {
    EXPECT_EQ(hpke_seal(small, {}, {}, seed(7), seed(2)).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(hpke_open(recipient, {}, {}, {small, Bytes(48)}).error().code, ErrorCode::kCorrupt);
  }
}

TEST(KeyPushTest, OpensForItsOwnPurposeOnly) {
  const X25519KeyPair host = derive_key_pair(seed(1));
  const KeyPushPurpose purpose = {.host = "host-1",
                                  .boot = Bytes(16, 1),
                                  .nonce = Bytes(32, 2),
                                  .provider = "prod",
                                  .key_id = "key-1"};
  const HpkeSealed sealed = seal_key_push(host.public_key, purpose, seed(7), seed(2)).value();
  EXPECT_TRUE(open_key_push(host, purpose, sealed).value().equals(seed(7)));

  std::vector<KeyPushPurpose> others(6, purpose);
  others[0].host = "host-2";
  others[1].boot[0] ^= 1;
  others[2].nonce[0] ^= 1;
  others[3].provider = "test";
  others[4].key_id = "key-2";
  others[5].provider = "prodk";  // The same bytes, cut elsewhere.
  others[5].key_id = "ey-1";
  for (const KeyPushPurpose& other : others) {
    EXPECT_EQ(open_key_push(host, other, sealed).error().code, ErrorCode::kCorrupt);
  }
}

TEST(KeyPushTest, RefusesAFieldThatItsLengthCannotSay) {
  const X25519KeyPair host = derive_key_pair(seed(1));
  KeyPushPurpose purpose;
  purpose.host = std::string(65536, 'h');
  const auto sealed = seal_key_push(host.public_key, purpose, seed(7), seed(2));
  EXPECT_EQ(sealed.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace keytrail::crypto
