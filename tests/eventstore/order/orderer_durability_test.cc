// Durable, then visible; one batch under way; a failing disk.
#include "bus/protocol/message_codec.h"
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::AppendOutcome;

class OrdererDurabilityTest : public OrderFixture {
 protected:
  OrdererDurabilityTest() {
    start(kms1_);
    start(kms2_);
    published_.clear();
  }
  void finish_write() {
    ASSERT_TRUE(under_way_);
    log_.push_back(*under_way_);
    orderer_->on_written(*std::exchange(under_way_, std::nullopt));
    collect();
  }
  // Another store, with an empty log, that is full beyond so many bytes.
  void begin_with_backlog_max(std::size_t bytes) {
    Orderer::Options options = orderer_options();
    options.waiting_bytes_max = bytes;
    orderer_.emplace(options);
    log_.clear();
    kms1_ = {"kms/kms-1"};
    start(kms1_);
  }
};

TEST_F(OrdererDurabilityTest, NothingIsVisibleBeforeItIsDurable) {
  send(kms1_, {unit_of(kms1_, "kms/c/object/k")});
  ASSERT_TRUE(under_way_);
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(orderer_->head().durable_head, 2U);
  finish_write();
  EXPECT_EQ(answer(kms1_, 2).first, 3U);
  ASSERT_EQ(published_.size(), 1U);
  EXPECT_EQ(published_[0].head.durable_head, 3U);
  EXPECT_EQ(orderer_->head().durable_head, 3U);
}

TEST_F(OrdererDurabilityTest, TheNextBatchFormsWhileOneSyncs) {
  send(kms1_, {unit_of(kms1_, "kms/c/object/a")});
  send(kms1_, {unit_of(kms1_, "kms/c/object/b")});
  send(kms2_, {unit_of(kms2_, "kms/c/object/c")});
  EXPECT_EQ(under_way_->last, 3U);
  finish_write();
  ASSERT_TRUE(under_way_);
  EXPECT_EQ(under_way_->first, 4U);
  EXPECT_EQ(under_way_->last, 5U);
  EXPECT_EQ(under_way_->previous[2], 3U) << "kms.change";
}

TEST_F(OrdererDurabilityTest, DecisionsWhileABatchSyncsSeeIt) {
  send(kms1_, {unit_of(kms1_, "kms/c/name/n", {{"kms/c/name/n", 0}})});
  send(kms2_, {unit_of(kms2_, "kms/c/name/n", {{"kms/c/name/n", 0}})});
  send(kms2_, {unit_of(kms2_, "kms/c/name/n", {{"kms/c/name/n", 1}})});
  sync();
  EXPECT_EQ(answer(kms2_, 2).outcome, AppendOutcome::kConflict);
  EXPECT_EQ(answer(kms2_, 3).outcome, AppendOutcome::kAccepted);
}

TEST_F(OrdererDurabilityTest, ARefusalWaitsForWhatItIsDecidedOn) {
  send(kms1_, {unit_of(kms1_, "kms/c/name/n", {{"kms/c/name/n", 0}})});
  send(kms2_, {unit_of(kms2_, "kms/c/name/n", {{"kms/c/name/n", 0}})});
  EXPECT_TRUE(answers_.empty()) << "it names a position that a crash could take back";
  finish_write();
  EXPECT_EQ(answer(kms2_, 2).failed.at(0).last_change, 3U);
}

TEST_F(OrdererDurabilityTest, ARepeatOfWhatIsUnderWayWaitsToo) {
  const auto unit = unit_of(kms1_, "kms/c/object/k");
  send(kms1_, {unit});
  send(kms1_, {unit});
  EXPECT_TRUE(answers_.empty());
  sync();
  EXPECT_EQ(answer(kms1_, 2).first, 3U);
  EXPECT_EQ(stamps().size(), 3U);
}

TEST_F(OrdererDurabilityTest, AFailedWriteStopsForGood) {
  send(kms1_, {unit_of(kms1_, "kms/c/object/k")});
  send(kms2_, {unit_of(kms2_, "kms/c/object/j")});
  orderer_->on_write_failed("the device is gone");
  under_way_.reset();
  collect();
  ASSERT_TRUE(stop_);
  EXPECT_NE(stop_->find("the device is gone"), std::string::npos);
  send(kms1_, {unit_of(kms1_, "kms/c/object/l")});
  orderer_->tick(now_, 0);
  collect();
  EXPECT_FALSE(under_way_);
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(published_.empty());
}

TEST_F(OrdererDurabilityTest, AcknowledgementsAndHeadsCarryTheLeafOfWhatIsDurable) {
  const protocol::Ack ack = append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  EXPECT_EQ(ack.leaf, log_.back().leaf);
  EXPECT_EQ(orderer_->head().leaf, log_.back().leaf);
  EXPECT_EQ(published_.back().head.leaf, log_.back().leaf);
  const auto repeated = unit_of(kms1_, "kms/c/object/j");
  const Hash leaf = append(kms1_, repeated).leaf;
  restart();
  EXPECT_EQ(orderer_->head().leaf, leaf);
  EXPECT_EQ(append(kms1_, repeated).leaf, leaf) << "a repeat is answered as it was the first time";
}

TEST_F(OrdererDurabilityTest, AGrantThatIsNotDurableLetsNobodyIn) {
  Author store{"eventstore/store-1"};
  start(store);
  const auto grant = [&](const std::string& name, char key) {
    const std::string stream = stream_name({"eventstore", "store-1", "identity", name});
    protocol::Unit unit = unit_of(store, stream);
    Body body = test::body_of(stream, Effect::kChange);
    body.event = Event{
        IdentityGranted{.name = name, .curve_key = std::string(40, key), .sockets = {"live"}}};
    unit.bodies = {encode_body(body).value()};
    return unit;
  };
  send(store, {grant("siem/first", 'x')});
  send(store, {grant("siem/second", 'y')});
  finish_write();
  EXPECT_TRUE(identities_changed_);
  EXPECT_NE(orderer_->durable_identities().find("siem/first"), nullptr);
  EXPECT_EQ(orderer_->durable_identities().find("siem/second"), nullptr);
  EXPECT_NE(orderer_->identities().find("siem/second"), nullptr) << "the next decision reads it";
  finish_write();
  EXPECT_NE(orderer_->durable_identities().find("siem/second"), nullptr);
}

TEST_F(OrdererDurabilityTest, AFullBacklogIsSaidAndDrains) {
  begin_with_backlog_max(10'000);
  EXPECT_FALSE(orderer_->full());
  std::vector<protocol::Unit> units;
  for (int i = 0; i < 100; ++i) units.push_back(unit_of(kms1_, "kms/c/object/k"));
  send(kms1_, units);
  EXPECT_TRUE(orderer_->full());
  sync();
  EXPECT_FALSE(orderer_->full());
}

TEST_F(OrdererDurabilityTest, AnswersThatWaitForTheDiskAreBacklogToo) {
  begin_with_backlog_max(10'000);
  send(kms1_, {unit_of(kms1_, "kms/c/object/k")});  // Under way: what is refused now waits for it.
  EXPECT_FALSE(orderer_->full());
  std::vector<protocol::Unit> units;
  for (int i = 0; i < 100; ++i) {
    units.push_back(unit_of(kms1_, "kms/c/object/k", {{"kms/c/name/n", 7}}));
  }
  send(kms1_, units);
  EXPECT_TRUE(orderer_->full());
  sync();
  EXPECT_FALSE(orderer_->full());
}

TEST_F(OrdererDurabilityTest, BatchesCloseBeforeTheyExceedAFrame) {
  send(kms1_, {unit_of(kms1_, "kms/c/object/a")});  // Under way: what follows waits.
  for (int i = 0; i < 8; ++i) {
    protocol::Unit unit = unit_of(kms1_, "kms/c/object/k");
    Body body = test::body_of("kms/c/object/k", Effect::kChange);
    const Attachment attachment{AttachmentKind::kSealed,
                                Bytes(200'000, static_cast<std::uint8_t>(i))};
    for (int j = 0; j < 5; ++j) {
      unit.attachments.push_back(attachment);
      unit.attachments.back().bytes[0] = static_cast<std::uint8_t>(100 + j);
      body.attachments.push_back(sha256(unit.attachments.back().bytes));
    }
    unit.bodies = {encode_body(body).value()};
    send(kms1_, {unit});
  }
  sync();
  EXPECT_EQ(log_.back().last, 11U);
  for (const Batch& batch : log_) {
    for (const TopicMessage& message : messages_of(batch, 1)) {
      EXPECT_LE(message.payload.size(), protocol::kFrameBytesMax);
    }
  }
}

TEST_F(OrdererDurabilityTest, TheHeadsTimeNeverGoesBackAndNeverPassesAFactUnderWay) {
  orderer_->tick(now_ + 100, 100);
  EXPECT_EQ(orderer_->head().log_time, now_ + 100);
  now_ += 200;
  send(kms1_, {unit_of(kms1_, "kms/c/object/k")});
  orderer_->tick(now_ + 300, 500);
  EXPECT_EQ(orderer_->head().log_time, kStart + 100) << "the fact under way is not told yet";
  finish_write();
  EXPECT_EQ(orderer_->head().log_time, now_);
  orderer_->tick(now_ + 10, 510);
  EXPECT_EQ(orderer_->head().log_time, now_ + 300);
}

}  // namespace
}  // namespace keytrail::eventstore
