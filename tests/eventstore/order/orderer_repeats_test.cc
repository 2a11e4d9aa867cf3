// Repeats and fencing: request ids, windows, epochs.
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::AppendOutcome;
using protocol::Unit;

class OrdererRepeatsTest : public OrderFixture {
 protected:
  OrdererRepeatsTest() { start(kms1_); }
};

TEST_F(OrdererRepeatsTest, ARepeatGetsTheFirstAnswerAndWritesNothing) {
  const Unit unit = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}});
  const auto first = append(kms1_, unit);
  EXPECT_EQ(append(kms1_, unit), first);
  EXPECT_EQ(stamps().size(), 2U);
}

TEST_F(OrdererRepeatsTest, ARefusedRequestStaysRefusedWhenRepeated) {
  start(kms2_);
  const Unit unit = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/j", 1}});
  const auto first = append(kms1_, unit);
  EXPECT_EQ(first.outcome, AppendOutcome::kConflict);
  append(kms2_, unit_of(kms2_, "kms/c/object/j"));  // Now the guard would hold.
  EXPECT_EQ(append(kms1_, unit), first);
}

TEST_F(OrdererRepeatsTest, OlderThanTheWindowIsFenced) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < protocol::kWindowMax; ++i) {
    units.push_back(unit_of(kms1_, "kms/c/object/k", {}, Effect::kNote));
  }
  const Unit oldest = units[0];
  send(kms1_, units);
  sync();
  EXPECT_EQ(append(kms1_, oldest).outcome, AppendOutcome::kAccepted) << "still in the window";
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  EXPECT_EQ(append(kms1_, oldest).outcome, AppendOutcome::kFenced);
}

TEST_F(OrdererRepeatsTest, ASecondProcessFencesTheFirst) {
  Author second{"kms/kms-1", 2};
  ASSERT_EQ(append(second, claim_of(second)).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(append(kms1_, unit_of(kms1_, "kms/c/object/k")).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(second, unit_of(second, "kms/c/object/k")).outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererRepeatsTest, OfTwoClaimsOfOneEpochOneIsFenced) {
  Author a{"kms/kms-1", 2};
  Author b{"kms/kms-1", 2};
  Unit claim_a = claim_of(a);
  Unit claim_b = claim_of(b);
  Body other = decode_body(claim_b.bodies[0]).value();
  other.clock += 1;  // Another process: another moment, another action.
  claim_b.bodies[0] = encode_body(other).value();
  EXPECT_EQ(append(a, claim_a).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(append(b, claim_b).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(a, claim_a).outcome, AppendOutcome::kAccepted) << "its own repeat";
  restart();
  EXPECT_EQ(append(b, claim_b).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(a, claim_a).outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererRepeatsTest, AnEpochThatSkipsOneIsFenced) {
  Author ahead{"kms/kms-1", 3};
  EXPECT_EQ(append(ahead, claim_of(ahead)).outcome, AppendOutcome::kFenced);
  EXPECT_EQ(append(ahead, unit_of(ahead, "kms/c/object/k")).outcome, AppendOutcome::kFenced);
}

TEST_F(OrdererRepeatsTest, NumbersBeginAnewWithAnEpoch) {
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  Author second{"kms/kms-1", 2};
  append(second, claim_of(second));
  EXPECT_EQ(append(second, unit_of(second, "kms/c/object/k")).first, 4U);
}

}  // namespace
}  // namespace keytrail::eventstore
