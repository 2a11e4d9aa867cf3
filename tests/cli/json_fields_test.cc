#include "cli/json_fields.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "cli/event_types.h"
#include "cli/wait_until.h"

namespace keytrail::cli {
namespace {

TEST(JsonFieldsTest, AMemberOfAnotherKindIsAsGoodAsNone) {
  const auto object = parse_object(R"({"a": 1, "b": "x", "c": [7, {"d": 2}]})", "it");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(text_at(*object, "b"), "x");
  EXPECT_EQ(number_at(*object, "a"), 1);
  EXPECT_EQ(text_at(*object, "a"), "");
  EXPECT_EQ(number_at(*object, "b"), 0);
  EXPECT_FALSE(flag_at(*object, "b"));
  EXPECT_TRUE(object_at(*object, "c").empty());
  ASSERT_EQ(objects_at(*object, "c").size(), 1U);
  EXPECT_EQ(number_at(*objects_at(*object, "c")[0], "d"), 2);
  EXPECT_TRUE(objects_at(*object, "a").empty());
}

TEST(JsonFieldsTest, WhatIsNoObjectIsSaidToBeNone) {
  for (const char* text : {"", "[]", "{", "7", "{} {}"}) {
    const auto object = parse_object(text, "the answer");
    ASSERT_FALSE(object.ok()) << text;
    EXPECT_EQ(object.error().detail, "the answer is not a JSON object");
  }
}

TEST(JsonFieldsTest, APasswordOfAnyLettersReadsBackAsItWas) {
  const std::string password = "a\"b\\c\n\x01\xC3\xA4";
  const std::string written =
      user_and_password("al\"ice", SecretBytes::copy_of(as_bytes(password)));
  const auto object = parse_object(written, "it");
  ASSERT_TRUE(object.ok()) << written;
  EXPECT_EQ(text_at(*object, "user"), "al\"ice");
  EXPECT_EQ(text_at(*object, "password"), password);
}

TEST(PlainTextTest, ItsLettersAreFoundWhereTheyStandAndCanBeWrittenOver) {
  std::string json = R"({"idle":60, "session" : "abc","user":"al"})";
  const std::span<char> letters = plain_text_at(json, "session");
  EXPECT_EQ(std::string(letters.begin(), letters.end()), "abc");
  std::fill(letters.begin(), letters.end(), '-');
  EXPECT_EQ(text_at(parse_object(json, "it").value(), "session"), "---");
  for (std::string other : {"{}", "", R"({"session")", R"({"session":7})", R"({"session":"ab)"}) {
    EXPECT_TRUE(plain_text_at(other, "session").empty()) << other;
  }
}

TEST(Utf8Test, TellsWhatCanBeSentAsJson) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("J\u00fcrgen \"\\ \x01"));
  EXPECT_FALSE(is_utf8("\xff"));
  EXPECT_FALSE(is_utf8("\xc3"));
}

TEST(WaitUntilTest, ItAsksAtOnceAndOnceMoreWhenTheTimeIsOver) {
  int asked = 0;
  EXPECT_TRUE(wait_until(std::chrono::hours(1), [&] { return ++asked == 1; }));
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE(wait_until(std::chrono::seconds(0), [&] { return ++asked == 0; }));
  EXPECT_EQ(asked, 2);
}

TEST(WaitUntilTest, ItAsksAgainUntilTheAnswerIsYes) {
  int asked = 0;
  EXPECT_TRUE(wait_until(std::chrono::hours(1), [&] { return ++asked == 3; }));
}

TEST(EventTypeTest, TheNameIsFoundInEveryFormThatOneSees) {
  EXPECT_EQ(event_type("KeyReleased").value(), "KeyReleased");
  EXPECT_EQ(event_type("keyreleased").value(), "KeyReleased");
  EXPECT_EQ(event_type("kms.KeyReleased").value(), "kms.KeyReleased");
  EXPECT_EQ(event_type("kms.*").value(), "kms.*");
}

TEST(EventTypeTest, WhatNoEventIsCalledIsRefusedWithNamesThatAreLikeIt) {
  const auto type = event_type("Released");
  ASSERT_FALSE(type.ok());
  EXPECT_EQ(type.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(type.error().detail, ::testing::HasSubstr("KeyReleased"));
  for (const char* text : {"", "*", "esxi.KeyReleased", "nobody.*"}) {
    EXPECT_FALSE(event_type(text).ok()) << text;
  }
}

}  // namespace
}  // namespace keytrail::cli
