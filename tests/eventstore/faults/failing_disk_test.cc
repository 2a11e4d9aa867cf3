// A disk that says no: ENOSPC at every write, a sync that fails at every sync, a bit flipped in any
// write or read. The store stops or does not start, says why, and what it acknowledged is there
// when the disk is well again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/eventstore/faults/memory_folder.h"
#include "tests/eventstore/faults/store_run.h"
#include "tests/support/temp_folder.h"

namespace keytrail::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using How = StoreRun::Ending::How;

constexpr std::size_t kSteps = 16;
constexpr std::uint64_t kSeed = 7;

// Two lives, the first one whole: so the second finds a log, a write-ahead log to recover among it.
// The faults are the second's.
struct Second {
  Second() : run(folder.file("db"), kSeed) {
    const FaultyDisk disk(folder.file("db"), kSeed, {});
    EXPECT_EQ(run.live(disk, kSteps).how, How::kServed);
  }
  // What is there after the faults, on a disk that has none any more.
  void expect_clean_restart() {
    const FaultyDisk disk(folder.file("db"), kSeed, {});
    const StoreRun::Ending ending = run.live(disk, 2);
    EXPECT_EQ(ending.how, How::kServed) << ending.sentence;
    EXPECT_TRUE(run.broken().empty()) << run.broken().front();
  }

  const TempFolder folder;
  StoreRun run;
};

// What a life without faults does, by count.
FaultyDisk::Counts counts_of_a_life() {
  Second second;
  const FaultyDisk disk(second.folder.file("db"), kSeed, {});
  EXPECT_EQ(second.run.live(disk, kSteps).how, How::kServed);
  return disk.counts();
}

TEST(FailingDiskTest, AFullDiskStopsTheStoreAtEveryWriteAndItGoesOnWhenThereIsRoom) {
  const std::uint64_t writes = counts_of_a_life().writes;
  ASSERT_GT(writes, kSteps);
  for (std::uint64_t n = 1; n <= writes; ++n) {
    SCOPED_TRACE("write " + std::to_string(n));
    Second second;
    {
      const FaultyDisk disk(second.folder.file("db"), n, {.full_at = n});
      const StoreRun::Ending ending = second.run.live(disk, kSteps);
      ASSERT_THAT(ending.how, AnyOf(How::kStopped, How::kRefused, How::kServed));
      if (ending.how != How::kServed) {
        EXPECT_THAT(ending.sentence, HasSubstr("make room"));
      }
    }
    second.expect_clean_restart();
    if (HasFailure()) return;
  }
}

TEST(FailingDiskTest, AFailedSyncStopsTheStoreAtEverySyncAndNothingAcknowledgedIsLost) {
  const std::uint64_t syncs = counts_of_a_life().syncs;
  ASSERT_GT(syncs, kSteps);
  for (std::uint64_t n = 1; n <= syncs; ++n) {
    SCOPED_TRACE("sync " + std::to_string(n));
    Second second;
    {
      FaultyDisk disk(second.folder.file("db"), n, {.sync_fails_at = n});
      const StoreRun::Ending ending = second.run.live(disk, kSteps);
      ASSERT_THAT(ending.how, AnyOf(How::kStopped, How::kRefused, How::kServed));
      if (ending.how != How::kServed) {
        EXPECT_THAT(ending.sentence, HasSubstr("input/output"));
      }
      disk.cut();  // What was not synced is gone, as after such an error it may.
      disk.write_image(second.folder.file("db"));
    }
    second.expect_clean_restart();
    if (HasFailure()) return;
  }
}

TEST(FailingDiskTest, ABitThatFlipsInAWriteIsNeverFewerFactsInSilence) {
  const std::uint64_t writes = counts_of_a_life().writes;
  int found = 0;
  for (std::uint64_t n = 1; n <= writes; ++n) {
    SCOPED_TRACE("write " + std::to_string(n));
    Second second;
    {
      const FaultyDisk disk(second.folder.file("db"), n, {.flips_write_at = n});
      std::ignore = second.run.live(disk, kSteps);
    }
    const FaultyDisk disk(second.folder.file("db"), kSeed, {});
    const StoreRun::Ending ending = second.run.live(disk, 2);
    EXPECT_TRUE(second.run.broken().empty()) << second.run.broken().front();
    if (ending.how != How::kServed) ++found;
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 0);
}

TEST(FailingDiskTest, ABitThatFlipsInAReadIsRefusedOrRepaired) {
  const std::uint64_t reads = counts_of_a_life().reads;
  ASSERT_GT(reads, 0U);
  int found = 0;
  for (std::uint64_t n = 1; n <= reads; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    Second second;
    {
      const FaultyDisk disk(second.folder.file("db"), n, {.flips_read_at = n});
      if (second.run.live(disk, kSteps).how != How::kServed) ++found;
    }
    second.expect_clean_restart();
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace keytrail::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  keytrail::testing::use_memory_for_folders();
  return RUN_ALL_TESTS();
}
