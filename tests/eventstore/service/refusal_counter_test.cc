#include "eventstore/service/refusal_counter.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

constexpr TimeNs kSecond = 1'000'000'000;

TEST(RefusalCounterTest, TheFirstIsDueAtOnceTheRestAreCounted) {
  RefusalCounter counter;
  counter.add("append", "key not on the list", "10.0.0.1");
  ASSERT_EQ(counter.take_due(kSecond).size(), 1U);
  for (int i = 0; i < 1000; ++i) counter.add("append", "key not on the list", "10.0.0.1");
  EXPECT_TRUE(counter.take_due(2 * kSecond).empty());
  const auto due = counter.take_due(62 * kSecond);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].count, 1000U);
}

TEST(RefusalCounterTest, NoMoreFactsAMinuteThanItsBoundWhoeverKnocks) {
  RefusalCounter counter;
  for (int i = 0; i < 10'000; ++i) counter.add("live", "key not on the list", std::to_string(i));
  EXPECT_EQ(counter.take_due(kSecond).size(), kRefusalFactsPerMinute);
  EXPECT_TRUE(counter.take_due(30 * kSecond).empty());
  EXPECT_EQ(counter.take_due(70 * kSecond).size(), kRefusalFactsPerMinute);
}

TEST(RefusalCounterTest, NobodyIsForgottenInTheCount) {
  RefusalCounter counter;
  for (int i = 0; i < 1'000; ++i) counter.add("live", "key not on the list", std::to_string(i));
  std::uint64_t counted = 0;
  for (TimeNs minute = 1; minute < 20; ++minute) {
    for (const auto& refusals : counter.take_due(minute * 61 * kSecond)) counted += refusals.count;
  }
  EXPECT_EQ(counted, 1'000U);
}

}  // namespace
}  // namespace keytrail::eventstore
