#include "kms/keyring/material_seal.h"

#include <gtest/gtest.h>

#include "bus/secret/sha256.h"
#include "tests/support/seeded_random.h"

namespace keytrail::keyring {
namespace {

const SealingContext kContext = {.cluster = "prod", .object = "key-1", .leaf = 0x0102030405};

Material material() {
  return {.bytes = SecretBytes::copy_of(as_bytes("the material")),
          .digest = SecretBytes::copy_of(sha256(as_bytes("the material")))};
}

class MaterialSealTest : public testing::Test {
 protected:
  SecretBytes leaf_key_ = SecretBytes::copy_of(Bytes(32, 0x11));
  AeadNonce nonce_{9};
  Bytes sealed_ = seal_material(leaf_key_, kContext, nonce_, material());
};

TEST_F(MaterialSealTest, OpensToMaterialAndDigest) {
  const auto opened = open_material(leaf_key_, kContext, sealed_);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(opened->bytes.equals(material().bytes));
  EXPECT_TRUE(opened->digest.equals(material().digest));
  EXPECT_EQ(sealed_.size(), material().bytes.size() + kSealedMaterialOverheadBytes);
}

// Composed outside of this code. The format is fixed: such bytes stand on the log for ever.
TEST_F(MaterialSealTest, HasItsFormat) {
  EXPECT_EQ(
      to_hex(sealed_),
      "010504030201000000090000000000000000000000fe0d7968e3f43934f586390360b1d99a62ab92c451e63e"
      "0e67f84468c882138c5644df75e5638d5ad4794c64ff515239e32743a5e6d9d11393649cb9");
}

TEST_F(MaterialSealTest, OpensForItsObjectClusterLeafAndKeyOnly) {
  SealingContext other = kContext;
  other.cluster = "test";
  EXPECT_FALSE(open_material(leaf_key_, other, sealed_).ok());
  other = kContext;
  other.object = "key-2";
  EXPECT_FALSE(open_material(leaf_key_, other, sealed_).ok());
  other = kContext;
  other.leaf += 1;
  EXPECT_FALSE(open_material(leaf_key_, other, sealed_).ok());
  other = {.cluster = "prodk", .object = "ey-1", .leaf = kContext.leaf};
  EXPECT_FALSE(open_material(leaf_key_, other, sealed_).ok());
  EXPECT_FALSE(open_material(test::SeededRandom(2).secret(32), kContext, sealed_).ok());
}

TEST_F(MaterialSealTest, DoesNotOpenWithAnyByteChangedOrMissing) {
  for (std::size_t i = 0; i < sealed_.size(); ++i) {
    Bytes changed = sealed_;
    changed[i] ^= 1;
    EXPECT_EQ(open_material(leaf_key_, kContext, changed).error().code, ErrorCode::kCorrupt) << i;
    EXPECT_FALSE(open_material(leaf_key_, kContext, ByteView(sealed_).first(i)).ok()) << i;
  }
}

}  // namespace
}  // namespace keytrail::keyring
