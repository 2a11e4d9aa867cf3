#include "bus/protocol/appender.h"

#include <gtest/gtest.h>

namespace keytrail::protocol {
namespace {

Unit unit_of(std::uint8_t mark) {
  Unit unit;
  unit.bodies = {Bytes(8, mark)};
  return unit;
}

Ack accepted(std::uint64_t n) {
  return {.epoch = 3, .n = n, .outcome = AppendOutcome::kAccepted, .first = 100 + n, .count = 1};
}

std::vector<std::uint64_t> requests(const std::vector<AppendBatch>& batches) {
  std::vector<std::uint64_t> n;
  for (const AppendBatch& batch : batches) {
    for (const Unit& unit : batch.units) n.push_back(unit.n);
  }
  return n;
}

std::vector<TicketId> tickets(const std::vector<Appender::Completed>& completed) {
  std::vector<TicketId> tickets;
  for (const auto& one : completed) tickets.push_back(one.ticket);
  return tickets;
}

using Numbers = std::vector<std::uint64_t>;

class AppenderTest : public testing::Test {
 protected:
  AppenderTest() { appender_.begin(3); }

  // Connected, with an accepted claim.
  void claim() {
    appender_.on_connected();
    EXPECT_TRUE(appender_.submit(unit_of(0), 10));
    EXPECT_EQ(requests(appender_.take_outputs().send), Numbers{1});
    appender_.on_acks({accepted(1)});
    EXPECT_EQ(tickets(appender_.take_outputs().completed), std::vector<TicketId>{10});
  }

  Appender appender_{{.epoch_stream = "kms/kms-1/epoch", .in_flight_max = 4, .waiting_max = 6}};
};

TEST_F(AppenderTest, TheClaimIsGuardedByTheEpochBeforeAndGoesAlone) {
  appender_.on_connected();
  ASSERT_TRUE(appender_.submit(unit_of(0), 10));
  ASSERT_TRUE(appender_.submit(unit_of(1), 11));
  const auto send = appender_.take_outputs().send;
  ASSERT_EQ(requests(send), Numbers{1});
  EXPECT_EQ(send[0].epoch, 3U);
  EXPECT_EQ(send[0].units[0].guards, (std::vector<Guard>{{"kms/kms-1/epoch", 2}}));
  appender_.on_acks({accepted(1)});
  const auto then = appender_.take_outputs().send;
  ASSERT_EQ(requests(then), Numbers{2});
  EXPECT_EQ(then[0].units[0].guards, (std::vector<Guard>{{"kms/kms-1/epoch", 3}}));
}

TEST_F(AppenderTest, UnitsThatWaitLeaveAsOneMessage) {
  claim();
  for (TicketId ticket = 20; ticket < 23; ++ticket) {
    ASSERT_TRUE(appender_.submit(unit_of(1), ticket));
  }
  const auto send = appender_.take_outputs().send;
  ASSERT_EQ(send.size(), 1U);
  EXPECT_EQ(requests(send), (Numbers{2, 3, 4}));
}

TEST_F(AppenderTest, AtMostTheWindowIsInFlightAndTheRestWaits) {
  claim();
  for (TicketId ticket = 20; ticket < 26; ++ticket) {
    ASSERT_TRUE(appender_.submit(unit_of(1), ticket));
  }
  EXPECT_FALSE(appender_.submit(unit_of(1), 26)) << "waiting_max is reached";
  EXPECT_EQ(requests(appender_.take_outputs().send), (Numbers{2, 3, 4, 5}));
  EXPECT_EQ(appender_.waiting(), 2U);
  appender_.on_acks({accepted(2)});
  EXPECT_EQ(requests(appender_.take_outputs().send), Numbers{6});
}

TEST_F(AppenderTest, CompletesInTheOrderOfSubmissionWhateverTheOrderOfAnswers) {
  claim();
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  ASSERT_TRUE(appender_.submit(unit_of(2), 21));
  (void)appender_.take_outputs();
  appender_.on_acks({accepted(3)});
  EXPECT_TRUE(appender_.take_outputs().completed.empty());
  appender_.on_acks({accepted(2)});
  EXPECT_EQ(tickets(appender_.take_outputs().completed), (std::vector<TicketId>{20, 21}));
}

TEST_F(AppenderTest, ResendsWhatIsUnansweredInOrderUnderTheSameNumbers) {
  claim();
  for (TicketId ticket = 20; ticket < 23; ++ticket) {
    ASSERT_TRUE(appender_.submit(unit_of(static_cast<std::uint8_t>(ticket)), ticket));
  }
  const auto first = appender_.take_outputs().send;
  appender_.on_acks({accepted(3)});  // 2 and 4 are unanswered.
  appender_.on_disconnected();
  EXPECT_TRUE(appender_.take_outputs().send.empty());
  appender_.on_connected();
  const auto again = appender_.take_outputs().send;
  ASSERT_EQ(requests(again), (Numbers{2, 4}));
  EXPECT_EQ(again[0].units[0], first[0].units[0]);
}

constexpr TimeNs kSecond = 1'000'000'000;

TEST_F(AppenderTest, ALostAnswerIsAskedForAgainOnTheSameConnection) {
  claim();
  appender_.tick(100 * kSecond);
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  ASSERT_TRUE(appender_.submit(unit_of(2), 21));
  (void)appender_.take_outputs();
  appender_.on_acks({accepted(3)});  // Of 2, nothing is heard.
  appender_.tick(102 * kSecond);
  EXPECT_TRUE(appender_.take_outputs().send.empty()) << "it may be on its way";
  appender_.tick(103 * kSecond);
  EXPECT_EQ(requests(appender_.take_outputs().send), Numbers{2});
  appender_.on_acks({accepted(2)});
  EXPECT_EQ(tickets(appender_.take_outputs().completed), (std::vector<TicketId>{20, 21}));
}

TEST_F(AppenderTest, AStoreThatIsSlowIsAskedEverMoreSeldom) {
  claim();
  appender_.tick(kSecond);
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  (void)appender_.take_outputs();
  std::vector<TimeNs> asked;
  for (TimeNs second = 2; second < 120; ++second) {
    appender_.tick(second * kSecond);
    if (!appender_.take_outputs().send.empty()) asked.push_back(second);
  }
  EXPECT_EQ(asked, (std::vector<TimeNs>{4, 10, 22, 46, 76, 106}));
}

TEST_F(AppenderTest, ASecondAnswerAndAnswersToOthersChangeNothing) {
  claim();
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  (void)appender_.take_outputs();
  Ack of_the_last_process = accepted(2);
  of_the_last_process.epoch = 2;
  appender_.on_acks({of_the_last_process, accepted(9), accepted(1)});
  EXPECT_TRUE(appender_.take_outputs().completed.empty());
  appender_.on_acks({accepted(2), accepted(2)});
  EXPECT_EQ(appender_.take_outputs().completed.size(), 1U);
  appender_.on_acks({accepted(2)});
  EXPECT_TRUE(appender_.take_outputs().completed.empty());
}

TEST_F(AppenderTest, FencedEndsAllSending) {
  claim();
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  (void)appender_.take_outputs();
  appender_.on_acks({{.epoch = 3, .n = 2, .outcome = AppendOutcome::kFenced}});
  ASSERT_TRUE(appender_.submit(unit_of(1), 21));
  const auto outputs = appender_.take_outputs();
  EXPECT_TRUE(outputs.fenced);
  EXPECT_TRUE(outputs.send.empty());
  EXPECT_EQ(tickets(outputs.completed), std::vector<TicketId>{20});
}

Fact started(const std::string& stream, std::uint64_t epoch) {
  Fact fact;
  fact.body.stream = stream;
  fact.body.event = part::Event(part::PartStarted{.epoch = epoch, .program_version = "test"});
  return fact;
}

TEST_F(AppenderTest, WhoFollowsTheStartOfItsSuccessorIsFencedThoughItAppendsNothing) {
  claim();
  appender_.on_followed(started("kms/kms-1/epoch", 2));  // Of the process before.
  appender_.on_followed(started("kms/kms-1/epoch", 3));  // Its own.
  appender_.on_followed(started("kms/kms-2/epoch", 9));
  EXPECT_FALSE(appender_.take_outputs().fenced);
  appender_.on_followed(started("kms/kms-1/epoch", 4));
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  const auto outputs = appender_.take_outputs();
  EXPECT_TRUE(outputs.fenced);
  EXPECT_TRUE(outputs.send.empty());
}

TEST(AppenderBeforeItsEpochTest, WhatWasBeforeIsNoSuccessor) {
  Appender appender({.epoch_stream = "kms/kms-1/epoch"});
  appender.on_followed(started("kms/kms-1/epoch", 1));
  appender.begin(2);
  EXPECT_FALSE(appender.take_outputs().fenced);
}

TEST_F(AppenderTest, AUnitTooLargeToSendIsAnsweredHereAndInItsTurn) {
  claim();
  Unit large = unit_of(1);
  large.bodies.assign(kBodiesPerUnitMax, Bytes(kBodyBytesMax));
  ASSERT_TRUE(appender_.submit(unit_of(1), 20));
  ASSERT_TRUE(appender_.submit(std::move(large), 21));
  const auto outputs = appender_.take_outputs();
  EXPECT_EQ(requests(outputs.send), Numbers{2});
  EXPECT_TRUE(outputs.completed.empty());
  appender_.on_acks({accepted(2)});
  const auto completed = appender_.take_outputs().completed;
  ASSERT_EQ(tickets(completed), (std::vector<TicketId>{20, 21}));
  EXPECT_EQ(completed[1].ack.outcome, AppendOutcome::kInvalid);
}

// The store refuses the whole message for such a guard, and it would be sent for ever.
TEST_F(AppenderTest, AGuardThatNoStreamCanHaveIsAnsweredHere) {
  claim();
  Unit unit = unit_of(1);
  unit.guards.push_back({std::string(kStreamBytesMax + 1, 'a'), 0});
  ASSERT_TRUE(appender_.submit(unit, 11));
  const Appender::Outputs outputs = appender_.take_outputs();
  EXPECT_TRUE(outputs.send.empty());
  ASSERT_EQ(tickets(outputs.completed), std::vector<TicketId>{11});
  EXPECT_EQ(outputs.completed[0].ack.outcome, AppendOutcome::kInvalid);
}

TEST_F(AppenderTest, MessagesStayWithinTheFrame) {
  claim();
  for (TicketId ticket = 20; ticket < 23; ++ticket) {
    Unit unit;
    unit.bodies.assign(30, Bytes(kBodyBytesMax));  // Two would be within 4 MiB, three are not.
    ASSERT_TRUE(appender_.submit(std::move(unit), ticket));
  }
  const auto send = appender_.take_outputs().send;
  ASSERT_EQ(send.size(), 2U);
  EXPECT_EQ(requests(send), (Numbers{2, 3, 4}));
}

}  // namespace
}  // namespace keytrail::protocol
