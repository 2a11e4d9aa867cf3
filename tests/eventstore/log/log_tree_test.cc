#include "eventstore/log/log_tree.h"

#include <gtest/gtest.h>

#include "bus/secret/random.h"
#include "tests/support/chained_facts.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

class LogTreeTest : public ::testing::Test {
 protected:
  LogTreeTest() { keytrail::testing::ChainedFacts(log_).fill(log_, kFacts, 100); }

  std::string checkpoint(const LogTree& tree) {
    return proof::sign_checkpoint({.log_id = log_.id(),
                                   .generation = log_.generation(),
                                   .size = tree.size(),
                                   .root = tree.root()},
                                  OsRandom().secret(32));
  }

  static constexpr Position kFacts = 1'000;
  keytrail::testing::MemoryEventLog log_{LogId{7}};
};

TEST_F(LogTreeTest, ProvesEachFactUnderItsCheckpoint) {
  const LogTree tree = LogTree::over(log_, kFacts).value();
  const std::string note = checkpoint(tree);
  for (const Position position : {1, 256, 257, 512, 999, 1'000}) {
    const proof::TlogProof proven = tree.prove(position, note).value();
    EXPECT_EQ(proven.index, position - 1);
    EXPECT_TRUE(proof::check_entry(proven).ok()) << position;
  }
  EXPECT_EQ(tree.prove(0, note).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(tree.prove(1'001, note).error().code, ErrorCode::kNotFound);
}

TEST_F(LogTreeTest, ProvesThatItOnlyGrew) {
  const LogTree tree = LogTree::over(log_, kFacts).value();
  for (const Position old_size : {1, 255, 256, 700, 1'000}) {
    const LogTree old = LogTree::over(log_, old_size).value();
    const proof::Path path = tree.prove_growth_since(old_size).value();
    EXPECT_TRUE(proof::check_consistency(old_size, tree.size(), old.root(), tree.root(), path))
        << old_size;
  }
  EXPECT_FALSE(tree.prove_growth_since(1'001).ok());
}

TEST_F(LogTreeTest, ListsItsTilesAndGivesEach) {
  const LogTree tree = LogTree::over(log_, kFacts).value();
  std::vector<std::string> paths;
  for (const proof::TileName& name : tree.tiles()) {
    paths.push_back(proof::path_of(name));
    const Bytes content = tree.tile(name).value();
    EXPECT_TRUE(name.is_entries || content.size() == name.width * 32) << paths.back();
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"tile/0/000", "tile/entries/000", "tile/0/001",
                                             "tile/entries/001", "tile/0/002", "tile/entries/002",
                                             "tile/0/003.p/232", "tile/entries/003.p/232",
                                             "tile/1/000.p/3"}));
  EXPECT_EQ(tree.tile({.level = 0, .index = 4}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(tree.tile({.level = 0, .index = 3, .width = 233}).error().code, ErrorCode::kNotFound);
}

TEST_F(LogTreeTest, AnEntryOfABundleHashesToItsLeaf) {
  const LogTree tree = LogTree::over(log_, kFacts).value();
  const Bytes bundle = tree.tile({.is_entries = true, .index = 3, .width = 232}).value();
  const Bytes leaves = tree.tile({.level = 0, .index = 3, .width = 232}).value();
  const std::size_t length = static_cast<std::size_t>(bundle[0] << 8 | bundle[1]);
  const ByteView entry = ByteView(bundle).subspan(2, length);
  const Hash leaf = leaf_of(entry.first(kStampBytes), entry.subspan(kStampBytes));
  EXPECT_TRUE(std::equal(leaf.begin(), leaf.end(), leaves.begin()));
}

TEST_F(LogTreeTest, ALogThatIsShorterHasNoSuchTree) {
  EXPECT_EQ(LogTree::over(log_, kFacts + 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(LogTree::over(log_, 0).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace keytrail::eventstore
