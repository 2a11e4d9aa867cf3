#include "eventstore/order/batch.h"

#include "bus/protocol/message_codec.h"
#include "tests/eventstore/order/order_fixture.h"

namespace keytrail::eventstore {
namespace {

using protocol::Topic;

class MessagesOfTest : public OrderFixture {
 protected:
  MessagesOfTest() {
    start(kms1_);
    start(vcenter_);
  }
  Author vcenter_{"vcenter/vc-1"};
};

TEST_F(MessagesOfTest, ABatchOfSeveralTopicsIsAMessageEach) {
  send(kms1_, {unit_of(kms1_, "kms/c/object/a")});  // 3, under way: what follows is one batch.
  send(vcenter_, {unit_of(vcenter_, "vcenter/vc-1/rights")});
  protocol::Unit sealed = unit_of(kms1_, "kms/c/object/k");
  Body body = test::body_of("kms/c/object/k", Effect::kChange);
  sealed.attachments = {{AttachmentKind::kSealed, {1, 2, 3}}};
  body.attachments = {sha256(sealed.attachments[0].bytes)};
  sealed.bodies = {encode_body(body).value()};
  send(kms1_, {sealed});
  send(kms1_, {unit_of(kms1_, "kms/c/object/k", {}, Effect::kNote)});
  send(vcenter_, {unit_of(vcenter_, "vcenter/vc-1/rights")});
  sync();
  const Batch& batch = log_.back();
  const auto messages = messages_of(batch, 4);

  std::vector<Topic> topics;
  for (const auto& message : messages) topics.push_back(message.topic);
  EXPECT_EQ(topics, (std::vector<Topic>{Topic::kKmsSealed, Topic::kKmsChange, Topic::kKmsNote,
                                        Topic::kVcenterChange}));
  std::size_t facts = 0;
  for (const auto& message : messages) {
    EXPECT_EQ(message.header.generation, 4U);
    EXPECT_EQ(message.header.first, 4U);
    EXPECT_EQ(message.header.last, 7U);
    EXPECT_EQ(protocol::decode_batch_header(protocol::encode(message.header)).value(),
              message.header);
    for (const auto& other : messages) {
      EXPECT_NE(message.header.topics & protocol::topic_bit(other.topic), 0);
    }
    if (message.topic == Topic::kKmsSealed) continue;
    const auto decoded = protocol::decode_facts(message.payload).value();
    EXPECT_EQ(decoded.size(), message.header.count);
    facts += decoded.size();
  }
  EXPECT_EQ(facts, 4U);
  EXPECT_EQ(messages[1].header.previous, 3U) << "kms.change";
  EXPECT_EQ(messages[2].header.previous, 0U) << "kms.note";
  EXPECT_EQ(messages[3].header.previous, 2U) << "vcenter.change";
  EXPECT_EQ(messages[0].payload.size(), batch.attachment_bytes) << "what its bound is of";
  const auto attachments = protocol::decode_attachments(messages[0].payload).value();
  ASSERT_EQ(attachments.size(), 1U);
  EXPECT_EQ(attachments[0].position, 5U);
}

TEST_F(MessagesOfTest, ABatchOfOneTopicIsPublishedAsItLies) {
  append(kms1_, unit_of(kms1_, "kms/c/object/k"));
  const auto messages = messages_of(log_.back(), 1);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].payload, log_.back().facts);
}

}  // namespace
}  // namespace keytrail::eventstore
