#include "bus/wire/last_file.h"

#include <gtest/gtest.h>

#include "tests/support/memory_file_system.h"

namespace keytrail::wire {
namespace {

const std::string kPath = "kms-1/last";

protocol::Known known_at(Position position) {
  protocol::Known known{.generation = 2, .position = position};
  known.leaf.fill(static_cast<std::uint8_t>(position));
  return known;
}

class LastFileTest : public testing::Test {
 protected:
  LastFileTest() {
    EXPECT_TRUE(files_.make_folder("kms-1").ok());
    EXPECT_TRUE(files_.sync_folder(".").ok());
  }
  test::MemoryFileSystem files_;
};

TEST_F(LastFileTest, WhatIsWrittenIsRead) {
  EXPECT_EQ(read_last_file(files_, kPath).value(), protocol::Known{});
  EXPECT_EQ(read_last_file(files_, "").value(), protocol::Known{});
  ASSERT_TRUE(write_last_file(files_, kPath, known_at(7)).ok());
  EXPECT_EQ(read_last_file(files_, kPath).value(), known_at(7));
}

TEST_F(LastFileTest, APowerCutLeavesTheOldWitnessOrTheNewOne) {
  ASSERT_TRUE(write_last_file(files_, kPath, known_at(7)).ok());
  for (std::size_t operation = 0; operation < 8; ++operation) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const protocol::Known before = read_last_file(files_, kPath).value();
      const protocol::Known after = known_at(before.position + 1);
      files_.cut_power_at(operation);
      const bool written = write_last_file(files_, kPath, after).ok();
      files_.restart(seed);
      const auto found = read_last_file(files_, kPath);
      ASSERT_TRUE(found.ok()) << "cut at " << operation << ", seed " << seed;
      EXPECT_TRUE(*found == after || (!written && *found == before))
          << "cut at " << operation << ", seed " << seed;
    }
  }
}

TEST_F(LastFileTest, ADamagedWitnessIsNotTakenForNone) {
  for (const std::string& content :
       {std::string(), std::string(40, '\0'), std::string("2 7\n"), std::string("2 7 00ff\n"),
        std::string("two 7 ") + std::string(64, '0'), std::string(1000, '7')}) {
    files_.plant(kPath, to_bytes(as_bytes(content)));
    const auto found = read_last_file(files_, kPath);
    ASSERT_FALSE(found.ok()) << content;
    EXPECT_EQ(found.error().code, ErrorCode::kCorrupt) << content;
  }
}

}  // namespace
}  // namespace keytrail::wire
