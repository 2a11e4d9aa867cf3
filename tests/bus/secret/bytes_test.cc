#include "bus/secret/bytes.h"

#include <gtest/gtest.h>

namespace keytrail {
namespace {

TEST(HexTest, TakesBothCasesAndWritesTheLower) {
  EXPECT_EQ(to_hex(from_hex("00fFA5").value()), "00ffa5");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_TRUE(from_hex("").value().empty());
}

TEST(HexTest, RefusesAnythingElse) {
  for (const std::string_view text : {"0", "0g", "g0", " 0", "0x", "00 ", "0\n"}) {
    EXPECT_EQ(from_hex(text).error().code, ErrorCode::kInvalid) << text;
  }
}

TEST(Base64Test, FollowsTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(as_text(from_base64(encoded).value()), plain);
  }
}

TEST(Base64Test, RefusesWhatIsNotCanonical) {
  for (const std::string_view text : {"Zg=", "Zg", "Z===", "====", "Zh==", "Zm9=", "Zm 8", "Zm9v\n",
                                      "=m9v", "Zg==Zg==", "Zm-_"}) {
    EXPECT_FALSE(from_base64(text).ok()) << text;
  }
}

}  // namespace
}  // namespace keytrail
