#include "bus/proof/tlog_proof.h"

#include <gtest/gtest.h>

#include "bus/proof/checkpoint.h"
#include "bus/secret/random.h"
#include "bus/secret/sha256.h"
#include "tests/bus/proof/tree.h"

namespace keytrail::proof {
namespace {

class TlogProofTest : public testing::Test {
 protected:
  TlogProofTest() {
    // A tree of three: the entry and a leaf at each side of it.
    const std::uint8_t prefix = 0;
    const Hash leaf = sha256({ByteView(&prefix, 1), entry_});
    const Tree tree(2);
    MerkleRange range;
    for (const Hash& hash : {tree.leaf(0), leaf, tree.leaf(1)}) range.append(hash);
    const Checkpoint checkpoint{
        .log_id = {7}, .generation = 1, .size = range.size(), .root = range.root()};
    proof_ = {.entry = entry_,
              .index = 1,
              .path = {tree.leaf(0), tree.leaf(1)},
              .checkpoint = sign_checkpoint(checkpoint, OsRandom().secret(32))};
  }

  const Bytes entry_{1, 2, 3};
  TlogProof proof_;
};

TEST_F(TlogProofTest, IsWrittenInTheFormOfItsSpecificationAndReadBack) {
  const std::string text = format_proof(proof_);
  EXPECT_TRUE(text.starts_with("c2sp.org/tlog-proof@v1\nextra AQID\nindex 1\n")) << text;
  EXPECT_EQ(parse_proof(text).value(), proof_);
  EXPECT_TRUE(check_entry(proof_).ok());
}

TEST_F(TlogProofTest, AnythingAlteredDoesNotHold) {
  TlogProof altered = proof_;
  altered.entry[0] ^= 1;
  EXPECT_EQ(check_entry(altered).error().code, ErrorCode::kCorrupt);
  altered = proof_;
  altered.index = 2;
  EXPECT_FALSE(check_entry(altered).ok());
  altered = proof_;
  altered.path[1][31] ^= 1;
  EXPECT_FALSE(check_entry(altered).ok());
  altered = proof_;
  altered.checkpoint.replace(altered.checkpoint.find("\n3\n"), 3, "\n9\n");
  EXPECT_FALSE(check_entry(altered).ok());
}

TEST_F(TlogProofTest, EveryCutIsRefusedNeverACrash) {
  const std::string text = format_proof(proof_);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto parsed = parse_proof(std::string_view(text).substr(0, size));
    EXPECT_FALSE(parsed.ok() && check_entry(*parsed).ok()) << size;
  }
  for (const char* bad : {"", "c2sp.org/tlog-proof@v1\nindex 1\n\nx", "c2sp.org/tlog-proof@v2\n",
                          "c2sp.org/tlog-proof@v1\nextra AQID\nindex 01\n\nx",
                          "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nx"}) {
    EXPECT_FALSE(parse_proof(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keytrail::proof
