#include "bus/events/codec.h"

#include <gmock/gmock.h>

#include "tests/bus/events/sample_bodies.h"

namespace keytrail {
namespace {

class EveryEventTest : public testing::TestWithParam<test::SampleBody> {};

TEST_P(EveryEventTest, KeepsEachFieldOfTheSchema) {
  const auto body = decode_body(GetParam().bytes);
  ASSERT_TRUE(body.ok()) << body.error().detail;
  EXPECT_EQ(part_of(body.value().event), GetParam().part);
  EXPECT_EQ(type_of(body.value().event), GetParam().type);
  const auto again = encode_body(body.value());
  ASSERT_TRUE(again.ok()) << again.error().detail;
  EXPECT_EQ(test::print_body(again.value()), test::print_body(GetParam().bytes));
  EXPECT_EQ(decode_body(again.value()).value(), body.value());
}

TEST_P(EveryEventTest, IsPeekedWithoutBeingDecoded) {
  const auto header = peek_body(GetParam().bytes);
  ASSERT_TRUE(header.ok()) << header.error().detail;
  const auto body = decode_body(GetParam().bytes);
  EXPECT_EQ(header.value().stream, body.value().stream);
  EXPECT_EQ(header.value().part, GetParam().part);
  EXPECT_EQ(header.value().effect, effect_of(body.value().event));
  EXPECT_EQ(header.value().attachments, body.value().attachments);
}

INSTANTIATE_TEST_SUITE_P(Codec, EveryEventTest, testing::ValuesIn(test::sample_bodies()),
                         [](const auto& sample) {
                           return sample.param.part + "_" + sample.param.type;
                         });

TEST(CodecTest, KnowsExactlyTheEventsOfTheSchema) {
  EXPECT_EQ(test::all_events().size(), test::events_in_schema());
}

}  // namespace
}  // namespace keytrail
