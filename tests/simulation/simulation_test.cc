// The log under every fault, from a seed:  log_simulation_test [--seeds N] [--seed S]
//
// A failure prints its seed and the end of the transcript; `--seed S` runs that one again. Then the
// planted bugs: a check that never failed is not known to work.
#include <gtest/gtest.h>

#include "tests/simulation/log_simulation.h"
#include "tests/simulation/seeds.h"

namespace keytrail::simulation {
namespace {

Seeds g_seeds;

constexpr std::uint64_t kSeedsToCatchABug = 60;

TEST(LogSimulationTest, HoldsUnderEveryFault) {
  std::size_t answers = 0;
  for (std::uint64_t seed = g_seeds.first; seed < g_seeds.end(); ++seed) {
    const Verdict verdict = run_log_simulation(seed);
    answers += verdict.answers;
    ASSERT_FALSE(verdict.wrong) << "--seed " << seed << ": " << *verdict.wrong << "\n"
                                << verdict.transcript;
  }
  EXPECT_GT(answers, g_seeds.count * 60)
      << "most questions are answered: the faults are not all there is";
}

TEST(LogSimulationTest, ASeedTellsTheWholeStory) {
  const Verdict once = run_log_simulation(7);
  const Verdict again = run_log_simulation(7);
  EXPECT_EQ(once.head, again.head);
  EXPECT_EQ(once.transcript, again.transcript);
}

// Within some seeds, one finds it; says which and how.
testing::AssertionResult is_caught(const PlantedBugs& bugs) {
  for (std::uint64_t seed = 1; seed <= kSeedsToCatchABug; ++seed) {
    const Verdict verdict = run_log_simulation(seed, bugs);
    if (verdict.wrong) {
      return testing::AssertionSuccess() << "seed " << seed << ": " << *verdict.wrong;
    }
  }
  return testing::AssertionFailure() << "not caught within " << kSeedsToCatchABug << " seeds";
}

TEST(PlantedBugTest, PublishBeforeSync) {
  EXPECT_TRUE(is_caught({.store = {.publishes_before_sync = true}}));
}
TEST(PlantedBugTest, HeartbeatAsHead) {
  EXPECT_TRUE(is_caught({.store = {.heartbeat_as_head = true}}));
}
TEST(PlantedBugTest, UnguardedRefusal) {
  EXPECT_TRUE(is_caught({.author = {.unguarded_refusals = true}}));
}
TEST(PlantedBugTest, ReleaseAfterRemovalOfTheClient) {
  EXPECT_TRUE(is_caught({.author = {.unguarded_clients = true}}));
}
TEST(PlantedBugTest, CounterFromMemory) {
  EXPECT_TRUE(is_caught({.author = {.counter_from_memory = true}}));
}
TEST(PlantedBugTest, AnswerBeforeAck) {
  EXPECT_TRUE(is_caught({.author = {.answers_before_ack = true}}));
}

}  // namespace
}  // namespace keytrail::simulation

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  keytrail::simulation::g_seeds = keytrail::simulation::seeds_from(argc, argv);
  return RUN_ALL_TESTS();
}
