#include "bus/proof/tiles.h"

#include <gtest/gtest.h>

#include "tests/bus/proof/tree.h"

namespace keytrail::proof {
namespace {

TEST(TileNameTest, IsWrittenInGroupsOfThreeDigits) {
  EXPECT_EQ(path_of({.level = 0, .index = 0}), "tile/0/000");
  EXPECT_EQ(path_of({.level = 1, .index = 1'234'067}), "tile/1/x001/x234/067");
  EXPECT_EQ(path_of({.is_entries = true, .index = 273, .width = 112}), "tile/entries/273.p/112");
}

TEST(TileNameTest, IsReadBackAndNoOtherSpellingIs) {
  for (const TileName& tile : {TileName{.level = 0, .index = 0}, TileName{.level = 7, .index = 999},
                               TileName{.level = 1, .index = 1'000, .width = 1},
                               TileName{.is_entries = true, .index = 1'234'067, .width = 255}}) {
    EXPECT_EQ(tile_from(path_of(tile)).value(), tile) << path_of(tile);
  }
  for (const char* bad :
       {"", "tile", "tile/0", "tile/0/", "tile/0/1", "tile/0/0001", "tile/00/001", "tile/8/001",
        "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/001.p/0", "tile/0/001.p/256",
        "tile/0/001.p/01", "tile/0/001.p/", "tile/0/../001", "tile/0/x99999999999999999999/001",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001"}) {
    EXPECT_FALSE(tile_from(bad).ok()) << bad;
  }
}

// The example of the specification.
TEST(TileWidthTest, ATreeOf70000HasTheTilesThatTheSpecificationCounts) {
  EXPECT_EQ(width_in(70'000, 0, 272), 256u);
  EXPECT_EQ(width_in(70'000, 0, 273), 112u);
  EXPECT_EQ(width_in(70'000, 0, 274), 0u);
  EXPECT_EQ(width_in(70'000, 1, 0), 256u);
  EXPECT_EQ(width_in(70'000, 1, 1), 17u);
  EXPECT_EQ(width_in(70'000, 2, 0), 1u);
  EXPECT_EQ(width_in(70'000, 3, 0), 0u);
}

class TileProofTest : public testing::Test {
 protected:
  // A tile of the tree of kSize leaves, straight from the definition.
  Result<Bytes> tile(const TileName& name) {
    Bytes hashes;
    const unsigned level = name.level * kTileHeight;
    for (std::uint64_t i = 0; i < name.width; ++i) {
      const Hash hash = tree_.hashes()(level, name.index * kTileWidth + i).value();
      hashes.insert(hashes.end(), hash.begin(), hash.end());
    }
    return hashes;
  }

  static constexpr std::uint64_t kSize = 1'300;
  Tree tree_{kSize};
  SubtreeHashes hashes_ = over_tiles(kSize, [this](const TileName& name) { return tile(name); });
};

TEST_F(TileProofTest, ProofsFromTilesAreThoseOfTheTree) {
  for (const std::uint64_t index : {0, 255, 256, 777, 1'279, 1'299}) {
    EXPECT_EQ(prove_inclusion(index, kSize, hashes_).value(),
              prove_inclusion(index, kSize, tree_.hashes()).value())
        << index;
  }
  for (const std::uint64_t old_size : {1, 256, 512, 1'000, 1'299}) {
    EXPECT_EQ(prove_consistency(old_size, kSize, hashes_).value(),
              prove_consistency(old_size, kSize, tree_.hashes()).value())
        << old_size;
  }
  EXPECT_EQ(root_at(kSize, hashes_).value(), tree_.root(kSize));
}

TEST_F(TileProofTest, ATileOfTheWrongLengthIsCorrupt) {
  const SubtreeHashes cut = over_tiles(kSize, [this](const TileName& name) -> Result<Bytes> {
    Bytes hashes = tile(name).value();
    hashes.pop_back();
    return hashes;
  });
  EXPECT_EQ(prove_inclusion(3, kSize, cut).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail::proof
