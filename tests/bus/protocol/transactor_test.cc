#include "bus/protocol/transactor.h"

#include <gtest/gtest.h>

#include "tests/support/chain.h"

namespace keytrail::protocol {
namespace {

Decision decision(std::uint64_t mark = 0) {
  return {.facts = {test::body_of("kms/c/object/k", Effect::kChange, mark)},
          .guards = {{"kms/c/object/k", mark}}};
}

Appender::Completed answered(TransactionId id, AppendOutcome outcome, Position changed = 0) {
  Ack ack{.outcome = outcome, .first = 40, .count = 1};
  if (outcome == AppendOutcome::kConflict) ack.failed = {{"kms/c/object/k", 9, changed}};
  return {id, ack};
}

using Ids = std::vector<TransactionId>;

TEST(TransactorTest, AnAcceptedDecisionIsTold) {
  Transactor transactor;
  transactor.submit(7, decision());
  auto outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.submit.size(), 1U);
  EXPECT_EQ(outputs.submit[0].first, 7U);
  EXPECT_EQ(outputs.submit[0].second.guards, decision().guards);
  EXPECT_EQ(decode_body(outputs.submit[0].second.bodies.at(0)).value(), decision().facts[0]);
  EXPECT_TRUE(outputs.accepted.empty()) << "not before it is durable";
  transactor.on_completed(answered(7, AppendOutcome::kAccepted));
  outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.accepted.size(), 1U);
  EXPECT_EQ(outputs.accepted[0].first, 40U);
  EXPECT_EQ(transactor.open(), 0U);
}

TEST(TransactorTest, AConflictIsDecidedAgainOnceItIsFollowedToThere) {
  Transactor transactor;
  transactor.on_followed(20);
  transactor.submit(7, decision());
  transactor.on_completed(answered(7, AppendOutcome::kConflict, 25));
  EXPECT_EQ(transactor.take_outputs().decide_again, Ids{});
  transactor.on_followed(24);
  EXPECT_EQ(transactor.take_outputs().decide_again, Ids{});
  transactor.on_followed(26);
  EXPECT_EQ(transactor.take_outputs().decide_again, Ids{7});
  transactor.on_followed(27);
  EXPECT_EQ(transactor.take_outputs().decide_again, Ids{}) << "once";
}

TEST(TransactorTest, AConflictOnFollowedFactsIsDecidedAgainAtOnce) {
  Transactor transactor;
  transactor.submit(7, decision());
  transactor.on_followed(30);
  transactor.on_completed(answered(7, AppendOutcome::kConflict, 25));
  EXPECT_EQ(transactor.take_outputs().decide_again, Ids{7});
}

TEST(TransactorTest, GivesUpAfterEightConflictsWithoutNews) {
  Transactor transactor;
  transactor.on_followed(30);
  for (int i = 0; i < kConflictRetriesMax; ++i) {
    transactor.submit(7, decision());
    transactor.on_completed(answered(7, AppendOutcome::kConflict, 25));
    ASSERT_EQ(transactor.take_outputs().decide_again, Ids{7}) << i;
  }
  transactor.submit(7, decision());
  transactor.on_completed(answered(7, AppendOutcome::kConflict, 25));
  const auto outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.failed.size(), 1U);
  EXPECT_EQ(outputs.failed[0].error.code, ErrorCode::kConflict);
}

TEST(TransactorTest, ConflictsWithNewsNeverExhaustTheRetries) {
  Transactor transactor;
  for (Position position = 1; position < 100; ++position) {
    transactor.submit(7, decision());
    transactor.on_completed(answered(7, AppendOutcome::kConflict, position));
    transactor.on_followed(position);
    ASSERT_EQ(transactor.take_outputs().decide_again, Ids{7});
  }
}

TEST(TransactorTest, ADecisionWithoutFactsEndsTheTransaction) {
  Transactor transactor;
  transactor.submit(7, decision());
  transactor.on_completed(answered(7, AppendOutcome::kConflict, 0));
  (void)transactor.take_outputs();
  transactor.submit(7, Decision{});
  const auto outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.accepted.size(), 1U);
  EXPECT_EQ(outputs.accepted[0].count, 0U);
  EXPECT_TRUE(outputs.submit.empty());
  EXPECT_EQ(transactor.open(), 0U);
}

TEST(TransactorTest, WhatHadNoRoomMayBeTakenLater) {
  Transactor transactor;
  transactor.submit(7, decision());
  transactor.on_not_taken(7);
  const auto outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.failed.size(), 1U);
  EXPECT_EQ(outputs.failed[0].error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(transactor.open(), 0U);
}

TEST(TransactorTest, WhatTheStoreWillNeverTakeFails) {
  Transactor transactor;
  transactor.submit(7, decision());
  transactor.on_completed(answered(7, AppendOutcome::kInvalid));
  auto outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.failed.size(), 1U);
  EXPECT_EQ(outputs.failed[0].error.code, ErrorCode::kInvalid);

  Decision too_large = decision();
  too_large.facts[0].user = std::string(2 * kBodyBytesMax, 'x');
  transactor.submit(8, too_large);
  outputs = transactor.take_outputs();
  ASSERT_EQ(outputs.failed.size(), 1U);
  EXPECT_EQ(outputs.failed[0].id, 8U);
  EXPECT_TRUE(outputs.submit.empty());
}

}  // namespace
}  // namespace keytrail::protocol
