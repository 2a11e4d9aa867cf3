#include "kms/crypto/envelope.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace keytrail::crypto {
namespace {

constexpr std::string_view kKeyInfo = "vmware:key/fqid/<VMWARE-NULL>/prod/key%2d1";

SecretBytes key(std::uint8_t first) {
  SecretBytes bytes(32);
  for (std::uint8_t& byte : bytes.write(SecretAccess{})) byte = first++;
  return bytes;
}
SecretBytes content(std::size_t size) {
  SecretBytes bytes(size);
  std::uint8_t next = 0;
  for (std::uint8_t& byte : bytes.write(SecretAccess{})) byte = next++;
  return bytes;
}
constexpr AeadNonce kNonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// Composed outside of this code, after the public description of ESXi's files.
TEST(EnvelopeTest, HasTheFormOfEsxisEnvelopes) {
  std::ifstream file(KEYTRAIL_SOURCE_DIR "/tests/golden/crypto/envelope_v2.bin", std::ios::binary);
  const Bytes golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(envelope_key_info(golden).value(), kKeyInfo);
  EXPECT_TRUE(open_envelope(key(0), golden).value().equals(content(1000)));
  EXPECT_TRUE(seal_envelope(key(0), kKeyInfo, kNonce, content(1000)) == golden);
}

TEST(EnvelopeTest, KeepsContentOfAnySize) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 1'000'000U}) {
    const Bytes sealed = seal_envelope(key(0), "k", kNonce, content(size));
    EXPECT_EQ(sealed.size() % 4096, 0U);
    EXPECT_TRUE(open_envelope(key(0), sealed).value().equals(content(size))) << size;
  }
}

TEST(EnvelopeTest, TellsAnotherKeyFromDamage) {
  const Bytes sealed = seal_envelope(key(0), kKeyInfo, kNonce, content(100));
  EXPECT_EQ(open_envelope(key(1), sealed).error().code, ErrorCode::kRefused);
  for (std::size_t at = 0; at < 2 * 4096; at += 5) {
    Bytes damaged = sealed;
    damaged[at] ^= 0x20;
    EXPECT_FALSE(open_envelope(key(0), damaged).ok()) << at;
  }
  for (const std::size_t in_footer : {0U, 32U, 47U, 4088U, 4092U}) {
    Bytes damaged = sealed;
    damaged[damaged.size() - 4096 + in_footer] ^= 1;
    EXPECT_EQ(open_envelope(key(0), damaged).error().code, ErrorCode::kCorrupt) << in_footer;
  }
}

TEST(EnvelopeTest, RefusesWhatIsNoEnvelope) {
  const Bytes sealed = seal_envelope(key(0), kKeyInfo, kNonce, content(100));
  for (const std::size_t size : {0U, 1U, 4096U, 8192U, 12287U}) {
    EXPECT_EQ(envelope_key_info(ByteView(sealed).first(size)).error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(envelope_key_info(Bytes(3 * 4096)).ok());
  // Attributes that do not end, or that claim to be longer than the header.
  Bytes hostile = sealed;
  std::fill(hostile.begin() + 512, hostile.begin() + 4096, std::uint8_t{0xb});
  EXPECT_FALSE(envelope_key_info(hostile).ok());
  std::fill(hostile.begin() + 512, hostile.begin() + 4096, std::uint8_t{0xff});
  EXPECT_FALSE(envelope_key_info(hostile).ok());
  hostile = sealed;
  hostile[512] = 0xc;
  EXPECT_FALSE(envelope_key_info(hostile).ok());
}

}  // namespace
}  // namespace keytrail::crypto
