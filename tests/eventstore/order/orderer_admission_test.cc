// Who may append what: form, part, streams, attachments, epochs.
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::AppendOutcome;
using protocol::Unit;

class OrdererAdmissionTest : public OrderFixture {
 protected:
  OrdererAdmissionTest() { start(kms1_); }

  void expect_invalid(Unit unit, const std::string& hint) {
    const std::size_t facts = stamps().size();
    const std::size_t refusals = refused_.size();
    const auto ack = append(kms1_, std::move(unit));
    EXPECT_EQ(ack.outcome, AppendOutcome::kInvalid);
    EXPECT_NE(ack.hint.find(hint), std::string::npos) << ack.hint;
    EXPECT_EQ(stamps().size(), facts);
    EXPECT_EQ(refused_.size(), refusals + 1) << "it is told, so that it can be recorded";
  }
};

TEST_F(OrdererAdmissionTest, AnotherPartsEventsAreRefused) {
  Unit unit = unit_of(kms1_, "kms/c/object/k");
  Body body = test::body_of("vcenter/vc-1/rights", Effect::kChange);
  body.stream = "kms/c/object/k";
  unit.bodies = {encode_body(body).value()};
  expect_invalid(unit, "may not state events of vcenter");
}

TEST_F(OrdererAdmissionTest, StreamsOutsideThePrefixesAreRefused) {
  expect_invalid(unit_of(kms1_, "kms/other/object/k"), "may not append to kms/other/object/k");
  expect_invalid(unit_of(kms1_, "kms/kms-2/shred"), "may not append to kms/kms-2/shred");
  expect_invalid(unit_of(kms1_, "kms/cc/object/k"), "may not append to kms/cc/object/k");
}

TEST_F(OrdererAdmissionTest, EventsOfAnyPartMayBeStatedOnOnesOwnStreams) {
  EXPECT_EQ(append(kms1_, unit_of(kms1_, "kms/kms-1/stops", {}, Effect::kNote)).outcome,
            AppendOutcome::kAccepted);
}

TEST_F(OrdererAdmissionTest, MalformedBodiesAreRefused) {
  Unit unit = unit_of(kms1_, "kms/c/object/k");
  unit.bodies[0].resize(unit.bodies[0].size() - 8);
  expect_invalid(unit, "");
  unit = unit_of(kms1_, "kms/c/object/k");
  unit.bodies[0].clear();
  expect_invalid(unit, "");
  unit = unit_of(kms1_, "kms/c/object/k");
  unit.bodies.clear();
  expect_invalid(unit, "without facts");
  unit = unit_of(kms1_, "kms/c/object/k");
  unit.bodies.assign(257, unit.bodies[0]);
  expect_invalid(unit, "256");
}

TEST_F(OrdererAdmissionTest, AttachmentsMatchTheirHashesExactly) {
  const Attachment one{AttachmentKind::kSealed, {1, 2, 3}};
  const Attachment two{AttachmentKind::kClear, {4, 5}};
  const auto unit_with = [&](std::vector<Attachment> named, std::vector<Attachment> sent) {
    Unit unit = unit_of(kms1_, "kms/c/object/k");
    Body body = test::body_of("kms/c/object/k", Effect::kChange);
    for (const Attachment& a : named) body.attachments.push_back(sha256(a.bytes));
    unit.bodies = {encode_body(body).value()};
    unit.attachments = std::move(sent);
    return unit;
  };
  expect_invalid(unit_with({one, two}, {one}), "not there");
  expect_invalid(unit_with({one}, {one, two}), "no fact names");
  Attachment changed = one;
  changed.bytes[0] ^= 1;
  expect_invalid(unit_with({one}, {changed}), "not there");
  expect_invalid(unit_with(std::vector<Attachment>(17, one), {one}), "16 times");

  const auto ack = append(kms1_, unit_with({one, two}, {two, one}));
  EXPECT_EQ(ack.outcome, AppendOutcome::kAccepted);
  const std::vector<protocol::PositionedAttachment> expected = {{ack.first, 0, one},
                                                                {ack.first, 1, two}};
  EXPECT_EQ(log_.back().attachments, expected);
}

TEST_F(OrdererAdmissionTest, AnAttachmentCountsAsOftenAsItIsNamed) {
  const Attachment large{AttachmentKind::kSealed, Bytes(kAttachmentBytesMax, 1)};
  const auto unit_that_names_it = [&](std::size_t times) {
    Unit unit = unit_of(kms1_, "kms/c/object/k");
    Body body = test::body_of("kms/c/object/k", Effect::kChange);
    body.attachments.assign(times, sha256(large.bytes));
    unit.bodies = {encode_body(body).value()};
    unit.attachments = {large};
    return unit;
  };
  const std::size_t fits = kAttachmentBytesPerUnitMax / kAttachmentBytesMax;
  EXPECT_EQ(append(kms1_, unit_that_names_it(fits)).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(log_.back().attachments.size(), fits);
  expect_invalid(unit_that_names_it(fits + 1), "over 1 MiB");
}

TEST_F(OrdererAdmissionTest, WhoIsRefusedChoosesNoWordOfTheRecord) {
  expect_invalid(unit_of(kms1_, "kms/other/a"), "kms/other/a");
  expect_invalid(unit_of(kms1_, "kms/other/b"), "kms/other/b");
  ASSERT_GE(refused_.size(), 2U);
  EXPECT_EQ(refused_[refused_.size() - 1], refused_[refused_.size() - 2]);
}

TEST_F(OrdererAdmissionTest, AnEpochStreamHoldsTheClaimAndNoOtherChange) {
  expect_invalid(unit_of(kms1_, "kms/kms-1/epoch"), "belongs on the epoch stream");
  Author next = kms1_;
  next.epoch = 2;
  Unit unit = unit_of(kms1_, "kms/c/object/k");
  Body body = test::body_of("kms/c/object/k", Effect::kNote);
  body.event = part::Event{part::PartStarted{.epoch = 2}};
  unit.bodies = {encode_body(body).value()};
  expect_invalid(unit, "belongs on the epoch stream");
}

TEST_F(OrdererAdmissionTest, AUnitWithoutTheEpochsGuardIsRefused) {
  Unit unit = unit_of(kms1_, "kms/c/object/k");
  unit.guards.clear();
  expect_invalid(unit, "guarded by its author's epoch");
}

TEST_F(OrdererAdmissionTest, WhoMayNotAppendIsNotAnswered) {
  Author host{"esxi/host-1"};  // On the list, but not for this socket.
  send(host, {claim_of(host)});
  Author stranger{"esxi/host-9"};
  send(stranger, {claim_of(stranger)});
  sync();
  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(refused_.size(), 2U);
  EXPECT_EQ(stamps().size(), 1U);
}

TEST_F(OrdererAdmissionTest, BeforeAClaimNothingIsTaken) {
  EXPECT_EQ(append(kms2_, unit_of(kms2_, "kms/c/object/k")).outcome, AppendOutcome::kFenced);
  Author zero = kms2_;
  zero.epoch = 0;
  EXPECT_EQ(append(zero, unit_of(zero, "kms/c/object/k")).outcome, AppendOutcome::kInvalid);
}

TEST_F(OrdererAdmissionTest, GrantsAndRevocationsTakeEffect) {
  Author store{"eventstore/store-1"};
  start(store);
  Unit unit = unit_of(store, "eventstore/store-1/identity/kms%2fkms-3");
  Body body = test::body_of("eventstore/store-1/identity/kms%2fkms-3", Effect::kChange);
  body.event = Event{IdentityGranted{.name = "kms/kms-3",
                                     .curve_key = std::string(40, 'x'),
                                     .prefixes = {"kms/c"},
                                     .sockets = {"append"}}};
  unit.bodies = {encode_body(body).value()};
  identities_changed_ = false;
  send(store, {unit});
  EXPECT_FALSE(identities_changed_) << "not before it is durable";
  sync();
  EXPECT_TRUE(identities_changed_);
  Author kms3{"kms/kms-3"};
  start(kms3);

  unit = unit_of(store, "eventstore/store-1/identity/kms%2fkms-3");
  body.event = Event{IdentityRevoked{.name = "kms/kms-3"}};
  unit.bodies = {encode_body(body).value()};
  append(store, unit);
  const std::size_t refusals = refused_.size();
  send(kms3, {unit_of(kms3, "kms/c/object/k")});
  sync();
  EXPECT_EQ(refused_.size(), refusals + 1);
  restart();
  EXPECT_EQ(orderer_->identities().find("kms/kms-3"), nullptr);
  EXPECT_NE(orderer_->identities().find("kms/kms-1"), nullptr);
}

}  // namespace
}  // namespace keytrail::eventstore
