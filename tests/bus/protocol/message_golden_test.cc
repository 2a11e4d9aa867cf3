// The messages of the append and live sockets, byte for byte: a public interface (bus/README.md).
#include "bus/protocol/message_codec.h"
#include "tests/support/golden.h"

namespace keytrail::protocol {
namespace {

using test::golden;

Hash hash_of_number(std::uint8_t number) {
  Hash hash{};
  hash.fill(number);
  return hash;
}

template <class T>
void expect_kept(const std::string& name, const T& value, Result<T> (*decode)(ByteView)) {
  const Bytes written = encode(value);
  const Bytes kept = golden("protocol/" + name, written);
  EXPECT_EQ(kept, written) << name;
  const Result<T> read = decode(kept);
  ASSERT_TRUE(read.ok()) << name << ": " << read.error().detail;
  EXPECT_EQ(*read, value) << name;
}

TEST(MessageGoldenTest, AnAppendBatch) {
  const Unit first{.n = 1,
                   .guards = {{"kms/kms-1/epoch", 6}, {"kms/c/object/k1", 0}},
                   .bodies = {Bytes(16, 9), Bytes(8, 7)},
                   .attachments = {{AttachmentKind::kSealed, {1, 2, 3}},
                                   {AttachmentKind::kClear, {}}}};
  const Unit second{.n = 2, .guards = {}, .bodies = {Bytes(24, 5)}, .attachments = {}};
  expect_kept("append_batch_v1.bin", AppendBatch{.epoch = 7, .units = {first, second}},
              decode_append_batch);
}

TEST(MessageGoldenTest, AnswersOfEachOutcome) {
  const std::vector<Ack> acks = {
      {.epoch = 7,
       .n = 1,
       .outcome = AppendOutcome::kAccepted,
       .first = 100,
       .count = 2,
       .leaf = hash_of_number(101)},
      {.epoch = 7,
       .n = 2,
       .outcome = AppendOutcome::kConflict,
       .failed = {{"kms/c/object/k1", 3, 77}, {"kms/c/name/n", 0, 0}}},
      {.epoch = 7, .n = 3, .outcome = AppendOutcome::kFenced, .hint = "epoch 8 has begun"},
      {.epoch = 7, .n = 4, .outcome = AppendOutcome::kInvalid, .hint = "no such prefix"}};
  expect_kept("acks_v1.bin", acks, decode_acks);
}

TEST(MessageGoldenTest, TheHeaderOfABatch) {
  expect_kept("batch_header_v1.bin",
              BatchHeader{.generation = 2,
                          .previous = 5,
                          .first = 10,
                          .last = 19,
                          .count = 4,
                          .topics = 0x1A5,
                          .before = {1, 2, 5, 9, 0, 3, 4, 6}},
              decode_batch_header);
}

TEST(MessageGoldenTest, AHead) {
  expect_kept("head_v1.bin",
              Head{.generation = 3,
                   .durable_head = 50,
                   .log_time = 1'700'000'000'000'000'000,
                   .last = {1, 2, 3, 4, 5, 6, 7, 50},
                   .leaf = hash_of_number(50)},
              decode_head);
}

TEST(MessageGoldenTest, ABlobOfFacts) {
  Bytes written;
  std::vector<StoredFact> facts;
  for (const Position position : {Position{41}, Position{42}}) {
    const auto stamp = encode_stamp({.position = position,
                                     .time = 1'795'507'200'000'000'001,
                                     .author_epoch = 3,
                                     .request = 7,
                                     .version = 5,
                                     .previous_in_stream = 40,
                                     .author = "kms/kms-1",
                                     .previous = hash_of_number(0xab)});
    facts.push_back({to_bytes(stamp), Bytes(8 * (position - 40), 0x5a)});
    append_fact(written, stamp, facts.back().body);
  }
  const Bytes kept = golden("protocol/facts_v1.bin", written);
  EXPECT_EQ(kept, written);
  const auto read = decode_facts(kept).value();
  ASSERT_EQ(read.size(), facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(read[i].stamp, facts[i].stamp);
    EXPECT_EQ(read[i].body, facts[i].body);
  }
}

TEST(MessageGoldenTest, ABlobOfAttachments) {
  const std::vector<PositionedAttachment> attachments = {
      {42, 0, {AttachmentKind::kClear, {1, 2, 3}}},
      {42, 1, {AttachmentKind::kSealed, Bytes(16, 9)}},
      {43, 0, {AttachmentKind::kClear, {}}}};
  Bytes written;
  for (const PositionedAttachment& attachment : attachments) append_attachment(written, attachment);
  const Bytes kept = golden("protocol/attachments_v1.bin", written);
  EXPECT_EQ(kept, written);
  EXPECT_EQ(decode_attachments(kept).value(), attachments);
}

}  // namespace
}  // namespace keytrail::protocol
