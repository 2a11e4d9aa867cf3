// A new orderer over the log of the last: all that it needs stands there.
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::AppendOutcome;
using protocol::Unit;

class OrdererRestartTest : public OrderFixture {
 protected:
  OrdererRestartTest() { start(kms1_); }
};

TEST_F(OrdererRestartTest, AcceptedRequestsAreAnsweredAsBefore) {
  Unit unit = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}});
  unit.bodies.push_back(test::encoded_body_of("kms/c/name/n", Effect::kChange));
  const auto first = append(kms1_, unit);
  restart();
  EXPECT_EQ(append(kms1_, unit), first);
  EXPECT_EQ(stamps().size(), 3U);
}

TEST_F(OrdererRestartTest, WhatWasLostIsDecidedAnew) {
  const Unit unit = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}});
  send(kms1_, {unit});  // Under way when the power fails.
  restart(1);
  const auto ack = append(kms1_, unit);
  EXPECT_EQ(ack.outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(ack.first, 2U);
}

TEST_F(OrdererRestartTest, AnOvertakenRequestIsNotTakenLate) {
  const Unit refused = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/j", 1}});
  const Unit later = unit_of(kms1_, "kms/c/object/j");
  send(kms1_, {refused, later});
  sync();
  restart();  // The answers were lost; both are sent again, and now the first guard would hold.
  EXPECT_EQ(append(kms1_, refused).outcome, AppendOutcome::kConflict);
  EXPECT_EQ(append(kms1_, later).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(stamps().size(), 2U);
}

TEST_F(OrdererRestartTest, GuardsTopicsTheChainAndTheHeadGoOn) {
  start(kms2_);
  now_ += 5;
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  append(kms1_, unit_of(kms1_, "kms/c/object/k", {}, Effect::kNote));
  const protocol::Head before = orderer_->head();
  const Hash leaf = log_.back().leaf;
  restart();
  EXPECT_EQ(orderer_->head(), before);
  const auto conflict = append(kms2_, unit_of(kms2_, "kms/c/object/k", {{"kms/c/object/k", 0}}));
  EXPECT_EQ(conflict.failed, (std::vector<protocol::FailedGuard>{{"kms/c/object/k", 1, 3}}));
  now_ = 1;  // A clock far back: time stands still.
  append(kms2_, unit_of(kms2_, "kms/c/object/k", {{"kms/c/object/k", 1}}));
  const Stamp last = stamps().back();
  EXPECT_EQ(last.previous, leaf);
  EXPECT_EQ(last.time, kStart + 5);
  EXPECT_EQ(last.previous_in_stream, 4U);
  EXPECT_EQ(log_.back().previous, before.last);
}

TEST_F(OrdererRestartTest, AnOlderEpochStaysFenced) {
  Author second{"kms/kms-1", 2};
  append(second, claim_of(second));
  restart();
  EXPECT_EQ(append(kms1_, unit_of(kms1_, "kms/c/object/k")).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(second, unit_of(second, "kms/c/object/k")).outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererRestartTest, TheWindowIsThatOfTheTail) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < protocol::kWindowMax; ++i) {
    units.push_back(unit_of(kms1_, "kms/c/object/k", {}, Effect::kNote));
  }
  send(kms1_, units);
  sync();
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  restart();
  EXPECT_EQ(append(kms1_, units[0]).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(kms1_, units[1]).outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererRestartTest, AGapInTheLogIsCorrupt) {
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  Orderer orderer(orderer_options());
  const Batch& second = log_.at(1);
  const auto result = orderer.restore(second.stamp(0), second.body(0), second.leaf);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail::eventstore
