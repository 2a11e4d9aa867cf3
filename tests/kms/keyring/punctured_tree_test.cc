#include "kms/keyring/punctured_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bus/secret/sha256.h"
#include "tests/support/seeded_random.h"

namespace keytrail::keyring {
namespace {

using Leaf = PuncturedTree::Leaf;

SecretBytes root() { return test::SeededRandom(1).secret(kNodeBytes); }

SecretBytes walk(std::initializer_list<std::uint8_t> sides) {
  SecretBytes node = root();
  for (const std::uint8_t side : sides) node = hmac_sha256_secret(node, {{&side, 1}});
  return node;
}

std::string hex(const std::optional<SecretBytes>& value) {
  return value ? to_hex(value->read(SecretAccess{})) : "gone";
}

PuncturedTree reopened(const PuncturedTree& tree, unsigned depth) {
  SecretWriter writer;
  tree.encode(writer);
  const SecretBytes page = writer.finish();
  SecretReader reader(page);
  return PuncturedTree::decode(depth, reader).value();
}

TEST(PuncturedTreeTest, DerivesEachLeafByHmacFromTheMostSignificantBitOn) {
  const PuncturedTree tree(3, root());
  EXPECT_EQ(hex(tree.derive(0)), hex(walk({0, 0, 0})));
  EXPECT_EQ(hex(tree.derive(5)), hex(walk({1, 0, 1})));
  EXPECT_EQ(hex(tree.derive(6)), hex(walk({1, 1, 0})));
}

TEST(PuncturedTreeTest, GivesAPuncturedLeafOnceAndKeepsAllOthers) {
  constexpr unsigned kDepth = 6;
  const PuncturedTree whole(kDepth, root());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    test::SeededRandom random(seed);
    PuncturedTree tree(kDepth, root());
    std::set<Leaf> gone;
    while (gone.size() < 64) {
      const auto leaf = static_cast<Leaf>(random.below(64));
      EXPECT_EQ(hex(tree.puncture(leaf)), gone.contains(leaf) ? "gone" : hex(whole.derive(leaf)));
      gone.insert(leaf);
      const PuncturedTree again = reopened(tree, kDepth);
      for (Leaf other = 0; other < 64; ++other) {
        const std::string expected = gone.contains(other) ? "gone" : hex(whole.derive(other));
        ASSERT_EQ(hex(tree.derive(other)), expected);
        ASSERT_EQ(hex(again.derive(other)), expected);
      }
    }
    EXPECT_TRUE(tree.empty());
  }
}

TEST(PuncturedTreeTest, KeepsNoNodeFromWhichAPuncturedLeafFollows) {
  PuncturedTree tree(3, root());
  (void)tree.puncture(5);
  EXPECT_EQ(tree.node_count(), 3U);
  SecretWriter writer;
  tree.encode(writer);
  const std::string page = to_hex(writer.finish().read(SecretAccess{}));
  for (const auto& covers_five : {walk({}), walk({1}), walk({1, 0}), walk({1, 0, 1})}) {
    EXPECT_EQ(page.find(to_hex(covers_five.read(SecretAccess{}))), std::string::npos);
  }
  for (const auto& other : {walk({0}), walk({1, 1}), walk({1, 0, 0})}) {
    EXPECT_NE(page.find(to_hex(other.read(SecretAccess{}))), std::string::npos);
  }
}

TEST(PuncturedTreeTest, NeedsAtMostHalfItsLeavesAsNodes) {
  PuncturedTree tree(12, root());
  for (Leaf leaf = 0; leaf < 4096; leaf += 2) (void)tree.puncture(leaf);
  EXPECT_EQ(tree.node_count(), 2048U);
}

TEST(PuncturedTreeTest, RefusesNodesThatDoNotFormATree) {
  struct Node {
    Leaf first;
    std::uint8_t depth;
  };
  const std::vector<std::vector<Node>> malformed = {
      {{0, 4}},          // deeper than the tree
      {{8, 3}},          // outside
      {{1, 2}},          // not at a multiple of its size
      {{0, 1}, {2, 2}},  // overlapping
      {{4, 3}, {0, 3}},  // out of order
      {{0, 3}, {0, 3}},  // twice
  };
  for (const auto& nodes : malformed) {
    SecretWriter writer;
    writer.u32(static_cast<std::uint32_t>(nodes.size()));
    for (const Node& node : nodes) {
      writer.u32(node.first);
      writer.u8(node.depth);
      writer.raw(root());
    }
    const SecretBytes page = writer.finish();
    SecretReader reader(page);
    EXPECT_FALSE(PuncturedTree::decode(3, reader).ok()) << nodes[0].first;
  }
  SecretWriter writer;
  writer.u32(0xffffffff);
  const SecretBytes page = writer.finish();
  SecretReader reader(page);
  EXPECT_EQ(PuncturedTree::decode(3, reader).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail::keyring
