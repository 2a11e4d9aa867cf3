#include "bus/wire/read_protocol.h"

#include <gtest/gtest.h>

namespace keytrail::wire {
namespace {

template <class T>
void expect_same(const T& value, Result<T> (*from)(ByteView)) {
  const std::string json = to_json(value);
  const auto read = from(as_bytes(json));
  ASSERT_TRUE(read.ok()) << json << ": " << read.error().detail;
  EXPECT_EQ(*read, value) << json;
}

TEST(ReadProtocolTest, WhatOneEndWritesTheOtherReads) {
  expect_same(
      Hello{
          .form = PayloadForm::kCloudEvents, .log = "00ff", .known = {2, ~Position{0}, Hash{1, 2}}},
      hello_from);
  expect_same(Welcome{.log = "ab",
                      .generation = 3,
                      .first = 1,
                      .head = 7,
                      .topics = {"kms.change"},
                      .schema = 1,
                      .heartbeat_ms = 500},
              welcome_from);
  expect_same(protocol::Head{.generation = 1,
                             .durable_head = 9,
                             .log_time = 5,
                             .last = {1, 2, 3, 4, 5, 6, 7, 9},
                             .leaf = Hash{7}},
              head_from);
  const Selection selection{.topics = {"kms.change"},
                            .filter = {.types = {"KeyReleased"}, .outcomes = {"refused", "failed"}},
                            .attachments = AttachmentsWanted::kSealed};
  expect_same(ReadQuery{.after = 5, .until = 9, .limit = 100, .selection = selection},
              read_query_from);
  expect_same(ReadEnd{.position = 4, .head = 5}, read_end_from);
  expect_same(FollowQuery{.after = 41, .credit = 10, .selection = selection}, follow_query_from);
  expect_same(FollowQuery{.after = std::nullopt, .credit = 0, .selection = {}}, follow_query_from);
  expect_same(Progress{.position = 1, .head = 2, .log_time = 3}, progress_from);
  expect_same(ReadError{.code = "malformed", .message = "say \"please\"\n", .hint = ""},
              read_error_from);
  EXPECT_EQ(credit_from(as_bytes(credit_json(77))).value(), 77U);
}

TEST(ReadProtocolTest, FollowBeginsWhereFromSays) {
  const auto after = [](const std::string& json) {
    return follow_query_from(as_bytes(json)).value().after;
  };
  EXPECT_EQ(after("{}"), Position{0});
  EXPECT_EQ(after(R"({"from":"start"})"), Position{0});
  EXPECT_EQ(after(R"({"from":"end"})"), std::nullopt);
  EXPECT_EQ(after(R"({"from":"12"})"), Position{11});
  EXPECT_EQ(after(R"({"from":12})"), Position{11});
}

TEST(ReadProtocolTest, MalformedBodiesAreRefused) {
  for (const char* json :
       {"", "[]", "{", "7", R"({"after":-1})", R"({"after":"x"})", R"({"after":"1x"})",
        R"({"after":1.5})", R"({"limit":4294967296})", R"({"filter":[]})",
        R"({"filter":{"colour":["red"]}})", R"({"filter":{"types":"KeyReleased"}})",
        R"({"filter":{"types":[7]}})", R"({"filter":{"outcomes":["great"]}})", R"({"topics":{}})",
        R"({"attachments":"all"})"}) {
    const auto query = read_query_from(as_bytes(json));
    ASSERT_FALSE(query.ok()) << json;
    EXPECT_EQ(query.error().code, ErrorCode::kInvalid) << json;
  }
  EXPECT_FALSE(hello_from(as_bytes(R"({"form":"xml"})")).ok());
  EXPECT_FALSE(hello_from(as_bytes(R"({"leaf":"00"})")).ok());
}

TEST(ReadProtocolTest, SizesAreCapped) {
  std::string many = R"({"filter":{"types":["a")";
  for (std::size_t i = 0; i < kFilterValuesMax; ++i) many += R"(,"a")";
  EXPECT_FALSE(read_query_from(as_bytes(many + "]}}")).ok());
  const std::string long_value(kFilterValueBytesMax + 1, 'a');
  EXPECT_FALSE(read_query_from(as_bytes(R"({"topics":[")" + long_value + "\"]}")).ok());
  EXPECT_FALSE(read_query_from(as_bytes("{" + std::string(kReadBodyBytesMax, ' ') + "}")).ok());
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(read_query_from(as_bytes(deep)).ok());
}

}  // namespace
}  // namespace keytrail::wire
