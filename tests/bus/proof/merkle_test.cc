#include "bus/proof/merkle.h"

#include <gtest/gtest.h>

#include "bus/secret/sha256.h"
#include "tests/bus/proof/tree.h"

namespace keytrail::proof {
namespace {

Hash hash_from(const std::string& hex) {
  Hash hash{};
  const auto bytes = from_hex(hex);
  std::copy(bytes.value().begin(), bytes.value().end(), hash.begin());
  return hash;
}

// The leaf hashes of the eight entries and the roots over the first 0 to 8 of them that RFC 6962
// implementations test themselves with (certificate-transparency's merkle tests).
TEST(MerkleRangeTest, GivesTheRootsOfTheReferenceTree) {
  const std::vector<std::string> leaves{
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
      "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1"};
  const std::vector<std::string> roots{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleRange tree;
  for (std::size_t size = 0; size < roots.size(); ++size) {
    EXPECT_EQ(to_hex(tree.root()), roots[size]) << size;
    EXPECT_EQ(tree.size(), size);
    if (size < leaves.size()) tree.append(hash_from(leaves[size]));
  }
}

// Every leaf of every tree up to here, and every pair of sizes: all shapes of a path.
constexpr std::uint64_t kSizesMax = 70;

TEST(InclusionTest, EveryLeafOfEveryTreeIsProvenAndNoOther) {
  const Tree tree(kSizesMax);
  for (std::uint64_t size = 1; size <= kSizesMax; ++size) {
    const Hash root = tree.root(size);
    EXPECT_EQ(root_at(size, tree.hashes()).value(), root);
    for (std::uint64_t index = 0; index < size; ++index) {
      const Path path = prove_inclusion(index, size, tree.hashes()).value();
      EXPECT_TRUE(check_inclusion(index, size, tree.leaf(index), path, root)) << index << size;
      EXPECT_FALSE(check_inclusion(index, size, tree.leaf(index + 1), path, root));
      EXPECT_FALSE(check_inclusion(index + 1, size, tree.leaf(index), path, root));
    }
  }
}

TEST(InclusionTest, ADamagedPathProvesNothing) {
  const Tree tree(kSizesMax);
  const Path path = prove_inclusion(41, kSizesMax, tree.hashes()).value();
  const auto holds = [&](const Path& damaged) {
    return check_inclusion(41, kSizesMax, tree.leaf(41), damaged, tree.root(kSizesMax));
  };
  ASSERT_TRUE(holds(path));
  for (std::size_t i = 0; i < path.size(); ++i) {
    Path damaged = path;
    damaged[i][i % 32] ^= 1;
    EXPECT_FALSE(holds(damaged)) << i;
    damaged = path;
    damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(holds(damaged)) << i;
  }
  Path longer = path;
  longer.push_back(Hash{});
  EXPECT_FALSE(holds(longer));
  EXPECT_FALSE(holds(Path(kPathHashesMax + 1)));
}

TEST(ConsistencyTest, EveryTreeIsTheBeginningOfEveryLaterOneAndOfNoOther) {
  const Tree tree(kSizesMax);
  const Tree rewritten(kSizesMax, /*changed=*/0);
  for (std::uint64_t size = 1; size <= kSizesMax; ++size) {
    for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
      const Path path = prove_consistency(old_size, size, tree.hashes()).value();
      const Hash old_root = tree.root(old_size);
      EXPECT_TRUE(check_consistency(old_size, size, old_root, tree.root(size), path))
          << old_size << " of " << size;
      EXPECT_FALSE(
          check_consistency(old_size, size, rewritten.root(old_size), tree.root(size), path));
      EXPECT_FALSE(check_consistency(old_size, size, old_root, rewritten.root(size), path));
    }
  }
  EXPECT_FALSE(check_consistency(0, 5, Hash{}, tree.root(5), {}));
  EXPECT_FALSE(check_consistency(6, 5, tree.root(6), tree.root(5), {}));
}

}  // namespace
}  // namespace keytrail::proof
