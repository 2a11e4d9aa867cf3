#include "vcenter/service/sessions.h"

#include <gtest/gtest.h>

namespace keytrail::vcenter {
namespace {

TEST(SessionsTest, FiveFailuresAMinuteLockOutTheUserFromThatAddressOnly) {
  Sessions sessions;
  for (int i = 0; i < 5; ++i) sessions.failed("alice", "10.0.0.1:100", 1000);
  EXPECT_TRUE(sessions.is_locked_out("alice", "10.0.0.1:999", 1000))
      << "a new port is no new client";
  EXPECT_FALSE(sessions.is_locked_out("alice", "10.0.0.2:100", 1000));
  EXPECT_FALSE(sessions.is_locked_out("bob", "10.0.0.1:100", 1000));
  EXPECT_FALSE(sessions.is_locked_out("alice", "10.0.0.1:100", 1000 + Sessions::kMinute));
}

TEST(SessionsTest, AnIpv6AddressHasColonsAndNoPort) {
  Sessions sessions;
  for (int i = 0; i < 5; ++i) sessions.failed("alice", "fe80::1", 1000);
  EXPECT_TRUE(sessions.is_locked_out("alice", "fe80::1", 1000));
  EXPECT_FALSE(sessions.is_locked_out("alice", "fe80::2", 1000));
}

TEST(SessionsTest, ATableFullOfNamesLocksOutNewOnesAndUnlocksNobody) {
  Sessions sessions;
  for (int i = 0; i < 5; ++i) sessions.failed("alice", "a", 1000);
  for (std::size_t i = 0; i < Sessions::kWatchedMax + 10; ++i) {
    sessions.failed("made-up-" + std::to_string(i), "a", 1000);
  }
  EXPECT_TRUE(sessions.is_locked_out("alice", "a", 1000));
  EXPECT_TRUE(sessions.is_locked_out("somebody-new", "a", 1000));
  EXPECT_FALSE(sessions.is_locked_out("somebody-new", "a", 1000 + Sessions::kMinute));
}

TEST(SessionsTest, ASessionIsFoundByItsHashAndNamedWithoutGivingItAway) {
  Sessions sessions;
  Hash hash{};
  hash.fill(0xAB);
  sessions.open(hash, "alice", 1);
  EXPECT_EQ(sessions.user_of(hash, 2), "alice");
  EXPECT_FALSE(sessions.user_of(Hash{}, 2).has_value());
  EXPECT_FALSE(sessions.user_of(hash, 3 + Sessions::kIdle).has_value());
  EXPECT_EQ(session_name(hash).size(), 32U);
}

TEST(SessionsTest, TheLongestIdleSessionMakesRoomForANewOne) {
  Sessions sessions;
  const auto hash = [](std::size_t i) {
    return Hash{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
  };
  for (std::size_t i = 0; i < Sessions::kSessionsMax; ++i) sessions.open(hash(i), "alice", 1 + i);
  EXPECT_TRUE(sessions.user_of(hash(0), 5000).has_value());
  sessions.open(hash(Sessions::kSessionsMax), "bob", 5001);
  EXPECT_EQ(sessions.count(), Sessions::kSessionsMax);
  EXPECT_TRUE(sessions.user_of(hash(0), 5002).has_value());
  EXPECT_FALSE(sessions.user_of(hash(1), 5002).has_value());
}

}  // namespace
}  // namespace keytrail::vcenter
