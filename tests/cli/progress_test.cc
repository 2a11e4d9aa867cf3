#include "cli/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace keytrail::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

TEST(ProgressTest, ALineShowsHowMuchIsDoneAndHowLongItTook) {
  EXPECT_EQ(progress_line(0.5, seconds(12)), "[===============---------------]  50 %   12 s");
  EXPECT_EQ(progress_line(0, seconds(0)), "[------------------------------]   0 %   0 s");
  EXPECT_EQ(progress_line(1, seconds(3)),
            "[==============================] 100 %   finishing   3 s");
  EXPECT_EQ(progress_line(1.7, seconds(3)), progress_line(1, seconds(3)));
}

TEST(ProgressTest, WhereNothingCanBeToldTheTimeAloneIsShown) {
  EXPECT_EQ(progress_line(std::nullopt, seconds(7)), "7 s");
}

class ShareConvertedTest : public ::testing::Test {
 protected:
  void write(const std::string& name, std::size_t written, std::size_t size) const {
    std::ofstream(folder_.file(name), std::ios::binary) << std::string(written, 'x');
    fs::resize_file(folder_.file(name), size);
  }
  keytrail::testing::TempFolder folder_;
};

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST_F(ShareConvertedTest, IsWhatTheNewestDataFileHoldsOfItsSize) {
  write("vm-1-flat.vmdk", kMiB, kMiB);
  write("vm-1-flat.2.vmdk", kMiB / 4, kMiB);
  const auto share = share_converted(folder_.path());
  ASSERT_TRUE(share.has_value());
  EXPECT_NEAR(*share, 0.25, 0.02);
}

TEST_F(ShareConvertedTest, TheTenthGenerationIsNewerThanTheNinth) {
  write("vm-1-flat.9.vmdk", kMiB, kMiB);
  write("vm-1-flat.10.vmdk", 0, kMiB);
  EXPECT_LT(share_converted(folder_.path()).value_or(1), 0.01);
}

TEST_F(ShareConvertedTest, RoomThatWasTakenIsNotYetWritten) {
  write("vm-1-flat.vmdk", kMiB, kMiB);
  write("vm-1-flat.2.vmdk", kMiB / 2, kMiB / 2);
  const int fd = ::open(folder_.file("vm-1-flat.2.vmdk").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::posix_fallocate(fd, 0, kMiB), 0);
  ::close(fd);
  EXPECT_NEAR(share_converted(folder_.path()).value_or(1), 0.5, 0.02);
}

TEST_F(ShareConvertedTest, IsWholeOnceAllIsWritten) {
  write("vm-1-flat.vmdk", kMiB, kMiB);
  write("vm-1-flat.2.vmdk", kMiB, kMiB);
  EXPECT_EQ(share_converted(folder_.path()), 1.0) << "the old file is still there";
}

TEST_F(ShareConvertedTest, IsUnknownWhileThereIsNoNewDataFile) {
  EXPECT_FALSE(share_converted(folder_.file("none")).has_value());
  write("vm-1-flat.vmdk", kMiB, kMiB);
  for (const char* other : {"vm-1.vmdk", "vm-1-flat.x.vmdk", "vm-1-flat.2.vmdk.new", "-flat."}) {
    write(other, 10, 10);
  }
  EXPECT_FALSE(share_converted(folder_.path()).has_value());
}

}  // namespace
}  // namespace keytrail::cli
