// Guards, versions, stamps: what stands where.
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::AppendOutcome;
using protocol::Guard;

class OrdererGuardsTest : public OrderFixture {
 protected:
  OrdererGuardsTest() {
    start(kms1_);
    start(kms2_);
  }
};

TEST_F(OrdererGuardsTest, PositionsTimesVersionsAndTheChainAreStamped) {
  now_ += 50;
  append(kms1_, unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}}));
  now_ -= 20;  // The clock goes back, time does not.
  append(kms2_, unit_of(kms2_, "kms/c/object/k", {}, Effect::kNote));
  append(kms2_, unit_of(kms2_, "kms/c/object/k"));
  const auto stamps = this->stamps();
  ASSERT_EQ(stamps.size(), 5U);
  Hash previous = orderer_options().genesis;
  std::size_t at = 0;
  for (const Batch& batch : log_) {
    for (std::size_t i = 0; i < batch.entries.size(); ++i, ++at) {
      EXPECT_EQ(stamps[at].position, at + 1);
      EXPECT_EQ(stamps[at].previous, previous);
      previous = leaf_of(batch.stamp(i), batch.body(i));
    }
  }
  EXPECT_EQ(stamps[2].author, "kms/kms-1");
  EXPECT_EQ(stamps[2].version, 1U);
  EXPECT_EQ(stamps[2].previous_in_stream, 0U);
  EXPECT_EQ(stamps[2].author_epoch, 1U);
  EXPECT_EQ(stamps[2].request, 2U);
  EXPECT_EQ(stamps[3].version, 1U) << "a note leaves the version";
  EXPECT_EQ(stamps[3].previous_in_stream, 3U);
  EXPECT_EQ(stamps[4].version, 2U);
  EXPECT_EQ(stamps[4].previous_in_stream, 4U) << "notes count";
  EXPECT_EQ(stamps[2].time, kStart + 50);
  EXPECT_EQ(stamps[3].time, kStart + 50);
}

TEST_F(OrdererGuardsTest, AFailingGuardWritesNothingAndSaysWhereItChanged) {
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));  // 3
  append(kms1_, unit_of(kms1_, "kms/c/object/k", {}, Effect::kNote));
  const auto ack = append(kms2_, unit_of(kms2_, "kms/c/object/j", {{"kms/c/object/k", 0}}));
  EXPECT_EQ(ack.outcome, AppendOutcome::kConflict);
  EXPECT_EQ(ack.failed, (std::vector<protocol::FailedGuard>{{"kms/c/object/k", 1, 3}}));
  EXPECT_EQ(stamps().size(), 4U);
}

TEST_F(OrdererGuardsTest, TwoCreatorsOfOneNameExcludeEachOther) {
  const Guard free{"kms/c/name/n", 0};
  send(kms1_, {unit_of(kms1_, "kms/c/name/n", {free})});
  send(kms2_, {unit_of(kms2_, "kms/c/name/n", {free})});
  sync();
  EXPECT_EQ(answer(kms1_, 2).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(answer(kms2_, 2).outcome, AppendOutcome::kConflict);
}

TEST_F(OrdererGuardsTest, ARefusalIsGuardedLikeAChange) {
  // kms-2 refuses a Get because the key does not exist, while kms-1 creates it: the refusal must
  // not stand.
  append(kms1_, unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}}));
  const auto refusal =
      append(kms2_, unit_of(kms2_, "kms/c/object/k", {{"kms/c/object/k", 0}}, Effect::kNote));
  EXPECT_EQ(refusal.outcome, AppendOutcome::kConflict);
  // Control: unguarded it would stand.
  const auto unguarded = append(kms2_, unit_of(kms2_, "kms/c/object/k", {}, Effect::kNote));
  EXPECT_EQ(unguarded.outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererGuardsTest, NotesDoNotCollide) {
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        append(kms1_, unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 1}}, Effect::kNote))
            .outcome,
        AppendOutcome::kAccepted);
    EXPECT_EQ(
        append(kms2_, unit_of(kms2_, "kms/c/object/k", {{"kms/c/object/k", 1}}, Effect::kNote))
            .outcome,
        AppendOutcome::kAccepted);
  }
}

TEST_F(OrdererGuardsTest, AUnitOfSeveralFactsStandsAsOne) {
  protocol::Unit unit = unit_of(kms1_, "kms/c/object/k", {{"kms/c/object/k", 0}});
  unit.bodies.push_back(test::encoded_body_of("kms/c/object/k", Effect::kChange, 8));
  unit.bodies.push_back(test::encoded_body_of("kms/c/name/n", Effect::kChange, 9));
  const auto ack = append(kms1_, unit);
  EXPECT_EQ(ack.first, 3U);
  EXPECT_EQ(ack.count, 3U);
  EXPECT_EQ(stamps()[3].version, 2U);
  EXPECT_EQ(stamps()[4].request, stamps()[2].request);
}

TEST_F(OrdererGuardsTest, StepsOfTheClockAreTold) {
  orderer_->tick(now_, 0);
  collect();
  orderer_->tick(now_ + 5'000'000'000, 1'000'000'000);
  collect();
  ASSERT_TRUE(clock_stepped_);
  EXPECT_EQ(clock_stepped_->found, now_ + 5'000'000'000);
}

}  // namespace
}  // namespace keytrail::eventstore
