#include "esxi/service/console_log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temp_folder.h"

namespace keytrail::esxi {
namespace {

class ConsoleLogTest : public ::testing::Test {
 protected:
  Result<ConsoleLog> open(std::uint64_t bytes_max) {
    return ConsoleLog::open(disk::OsDiskFolder::open_folder(temporary_.path()).value(), bytes_max);
  }

  std::string contents(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(temporary_.file(name)).rdbuf();
    return text.str();
  }

  keytrail::testing::TempFolder temporary_;
};

TEST_F(ConsoleLogTest, IsAppendedToFromStartToStart) {
  for (const char* said : {"one ", "two"}) {
    ASSERT_TRUE(open(100).value().append(as_bytes(said)).ok());
  }
  EXPECT_EQ(contents("console.log"), "one two");
  EXPECT_FALSE(std::filesystem::exists(temporary_.file("console.old.log")));
}

TEST_F(ConsoleLogTest, KeepsTheLastOfWhatIsSaidInTwoFilesOfBoundedSize) {
  auto log = open(4).value();
  ASSERT_TRUE(log.append(as_bytes("abcdefghij")).ok());
  EXPECT_EQ(contents("console.old.log"), "efgh");
  EXPECT_EQ(contents("console.log"), "ij");
  ASSERT_TRUE(log.append(as_bytes("klm")).ok());
  EXPECT_EQ(contents("console.old.log"), "ijkl");
  EXPECT_EQ(contents("console.log"), "m");
}

TEST_F(ConsoleLogTest, OneThatIsTooLongAlreadyMakesRoom) {
  std::ofstream(temporary_.file("console.log")) << "of another release";
  ASSERT_TRUE(open(4).value().append(as_bytes("new")).ok());
  EXPECT_EQ(contents("console.log"), "new");
}

TEST_F(ConsoleLogTest, AFailureIsToldOnceAndNothingIsKeptAfterIt) {
  auto log = open(4).value();
  ASSERT_TRUE(log.append(as_bytes("abcd")).ok());
  std::filesystem::create_directory(temporary_.file("console.old.log"));
  EXPECT_FALSE(log.append(as_bytes("e")).ok());
  std::filesystem::remove(temporary_.file("console.old.log"));
  EXPECT_TRUE(log.append(as_bytes("f")).ok());
  EXPECT_EQ(contents("console.log"), "abcd");
}

}  // namespace
}  // namespace keytrail::esxi
