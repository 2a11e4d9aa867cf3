// SHA-256, HMAC, HKDF, scrypt, the AEADs and Ed25519 against published vectors.
#include <gtest/gtest.h>

#include <thread>

#include "bus/secret/aead.h"
#include "bus/secret/ed25519.h"
#include "bus/secret/kdf.h"
#include "bus/secret/sha256.h"

namespace keytrail {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }
SecretBytes secret(ByteView bytes) { return SecretBytes::copy_of(bytes); }
std::string hex_of(const SecretBytes& bytes) { return to_hex(bytes.read(SecretAccess{})); }

Bytes range(std::uint8_t first, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = first++;
  return bytes;
}

TEST(Sha256Test, FollowsFips180) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(ByteView())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256({as_bytes("a"), {}, as_bytes("bc")}), sha256(as_bytes("abc")));
}

TEST(Sha256Test, StreamsAndStartsAfresh) {
  Sha256 hasher;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i) hasher.update(Bytes(1000, 'a'));
    EXPECT_EQ(to_hex(hasher.finish()),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(HmacTest, FollowsRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(secret(as_bytes("Jefe")),
                               {as_bytes("what do ya want "), as_bytes("for nothing?")})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_of(hmac_sha256_secret(
                secret(Bytes(131, 0xaa)),
                {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacTest, IsTheSameOnEachThread) {
  const Hash expected = hmac_sha256(secret(Bytes(32, 1)), {as_bytes("x")});
  Hash other{};
  std::thread([&] { other = hmac_sha256(secret(Bytes(32, 1)), {as_bytes("x")}); }).join();
  EXPECT_EQ(other, expected);
}

TEST(HmacDeathTest, AbortsOnAnEmptyKey) {
  EXPECT_DEATH((void)hmac_sha256(SecretBytes(), {}), "empty");
}

TEST(HkdfTest, FollowsRfc5869) {
  const SecretBytes input = secret(Bytes(22, 0x0b));
  EXPECT_EQ(hex_of(hkdf(input, range(0, 13), as_text(range(0xf0, 10)), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(
      hex_of(hkdf(secret(range(0, 80)), range(0x60, 80), as_text(range(0xb0, 80)), 82)),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
      "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(hex_of(hkdf(input, {}, "", 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// No RFC vector has this cost; computed with Python's hashlib.
TEST(ScryptTest, HasItsFixedCost) {
  EXPECT_EQ(hex_of(scrypt(secret(as_bytes("pleaseletmein")), as_bytes("SodiumChloride")).value()),
            "2f10fcda14532d6543334cd899776407ff0ae879c370372de5b4e39d4d2d21ed");
}

struct AeadVector {
  Aead algorithm;
  std::size_t key_bytes;
  const char* sealed;
};

// NIST's GCM test cases 4 and 16, and ChaCha20-Poly1305 over the same input.
class AeadTest : public testing::TestWithParam<AeadVector> {
 protected:
  SecretBytes key_ =
      secret(ByteView(hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
                 .first(GetParam().key_bytes));
  AeadNonce nonce_ = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
  Bytes associated_ = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  Bytes plaintext_ =
      hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
          "49a6b525b16aedf5"
          "aa0de657ba637b39");
};

TEST_P(AeadTest, SealsAndOpensItsVector) {
  const Bytes sealed =
      aead_seal(key_, nonce_, associated_, secret(plaintext_), GetParam().algorithm);
  EXPECT_EQ(to_hex(sealed), GetParam().sealed);
  const auto opened = aead_open(key_, nonce_, associated_, sealed, GetParam().algorithm);
  EXPECT_TRUE(opened.value().equals(plaintext_));
}

TEST_P(AeadTest, SealsManyMessagesUnderOneKey) {
  AeadCipher cipher(GetParam().algorithm, key_);
  for (std::uint8_t number = 0; number < 4; ++number) {
    nonce_[0] = number;
    Bytes data = plaintext_;
    std::array<std::uint8_t, kAeadTagBytes> tag;
    cipher.seal(nonce_, associated_, data, tag);
    Bytes whole = data;
    whole.insert(whole.end(), tag.begin(), tag.end());
    EXPECT_EQ(whole,
              aead_seal(key_, nonce_, associated_, secret(plaintext_), GetParam().algorithm));
    EXPECT_TRUE(cipher.open(nonce_, associated_, data, tag));
    EXPECT_EQ(data, plaintext_);
  }
}

TEST_P(AeadTest, OpensNothingThatWasAltered) {
  const Bytes sealed = hex(GetParam().sealed);
  const auto opens = [&](ByteView bytes, ByteView associated, const AeadNonce& nonce) {
    return aead_open(key_, nonce, associated, bytes, GetParam().algorithm).ok();
  };
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(opens(changed, associated_, nonce_)) << i;
    EXPECT_FALSE(opens(ByteView(sealed).first(i), associated_, nonce_)) << i;
  }
  EXPECT_FALSE(opens(sealed, {}, nonce_));
  EXPECT_FALSE(opens(sealed, associated_, {}));
  EXPECT_TRUE(opens(sealed, associated_, nonce_));
}

TEST_P(AeadTest, WipesWhatDidNotOpen) {
  Bytes data = hex(GetParam().sealed);
  data.resize(plaintext_.size());
  const std::array<std::uint8_t, kAeadTagBytes> wrong_tag{};
  EXPECT_FALSE(AeadCipher(GetParam().algorithm, key_).open(nonce_, associated_, data, wrong_tag));
  EXPECT_EQ(data, Bytes(plaintext_.size()));
}

TEST_P(AeadTest, SealsAnEmptyMessage) {
  const Bytes sealed = aead_seal(key_, nonce_, {}, SecretBytes(), GetParam().algorithm);
  EXPECT_EQ(sealed.size(), kAeadTagBytes);
  EXPECT_TRUE(aead_open(key_, nonce_, {}, sealed, GetParam().algorithm).value().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, AeadTest,
    testing::Values(
        AeadVector{
            Aead::kAes128Gcm, 16,
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c"
            "7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
        AeadVector{
            Aead::kAes256Gcm, 32,
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3d"
            "a7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
        AeadVector{
            Aead::kChaCha20Poly1305, 32,
            "6834e787fe25a598328b7ac40c469ea40659e712826ba404c453a1559c1eedae8468004da4b2616a"
            "9198e9a6f91b7bea87ce25ff0d9b4bafa2de6df7bdb102e78896bad3810acd501d8ccf1e"}));

// RFC 8032, section 7.1, TEST 2.
TEST(Ed25519Test, SignsAsTheStandardSays) {
  const SecretBytes seed = SecretBytes::copy_of(
      from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value());
  EXPECT_EQ(to_hex(ed25519_public_key(seed)),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message{0x72};
  const Bytes signature = ed25519_sign(seed, message);
  EXPECT_EQ(to_hex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(ed25519_verify(ed25519_public_key(seed), message, signature));
  EXPECT_FALSE(ed25519_verify(ed25519_public_key(seed), Bytes{0x73}, signature));
  EXPECT_FALSE(ed25519_verify(Bytes(31), message, signature));
}

}  // namespace
}  // namespace keytrail
