#include "bus/wire/curve.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace keytrail::wire {
namespace {

TEST(CurveKeysTest, AWrittenKeyFileIsReadBackAndOnlyItsOwnerMayReadIt) {
  const testing::TempFolder folder;
  OsRandom random;
  const CurveKeys keys = make_curve_keys(random);
  ASSERT_TRUE(write_curve_keys(folder.file("key"), keys).ok());

  const auto read = read_curve_keys(folder.file("key"));
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(read->public_key, keys.public_key);
  EXPECT_TRUE(read->secret_key.equals(keys.secret_key));
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(CurveKeysTest, WhatAnUnfinishedWriteLeftBehindLetsNobodyElseIn) {
  const testing::TempFolder folder;
  std::ofstream(folder.file("key.new")) << "half a k";
  ASSERT_EQ(::chmod(folder.file("key.new").c_str(), 0644), 0);
  OsRandom random;
  ASSERT_TRUE(write_curve_keys(folder.file("key"), make_curve_keys(random)).ok());
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(CurveKeysTest, EachPairIsItsOwn) {
  OsRandom random;
  const CurveKeys a = make_curve_keys(random);
  const CurveKeys b = make_curve_keys(random);
  EXPECT_EQ(a.public_key.size(), 40U);
  EXPECT_NE(a.public_key, b.public_key);
  EXPECT_FALSE(a.secret_key.equals(b.secret_key));
}

TEST(CurveKeysTest, AFileThatIsNoKeyFileIsToldInASentenceWithoutItsContent) {
  const testing::TempFolder folder;
  const auto detail_of = [&](const std::string& content) {
    std::ofstream(folder.file("key")) << content;
    const auto read = read_curve_keys(folder.file("key"));
    EXPECT_FALSE(read.ok()) << content;
    return read.ok() ? std::string() : read.error().detail;
  };
  const std::string forty(40, 'a');
  for (const std::string& content :
       {std::string(), std::string("{"), std::string(R"({"public": "short", "secret": "short"})"),
        R"({"public": ")" + forty + R"("})", R"({"public": ")" + forty + R"(", "secret": )",
        R"({"public": ")" + forty + R"(", "secret": ")" + std::string(40, '\n') + R"("})",
        std::string(1 << 20, 'x')}) {
    const std::string detail = detail_of(content);
    EXPECT_NE(detail.find("key file"), std::string::npos) << detail;
    EXPECT_EQ(detail.find(forty), std::string::npos) << detail;
  }
}

TEST(CurveKeysTest, AMissingFileIsNotFound) {
  const testing::TempFolder folder;
  const auto read = read_curve_keys(folder.file("nothing"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace keytrail::wire
