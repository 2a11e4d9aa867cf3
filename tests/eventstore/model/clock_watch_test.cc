#include "eventstore/model/clock_watch.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

constexpr TimeNs kSecond = 1'000'000'000;

TEST(ClockWatchTest, AClockThatRunsIsNoStep) {
  ClockWatch watch;
  EXPECT_EQ(watch.observe(1000 * kSecond, 7), std::nullopt);
  EXPECT_EQ(watch.observe(1010 * kSecond, 7 + 10 * kSecond), std::nullopt);
  EXPECT_EQ(watch.observe(1020 * kSecond + kSecond / 2, 7 + 20 * kSecond), std::nullopt)
      << "half a second is slewing";
}

TEST(ClockWatchTest, StepsEitherWayAreToldOnce) {
  ClockWatch watch;
  (void)watch.observe(1000 * kSecond, 0);
  EXPECT_EQ(watch.observe(2001 * kSecond, kSecond),
            (ClockStepped{.expected = 1001 * kSecond, .found = 2001 * kSecond}));
  EXPECT_EQ(watch.observe(2002 * kSecond, 2 * kSecond), std::nullopt);
  EXPECT_EQ(watch.observe(500 * kSecond, 3 * kSecond),
            (ClockStepped{.expected = 2003 * kSecond, .found = 500 * kSecond}));
  EXPECT_EQ(watch.observe(501 * kSecond, 4 * kSecond), std::nullopt);
}

TEST(ClockFitsTest, FarBehindTheLastFactIsRefused) {
  EXPECT_TRUE(clock_fits(1000 * kSecond, 1001 * kSecond).ok());
  EXPECT_TRUE(clock_fits(1000 * kSecond, 701 * kSecond).ok());
  EXPECT_EQ(clock_fits(1000 * kSecond, 600 * kSecond).error().code, ErrorCode::kRefused);
}

}  // namespace
}  // namespace keytrail::eventstore
