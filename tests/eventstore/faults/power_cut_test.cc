// 200 power cuts under load, each at a random change of the disk, from a seed: what was
// acknowledged is there, what was published is a prefix, a repeated request has its position.
//
//   power_cut_test [--seeds CUTS] [--seed S]      a store lives through kCuts of one seed
// Controls: a disk that does not sync, a store that acknowledges before it writes, and RocksDB's
// default recovery: each must lose within as many, else these tests could not fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/eventstore/faults/memory_folder.h"
#include "tests/eventstore/faults/store_run.h"
#include "tests/simulation/seeds.h"
#include "tests/support/temp_folder.h"

namespace keytrail::testing {
namespace {

using How = StoreRun::Ending::How;

simulation::Seeds g_seeds;  // As many as cuts.

constexpr std::uint64_t kCuts = 20;
constexpr std::size_t kEndless = 100'000;
constexpr std::uint64_t kChangesMax = 150;  // Of one life; opening alone takes some 40.

// The seeds of stores that make up as many cuts.
std::uint64_t stores_end() { return g_seeds.first + (g_seeds.count + kCuts - 1) / kCuts; }

// What a seed's store comes to: the first thing that went wrong, in its words.
struct Story {
  std::uint64_t cuts = 0;
  std::string wrong;
  std::size_t acknowledged = 0;
};

Story live_through_cuts(std::uint64_t seed, Faults faults, Bug bug = Bug::kNone) {
  const TempFolder folder;
  test::SeededRandom random(seed);
  StoreRun run(folder.file("db"), seed, bug);
  Story story;
  while (story.cuts < kCuts && story.wrong.empty()) {
    faults.cut_at = 1 + random.below(kChangesMax);
    const FaultyDisk disk(folder.file("db"), random.below(~0ULL), faults);
    const StoreRun::Ending ending = run.live(disk, kEndless);
    if (ending.how != How::kCut) story.wrong = "it ended by itself: " + ending.sentence;
    if (!run.broken().empty()) story.wrong = run.broken().front();
    if (!story.wrong.empty()) break;
    disk.write_image(folder.file("db"));
    ++story.cuts;
  }
  story.acknowledged = run.acknowledged();
  return story;
}

TEST(PowerCutTest, WhatWasAcknowledgedIsThereAfterEveryCut) {
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = g_seeds.first; seed < stores_end(); ++seed) {
    const Story story = live_through_cuts(seed, {});
    ASSERT_EQ(story.wrong, "") << "after " << story.cuts << " cuts, --seed " << seed;
    acknowledged += story.acknowledged;
  }
  EXPECT_GT(acknowledged, g_seeds.count * 50) << "a load that is none shows nothing";
}

::testing::AssertionResult loses(const Faults& faults, Bug bug = Bug::kNone) {
  for (std::uint64_t seed = g_seeds.first; seed < stores_end(); ++seed) {
    const Story story = live_through_cuts(seed, faults, bug);
    if (story.wrong.empty()) continue;
    return ::testing::AssertionSuccess() << "seed " << seed << ": " << story.wrong;
  }
  return ::testing::AssertionFailure() << "it lost nothing in " << g_seeds.count << " cuts";
}

TEST(PowerCutTest, ADiskThatDoesNotSyncLoses) { EXPECT_TRUE(loses({.ignores_syncs = true})); }

TEST(PowerCutTest, AStoreThatAcknowledgesBeforeItWritesLoses) {
  EXPECT_TRUE(loses({}, Bug::kAcknowledgesBeforeItWrites));
}

// A cut that hurts more than it may: the store starts with all that it promised, or does not start.
// `default_lost` counts how often RocksDB's own recovery would have gone on with less.
void expect_nothing_is_lost_in_silence(Tear tear, int& refused, int& default_lost) {
  for (std::uint64_t seed = g_seeds.first; seed < g_seeds.end(); seed += 2) {
    const TempFolder folder;
    test::SeededRandom random(seed);
    StoreRun run(folder.file("db"), seed);
    const FaultyDisk disk(folder.file("db"), seed,
                          {.cut_at = 60 + random.below(kChangesMax), .tear = tear});
    ASSERT_EQ(run.live(disk, kEndless).how, How::kCut) << "--seed " << seed;
    disk.write_image(folder.file("db"));
    const auto salvaged = eventstore::RocksLog::open_read_only(
        folder.file("db"), eventstore::RocksLog::Recovery::kSalvage);
    if (salvaged.ok() && (*salvaged)->end().position < run.promised()) ++default_lost;

    const FaultyDisk whole(folder.file("db"), seed, {});
    const StoreRun::Ending ending = run.live(whole, 1);
    ASSERT_TRUE(run.broken().empty()) << run.broken().front() << ", --seed " << seed;
    if (ending.how == How::kServed) continue;
    ++refused;
    ASSERT_EQ(ending.how, How::kRefused) << "--seed " << seed;
    EXPECT_THAT(ending.sentence, ::testing::AnyOf(::testing::HasSubstr("is damaged"),
                                                  ::testing::HasSubstr("was cut")));
  }
}

TEST(PowerCutTest, WhatWasAcknowledgedIsThereWhenTheTornSectorHoldsZeros) {
  int refused = 0;
  int default_lost = 0;
  expect_nothing_is_lost_in_silence(Tear::kZeros, refused, default_lost);
  EXPECT_EQ(default_lost, 0) << "only what nobody had heard of was torn";
  RecordProperty("refused", refused);
}

TEST(PowerCutTest, ASectorTornWithWhatItHeldIsRefusedWhereDefaultRecoveryLoses) {
  int refused = 0;
  int default_lost = 0;
  expect_nothing_is_lost_in_silence(Tear::kSector, refused, default_lost);
  EXPECT_GT(refused, 0);
  EXPECT_GT(default_lost, 0);
}

}  // namespace
}  // namespace keytrail::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  keytrail::testing::use_memory_for_folders();
  keytrail::testing::g_seeds = keytrail::simulation::seeds_from(argc, argv);
  return RUN_ALL_TESTS();
}
