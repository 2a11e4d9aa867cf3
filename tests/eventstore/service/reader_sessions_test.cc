#include "eventstore/service/reader_sessions.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

Bytes reader(int number) { return {static_cast<std::uint8_t>(number)}; }

class ReaderSessionsTest : public testing::Test {
 protected:
  void admit(int number) {
    sessions_.admit(reader(number), {.identity = "subscriber/" + std::to_string(number)});
  }
  const ReaderSession* hear(int number) {
    return sessions_.hear(reader(number), "subscriber/" + std::to_string(number));
  }
  bool knows(int number) { return hear(number) != nullptr; }

  Bytes follower_;
  ReaderSessions sessions_{3, [this](const Bytes& route) { return route == follower_; }};
};

TEST_F(ReaderSessionsTest, AStrangerIsNotKnownAndAReaderIsUntilItSaysBye) {
  EXPECT_FALSE(knows(1));
  admit(1);
  ASSERT_TRUE(knows(1));
  EXPECT_EQ(hear(1)->identity, "subscriber/1");
  sessions_.forget(reader(1));
  EXPECT_FALSE(knows(1));
}

TEST_F(ReaderSessionsTest, WhoComesBackUnderAnothersRoutingIdIsNotThatOne) {
  admit(1);
  EXPECT_EQ(sessions_.hear(reader(1), "subscriber/2"), nullptr);
  EXPECT_TRUE(knows(1)) << "and takes nothing from it";
}

TEST_F(ReaderSessionsTest, TheOneThatWasSilentLongestMakesRoom) {
  for (const int number : {1, 2, 3}) admit(number);
  ASSERT_TRUE(knows(1));
  admit(4);
  EXPECT_FALSE(knows(2));
  for (const int number : {1, 3, 4}) EXPECT_TRUE(knows(number)) << number;
}

TEST_F(ReaderSessionsTest, AFollowerStaysHoweverLongItWasSilent) {
  for (const int number : {1, 2, 3}) admit(number);
  follower_ = reader(1);
  admit(4);
  EXPECT_TRUE(knows(1));
  EXPECT_FALSE(knows(2));
}

TEST_F(ReaderSessionsTest, ASecondHelloOfOneReaderCostsNobodyASession) {
  for (const int number : {1, 2, 3}) admit(number);
  admit(3);
  for (const int number : {1, 2, 3}) EXPECT_TRUE(knows(number)) << number;
}

}  // namespace
}  // namespace keytrail::eventstore
