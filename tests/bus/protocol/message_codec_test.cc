#include "bus/protocol/message_codec.h"

#include <gtest/gtest.h>

#include "tests/support/chain.h"

namespace keytrail::protocol {
namespace {

AppendBatch sample_batch() {
  Unit first;
  first.n = 1;
  first.guards = {{"kms/kms-1/epoch", 6}, {"kms/c/object/k1", 0}};
  first.bodies = {test::encoded_body_of("kms/c/object/k1", Effect::kChange), Bytes(8, 7)};
  first.attachments = {{AttachmentKind::kSealed, {1, 2, 3}}, {AttachmentKind::kClear, {}}};
  Unit second;
  second.n = 2;
  second.bodies = {Bytes(16, 9)};
  return {.epoch = 7, .units = {first, second}};
}

Hash leaf_of_number(std::uint8_t number) {
  Hash leaf{};
  leaf.fill(number);
  return leaf;
}

std::vector<Ack> sample_acks() {
  return {{.epoch = 7,
           .n = 1,
           .outcome = AppendOutcome::kAccepted,
           .first = 100,
           .count = 2,
           .leaf = leaf_of_number(101)},
          {.epoch = 7,
           .n = 2,
           .outcome = AppendOutcome::kConflict,
           .failed = {{"kms/c/object/k1", 3, 77}, {"kms/c/name/n", 0, 0}}},
          {.epoch = 7, .n = 3, .outcome = AppendOutcome::kFenced, .hint = "epoch 8 has begun"},
          {.epoch = 7, .n = 4, .outcome = AppendOutcome::kInvalid, .hint = "no such prefix"}};
}

BatchHeader sample_header() {
  BatchHeader header{
      .generation = 2, .previous = 5, .first = 10, .last = 19, .count = 4, .topics = 0x1A5};
  header.before = {1, 2, 5, 9, 0, 3, 4, 6};
  return header;
}

TEST(MessageCodecTest, MessagesSurviveTheWire) {
  EXPECT_EQ(decode_append_batch(encode(sample_batch())).value(), sample_batch());
  EXPECT_EQ(decode_acks(encode(sample_acks())).value(), sample_acks());
  EXPECT_EQ(decode_batch_header(encode(sample_header())).value(), sample_header());
  const Head head{3, 50, 1'700'000'000'000'000'000, {1, 2, 3, 4, 5, 6, 7, 50}, leaf_of_number(50)};
  EXPECT_EQ(decode_head(encode(head)).value(), head);
}

TEST(MessageCodecTest, AnswersTravelInAsManyMessagesAsTheirAuthorCanRead) {
  std::vector<Ack> acks;
  for (std::uint64_t n = 1; n <= 2 * kUnitsPerBatchMax; ++n) {
    Ack ack = sample_acks()[0];
    ack.n = n;
    acks.push_back(ack);
    if (n % 3 != 0) continue;
    acks.back() = {.epoch = 7, .n = n, .outcome = AppendOutcome::kConflict};
    acks.back().failed.assign(kGuardsPerUnitMax, {std::string(kStreamBytesMax, 'k'), 3, 77});
  }
  std::vector<Ack> read;
  for (const std::vector<Ack>& message : cut_into_messages(acks)) {
    ASSERT_FALSE(message.empty());
    EXPECT_LE(message.size(), kAcksPerMessageMax);
    const auto decoded = decode_acks(encode(message));
    ASSERT_TRUE(decoded.ok()) << decoded.error().detail;
    read.insert(read.end(), decoded->begin(), decoded->end());
  }
  EXPECT_EQ(read, acks);
  EXPECT_TRUE(cut_into_messages({}).empty());
}

TEST(MessageCodecTest, UnalignedBytesAreReadAllTheSame) {
  Bytes shifted = encode(sample_batch());
  shifted.insert(shifted.begin(), 0);
  EXPECT_EQ(decode_append_batch(ByteView(shifted).subspan(1)).value(), sample_batch());
}

TEST(MessageCodecTest, EveryTruncationIsRefused) {
  const Bytes whole = encode(sample_batch());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto batch = decode_append_batch(ByteView(whole).first(size));
    ASSERT_FALSE(batch.ok()) << size;
    EXPECT_EQ(batch.error().code, ErrorCode::kInvalid);
  }
}

TEST(MessageCodecTest, EverySingleByteOfDamageIsReadOrRefusedWithoutHarm) {
  for (const Bytes& whole :
       {encode(sample_batch()), encode(sample_acks()), encode(sample_header())}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        Bytes damaged = whole;
        damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ change);
        (void)decode_append_batch(damaged);
        (void)decode_acks(damaged);
        (void)decode_batch_header(damaged);
        (void)decode_head(damaged);
      }
    }
  }
}

TEST(MessageCodecTest, BytesAfterTheEndAreRefused) {
  Bytes more = encode(sample_acks());
  more.insert(more.end(), 8, 0);
  EXPECT_FALSE(decode_acks(more).ok());
}

TEST(MessageCodecTest, MoreThanTheCapsIsRefused) {
  AppendBatch batch = sample_batch();
  batch.units[0].guards.resize(kGuardsPerUnitMax + 1);
  EXPECT_FALSE(decode_append_batch(encode(batch)).ok());
  batch = sample_batch();
  batch.units[0].bodies.resize(kBodiesPerUnitMax + 1);
  EXPECT_FALSE(decode_append_batch(encode(batch)).ok());
  batch = sample_batch();
  batch.units[0].bodies[0].resize(kBodyBytesMax + 8);
  EXPECT_FALSE(decode_append_batch(encode(batch)).ok());
  batch = sample_batch();
  batch.units[0].attachments[0].bytes.resize(kAttachmentBytesMax + 1);
  EXPECT_FALSE(decode_append_batch(encode(batch)).ok());
  batch = sample_batch();
  batch.units[0].guards[0].stream = std::string(kStreamBytesMax + 1, 'a');
  EXPECT_FALSE(decode_append_batch(encode(batch)).ok());
}

TEST(MessageCodecTest, PositionsThatCannotBeAreRefused) {
  BatchHeader header = sample_header();
  header.first = 20;  // after last
  EXPECT_FALSE(decode_batch_header(encode(header)).ok());
  header = sample_header();
  header.before[3] = 10;  // within the batch
  EXPECT_FALSE(decode_batch_header(encode(header)).ok());
  EXPECT_FALSE(decode_head(encode(Head{1, 5, 0, {6}, {}})).ok());
  auto acks = sample_acks();
  acks[0].count = 0;  // accepted, and nowhere
  EXPECT_FALSE(decode_acks(encode(acks)).ok());
}

TEST(FactBlobTest, FactsSurviveAndDamageIsRefused) {
  test::Chain chain;
  chain.add("kms/kms-1", Effect::kChange);
  chain.add("vcenter/vc-1", Effect::kNote);
  Bytes blob;
  append_fact(blob, chain.at(1).fact.stamp, chain.at(1).fact.body);
  append_fact(blob, chain.at(2).fact.stamp, chain.at(2).fact.body);
  const std::vector<StoredFact> expected = {chain.at(1).fact, chain.at(2).fact};
  EXPECT_EQ(decode_facts(blob).value(), expected);

  for (std::size_t size = 1; size < blob.size(); ++size) {
    const auto facts = decode_facts(ByteView(blob).first(size));
    // A cut between two facts leaves a whole one.
    EXPECT_TRUE(!facts.ok() || facts->size() == 1) << size;
  }
  for (const std::uint8_t length : {std::uint8_t{0}, std::uint8_t{0x6F}, std::uint8_t{0xFF}}) {
    Bytes damaged = blob;
    damaged[0] = length;
    damaged[1] = damaged[2] = damaged[3] = length;
    EXPECT_FALSE(decode_facts(damaged).ok());
  }
  Bytes reserved = blob;
  reserved[4] = 1;
  EXPECT_FALSE(decode_facts(reserved).ok());
}

TEST(AttachmentBlobTest, AttachmentsSurviveAndDamageIsRefused) {
  const std::vector<PositionedAttachment> expected = {
      {17, 0, {AttachmentKind::kSealed, {1, 2, 3}}},
      {17, 1, {AttachmentKind::kClear, {}}},
      {18, 0, {AttachmentKind::kSealed, Bytes(64, 5)}}};
  Bytes blob;
  for (const auto& attachment : expected) append_attachment(blob, attachment);
  EXPECT_EQ(blob.size() % 8, 0U);
  EXPECT_EQ(decode_attachments(blob).value(), expected);
  Bytes kind = blob;
  kind[12] = 2;
  EXPECT_FALSE(decode_attachments(kind).ok());
  Bytes length = blob;
  length[18] = 0xFF;
  EXPECT_FALSE(decode_attachments(length).ok());
  EXPECT_FALSE(decode_attachments(ByteView(blob).first(blob.size() - 1)).ok());
}

TEST(TopicTest, NamesAndAuthorsGiveTopics) {
  for (std::size_t i = 0; i < kTopicCount; ++i) {
    const auto topic = static_cast<Topic>(i);
    EXPECT_EQ(topic_from(to_string(topic)), topic);
  }
  EXPECT_EQ(topic_of("kms/kms-1", Effect::kNote), Topic::kKmsNote);
  EXPECT_EQ(topic_of("esxi/host-1", Effect::kChange), Topic::kEsxiChange);
  EXPECT_EQ(topic_of("operator/cli", Effect::kChange), std::nullopt);
  EXPECT_EQ(topic_from("kms.changes"), std::nullopt);
}

}  // namespace
}  // namespace keytrail::protocol
