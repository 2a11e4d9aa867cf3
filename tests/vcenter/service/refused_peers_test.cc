#include "vcenter/service/refused_peers.h"

#include <gtest/gtest.h>

namespace keytrail::vcenter {
namespace {

constexpr TimeNs kStart = 1'000 * RefusedPeers::kMinute;

TEST(RefusedPeersTest, TheFirstIsStatedAtOnceAndTheOthersTogetherAMinuteLater) {
  RefusedPeers peers;
  peers.refused("command", "10.0.0.1:1000");
  auto facts = peers.due(kStart);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].address, "10.0.0.1");
  EXPECT_EQ(facts[0].count, 1U);
  for (int i = 0; i < 7; ++i) peers.refused("command", "10.0.0.1:" + std::to_string(2000 + i));
  EXPECT_TRUE(peers.due(kStart + 1).empty());
  facts = peers.due(kStart + RefusedPeers::kMinute);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].count, 7U);
  EXPECT_TRUE(peers.due(kStart + 3 * RefusedPeers::kMinute).empty());
}

TEST(RefusedPeersTest, StrangersCannotFillTheLog) {
  RefusedPeers peers;
  for (int i = 0; i < 5'000; ++i) peers.refused("command", "address-" + std::to_string(i) + ":1");
  std::size_t facts = 0;
  for (TimeNs second = 0; second < 60; ++second) {
    facts += peers.due(kStart + second * 1'000'000'000).size();
  }
  EXPECT_EQ(facts, RefusedPeers::kFactsAMinuteMax);
}

}  // namespace
}  // namespace keytrail::vcenter
