// A whole installation of real cores under every fault, from a seed:
//
//   installation_simulation_test [--seeds N] [--seed S]
//
// A failure prints its seed and the end of the transcript; `--seed S` runs that one again. Then the
// planted bugs: a check that never failed is not known to work.
#include "tests/simulation/installation/installation.h"

#include <gtest/gtest.h>

#include "tests/simulation/seeds.h"

namespace keytrail::simulation {
namespace {

Seeds g_seeds;

constexpr std::uint64_t kShards = 8;  // of the seeds, so that a machine's cores share them
constexpr std::uint64_t kSeedsToCatchABug = 200;  // as many as run without one

class InstallationSimulationTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(InstallationSimulationTest, HoldsUnderEveryFault) {
  std::size_t runs = 0;
  std::size_t encryptions = 0;
  std::size_t releases = 0;
  std::size_t answers = 0;
  for (std::uint64_t seed = g_seeds.first + GetParam(); seed < g_seeds.end(); seed += kShards) {
    const InstallationVerdict verdict = run_installation(seed);
    ASSERT_FALSE(verdict.wrong) << "--seed " << seed << ": " << *verdict.wrong << "\n"
                                << verdict.transcript;
    ++runs;
    encryptions += verdict.encryptions;
    releases += verdict.releases;
    answers += verdict.answers;
  }
  EXPECT_GE(encryptions, runs) << "VMs are encrypted, whatever fails";
  EXPECT_GE(releases, runs * 10) << "hosts and customers get their keys";
  EXPECT_GE(answers, runs * 30) << "the faults are not all there is";
}

INSTANTIATE_TEST_SUITE_P(Seeds, InstallationSimulationTest,
                         testing::Range<std::uint64_t>(0, kShards));

TEST(InstallationTest, ASeedTellsTheWholeStory) {
  const InstallationVerdict once = run_installation(3);
  const InstallationVerdict again = run_installation(3);
  EXPECT_EQ(once.head, again.head);
  EXPECT_EQ(once.transcript, again.transcript);
}

// Within some seeds, one finds it, in these words.
testing::AssertionResult is_caught(const InstallationBugs& bugs, const std::string& words) {
  for (std::uint64_t seed = 1; seed <= kSeedsToCatchABug; ++seed) {
    const InstallationVerdict verdict = run_installation(seed, bugs);
    if (verdict.wrong && verdict.wrong->find(words) != std::string::npos) {
      return testing::AssertionSuccess();
    }
  }
  return testing::AssertionFailure() << "not caught within " << kSeedsToCatchABug << " seeds";
}

TEST(InstallationBugTest, PublishBeforeSync) {
  EXPECT_TRUE(is_caught({.store = {.publishes_before_sync = true}}, "the durable log does not"));
}
TEST(InstallationBugTest, HeartbeatAsHeadInTheStore) {
  EXPECT_TRUE(is_caught({.store = {.heartbeat_as_head = true}}, "followed to"));
}
TEST(InstallationBugTest, HeartbeatAsHeadInAReplica) {
  EXPECT_TRUE(is_caught({.replica = {.heartbeat_as_head = true}}, "told to be gone"));
}
TEST(InstallationBugTest, UnguardedRefusal) {
  EXPECT_TRUE(is_caught({.replica = {.unguarded_refusals = true}}, "was missing although"));
}
TEST(InstallationBugTest, ReleaseAfterRemovalOfTheClient) {
  EXPECT_TRUE(is_caught({.replica = {.unguarded_clients = true}}, "who is not enrolled"));
}
TEST(InstallationBugTest, CounterFromMemory) {
  // Leaves that were punctured would stop the replica before it uses them again.
  const ReplicaBugs bugs{.counter_from_memory = true, .shreds_in_name_only = true};
  EXPECT_TRUE(is_caught({.replica = bugs}, "are sealed by leaf"));
}
TEST(InstallationBugTest, AnswerBeforeAck) {
  EXPECT_TRUE(is_caught({.replica = {.answers_before_ack = true}}, "before it was durable"));
}
TEST(InstallationBugTest, AnswerBeforeAckInVCenter) {
  EXPECT_TRUE(is_caught({.vcenter = {.answers_before_ack = true}}, "before it was durable"));
}
TEST(InstallationBugTest, ShreddedInNameOnly) {
  EXPECT_TRUE(is_caught({.replica = {.shreds_in_name_only = true}}, "which it shredded"));
}

}  // namespace
}  // namespace keytrail::simulation

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  keytrail::simulation::g_seeds = keytrail::simulation::seeds_from(argc, argv);
  return RUN_ALL_TESTS();
}
