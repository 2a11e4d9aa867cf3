#include "bus/secret/secret_codec.h"

#include <gtest/gtest.h>

namespace keytrail {
namespace {

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

TEST(SecretCodecTest, ReadsBackWhatWasWrittenLittleEndian) {
  SecretWriter writer;
  writer.u8(0xab);
  writer.u32(0x01020304);
  writer.u64(0x1122334455667788);
  writer.sized(std::string_view("name"));
  writer.sized(secret("key"));
  writer.raw(secret("raw"));
  const SecretBytes bytes = writer.finish();
  EXPECT_EQ(to_hex(bytes.read(SecretAccess{})),
            "ab"
            "04030201"
            "8877665544332211"
            "040000006e616d65"
            "030000006b6579"
            "726177");
  EXPECT_TRUE(writer.finish().empty());

  SecretReader reader(bytes);
  EXPECT_EQ(reader.u8().value(), 0xab);
  EXPECT_EQ(reader.u32().value(), 0x01020304U);
  EXPECT_EQ(reader.u64().value(), 0x1122334455667788U);
  EXPECT_EQ(reader.text().value(), "name");
  EXPECT_TRUE(reader.sized().value().equals(as_bytes("key")));
  EXPECT_FALSE(reader.expect_end().ok());
  EXPECT_TRUE(reader.raw(3).value().equals(as_bytes("raw")));
  EXPECT_TRUE(reader.expect_end().ok());
}

TEST(SecretCodecTest, GrowsWithWhatIsWritten) {
  SecretWriter writer;
  for (std::uint32_t i = 0; i < 10'000; ++i) writer.u32(i);
  const SecretBytes bytes = writer.finish();
  SecretReader reader(bytes);
  for (std::uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(reader.u32().value(), i);
}

TEST(SecretCodecTest, RefusesToReadPastTheEnd) {
  const SecretBytes bytes = SecretBytes::copy_of(Bytes{0xff, 0xff, 0xff, 0xff, 1});
  for (const auto read : {+[](SecretReader& r) { return r.u64().error().code; },
                          +[](SecretReader& r) { return r.sized().error().code; },
                          +[](SecretReader& r) { return r.text().error().code; },
                          +[](SecretReader& r) { return r.raw(6).error().code; }}) {
    SecretReader reader(bytes);
    EXPECT_EQ(read(reader), ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace keytrail
