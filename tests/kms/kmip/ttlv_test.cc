#include "kms/kmip/ttlv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace keytrail::kmip::ttlv {
namespace {

using ::testing::HasSubstr;

Bytes hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '|') digits.push_back(c);
  }
  return from_hex(digits).value();
}

std::string complaint_about(std::string_view text, const Limits& limits = {}) {
  const Bytes bytes = hex(text);
  const Result<ItemView> parsed = parse(bytes, limits);
  return parsed ? "none" : parsed.error().detail;
}

std::string written(void (*write_items)(Writer&)) {
  Writer writer;
  write_items(writer);
  const SecretBytes bytes = writer.take();
  return to_hex(bytes.read(SecretAccess()));
}

constexpr Tag kExample = static_cast<Tag>(0x420020);

// The examples of KMIP 1.4, section 9.1.2.
TEST(TtlvTest, WritesTheStandardsExamples) {
  EXPECT_EQ(written([](Writer& w) { w.integer(kExample, 8); }), "42002002000000040000000800000000");
  EXPECT_EQ(written([](Writer& w) { w.long_integer(kExample, 123456789000000000); }),
            "420020030000000801b69b4ba5749200");
  EXPECT_EQ(written([](Writer& w) { w.enumeration(kExample, 255); }),
            "4200200500000004000000ff00000000");
  EXPECT_EQ(written([](Writer& w) { w.boolean(kExample, true); }),
            "42002006000000080000000000000001");
  EXPECT_EQ(written([](Writer& w) { w.text(kExample, "Hello World"); }),
            "420020070000000b48656c6c6f20576f726c640000000000");
  EXPECT_EQ(written([](Writer& w) { w.bytes(kExample, hex("010203")); }),
            "42002008000000030102030000000000");
  EXPECT_EQ(written([](Writer& w) { w.date_time(kExample, 0x47DA67F8); }),
            "42002009000000080000000047da67f8");
  EXPECT_EQ(written([](Writer& w) { w.interval(kExample, 864000); }),
            "4200200a00000004000d2f0000000000");
  EXPECT_EQ(written([](Writer& w) {
              w.begin(kExample);
              w.enumeration(static_cast<Tag>(0x420004), 254);
              w.integer(static_cast<Tag>(0x420005), 255);
              w.end();
            }),
            "42002001000000204200040500000004000000fe000000004200050200000004000000ff00000000");
}

TEST(TtlvTest, ReadsBackEveryTypeAsItWasWritten) {
  const Structure values{{{kExample, std::int32_t{-7}},
                          {kExample, std::int64_t{-123456789012}},
                          {kExample, BigInteger{hex("ffffffffffffff00")}},
                          {kExample, Enumeration{0x80000001}},
                          {kExample, true},
                          {kExample, std::string("Grüße, 鍵")},
                          {kExample, hex("00ff00")},
                          {kExample, DateTime{-1}},
                          {kExample, Interval{3600}},
                          {kExample, Structure{}}}};
  Writer writer;
  write(writer, Tag::kAttributeValue, values);
  const SecretBytes bytes = writer.take();
  const Result<ItemView> item = parse(bytes.read(SecretAccess()));
  ASSERT_TRUE(item.ok()) << item.error().detail;
  EXPECT_EQ(value_of(*item), Value(values));
}

TEST(TtlvTest, RefusesEveryTruncationOfAMessage) {
  const Bytes whole =
      hex("42002001000000204200040500000004000000fe000000004200050200000004000000ff00000000");
  ASSERT_TRUE(parse(whole).ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse(ByteView(whole).first(length)).ok()) << length;
  }
}

TEST(TtlvTest, SaysWhatIsWrongWithAMalformedItem) {
  EXPECT_THAT(complaint_about("420020 02 00000003 000008 0000000000"), HasSubstr("wrong length"));
  EXPECT_THAT(complaint_about("420020 02 00000004 00000008 00000001"), HasSubstr("padding"));
  EXPECT_THAT(complaint_about("420020 06 00000008 0000000000000002"), HasSubstr("neither true"));
  EXPECT_THAT(complaint_about("420020 04 00000004 00000001 00000000"), HasSubstr("multiple of 8"));
  EXPECT_THAT(complaint_about("420020 04 00000000"), HasSubstr("multiple of 8"));
  EXPECT_THAT(complaint_about("420020 0b 00000008 0000000000000000"), HasSubstr("unknown type"));
  EXPECT_THAT(complaint_about("430020 02 00000004 00000008 00000000"), HasSubstr("no KMIP tag"));
  EXPECT_THAT(complaint_about("420020 08 ffffffff 00"), HasSubstr("longer than what holds it"));
  EXPECT_THAT(complaint_about("420020 02 00000004 00000008 00000000 00"), HasSubstr("follow"));
  // A structure that ends inside its child.
  EXPECT_THAT(complaint_about("420020 01 00000008 420004 05 00000004 000000fe 00000000"),
              HasSubstr("longer than what holds it"));
}

TEST(TtlvTest, RefusesTextThatIsNotUtf8) {
  for (const std::string_view bad : {"c080000000000000", "eda0800000000000", "f490808000000000",
                                     "80ffffff00000000", "e282000000000000"}) {
    EXPECT_THAT(complaint_about("420020 07 00000004 " + std::string(bad)), HasSubstr("UTF-8"))
        << bad;
  }
  EXPECT_EQ(complaint_about("420020 07 00000004 f09f9491 00000000"), "none");
}

TEST(TtlvTest, BoundsDepthItemsAndSizeBeforeAnythingIsAllocated) {
  Bytes nested;
  for (int i = 0; i < 64; ++i) {
    Bytes outer = hex("42002001");
    const auto length = static_cast<std::uint32_t>(nested.size());
    for (int shift = 24; shift >= 0; shift -= 8) {
      outer.push_back(static_cast<std::uint8_t>(length >> shift));
    }
    outer.insert(outer.end(), nested.begin(), nested.end());
    nested = outer;
  }
  EXPECT_THAT(parse(nested).error().detail, HasSubstr("too deeply"));

  Limits few;
  few.items_max = 2;
  EXPECT_THAT(
      complaint_about("42002001000000204200040500000004000000fe000000004200050200000004000000ff"
                      "00000000",
                      few),
      HasSubstr("too many"));

  Limits small;
  small.message_bytes_max = 64;
  const Bytes header = hex("42007801 00000040");
  EXPECT_EQ(announced_bytes(header, Tag::kRequestMessage, small).error().code, ErrorCode::kRefused);
  EXPECT_EQ(announced_bytes(hex("42007801 00000038"), Tag::kRequestMessage, small).value(), 64U);
  EXPECT_EQ(announced_bytes(hex("42007b01 00000038"), Tag::kRequestMessage, small).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(announced_bytes(as_bytes("GET / HT"), Tag::kRequestMessage, small).error().code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace keytrail::kmip::ttlv
