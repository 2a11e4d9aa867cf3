#include "bus/events/refusal_counter.h"

#include <gtest/gtest.h>

namespace keytrail {
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

TEST(RefusalCounterTest, OnePeerIsOneKindWhateverItsPort) {
  RefusalCounter counter;
  for (const char* address : {"10.0.0.1:1000", "10.0.0.1:1001", "10.0.0.1"}) {
    counter.add("command", "key not on the list", address);
  }
  for (const char* address : {"[::1]:1000", "[::1]:1001"}) {
    counter.add("command", "key not on the list", address);
  }
  counter.add("command", "key not on the list", "fe80::1");
  const auto due = counter.take_due(kSecond);
  ASSERT_EQ(due.size(), 3U);
  EXPECT_EQ(due[0].address, "10.0.0.1");
  EXPECT_EQ(due[0].count, 3U);
  EXPECT_EQ(due[1].address, "[::1]");
  EXPECT_EQ(due[2].address, "fe80::1");
}

TEST(RefusalCounterTest, ReasonsThatAPeerInventsTakeUpNoMoreThanTheirBound) {
  RefusalCounter counter;
  std::uint64_t counted = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto fact =
        counter.add_and_take("kmip", "a message of " + std::to_string(i), "10.0.0.1", kSecond);
    if (fact) counted += fact->count;
  }
  EXPECT_EQ(counted, kRefusalFactsPerMinute);
  std::size_t kinds = 0;
  for (TimeNs minute = 1; minute < 20; ++minute) {
    for (const auto& refusals : counter.take_due(minute * 61 * kSecond)) {
      ++kinds;
      counted += refusals.count;
    }
  }
  EXPECT_EQ(counted, 10'000U);
  EXPECT_LE(kinds, kRefusalKindsMax + 1);
}

TEST(RefusalCounterTest, WhatIsToldAtOnceIsRecordedFirst) {
  RefusalCounter counter;
  const auto first = counter.add_and_take("kmip", "not enrolled", "10.0.0.1:7", kSecond);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->count, 1U);
  EXPECT_FALSE(counter.add_and_take("kmip", "not enrolled", "10.0.0.1:8", 2 * kSecond));
  const auto later = counter.add_and_take("kmip", "not enrolled", "10.0.0.1:9", 62 * kSecond);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->count, 2U);
}

TEST(RefusalCounterTest, TheEndTakesWhatIsNotDue) {
  RefusalCounter counter;
  for (int i = 0; i < 3; ++i) counter.add("append", "key not on the list", "10.0.0.1");
  ASSERT_EQ(counter.take_due(kSecond).size(), 1U);
  counter.add("append", "key not on the list", "10.0.0.1");
  EXPECT_TRUE(counter.take_due(2 * kSecond).empty());
  const auto all = counter.take_all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].count, 1U);
  EXPECT_TRUE(counter.take_all().empty());
}

}  // namespace
}  // namespace keytrail
