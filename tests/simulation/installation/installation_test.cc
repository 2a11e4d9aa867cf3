// A whole installation of real cores under every fault, from a seed:
//
//   installation_simulation_test [--seeds N] [--seed S]
#include "tests/simulation/installation/installation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace keytrail::simulation {
namespace {

std::uint64_t g_seeds = 200;
std::uint64_t g_first_seed = 1;

TEST(InstallationSimulationTest, HoldsUnderEveryFault) {
  std::size_t encryptions = 0;
  std::size_t releases = 0;
  for (std::uint64_t seed = g_first_seed; seed < g_first_seed + g_seeds; ++seed) {
    const InstallationVerdict verdict = run_installation(seed);
    encryptions += verdict.encryptions;
    releases += verdict.releases;
    ASSERT_FALSE(verdict.wrong) << "--seed " << seed << ": " << *verdict.wrong << "\n"
                                << verdict.transcript;
  }
  EXPECT_GT(encryptions, g_seeds) << "VMs are encrypted, whatever fails";
  EXPECT_GT(releases, g_seeds);
}

TEST(InstallationSimulationTest, ASeedTellsTheWholeStory) {
  const InstallationVerdict once = run_installation(3);
  const InstallationVerdict again = run_installation(3);
  EXPECT_EQ(once.head, again.head);
  EXPECT_EQ(once.transcript, again.transcript);
}

TEST(InstallationSimulationTest, NoticesADiskThatLies) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    if (run_installation(seed, {.publishes_before_sync = true}).wrong) return;
  }
  FAIL() << "not noticed within 20 seeds";
}

}  // namespace
}  // namespace keytrail::simulation

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seeds") keytrail::simulation::g_seeds = value;
    if (flag == "--seed") {
      keytrail::simulation::g_first_seed = value;
      keytrail::simulation::g_seeds = 1;
    }
  }
  return RUN_ALL_TESTS();
}
