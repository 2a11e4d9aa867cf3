#include "bus/secret/unlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keytrail {
namespace {

class UnlockTest : public testing::Test {
 protected:
  UnlockTest() {
    std::string name = testing::TempDir() + "keytrail-unlock-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~UnlockTest() override { std::filesystem::remove_all(folder_); }

  std::string write(std::size_t bytes, mode_t mode) {
    const std::string path = folder_ + "/unlock";
    std::ofstream(path) << std::string(bytes, 'k');
    ::chmod(path.c_str(), mode);
    return path;
  }

  OsRandom random_;
  std::string folder_;
};

TEST_F(UnlockTest, MakesAFileThatOnlyItsOwnerReadsAndTakesItsKey) {
  const std::string path = folder_ + "/unlock";
  ASSERT_TRUE(make_unlock_file(path, random_).ok());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto first = acquire_unlock("file:" + path);
  ASSERT_TRUE(first.ok()) << first.error().detail;
  EXPECT_EQ(first->form, UnlockForm::kKey);
  EXPECT_EQ(first->bytes.size(), 32U);
  EXPECT_EQ(make_unlock_file(path, random_).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(acquire_unlock("file:" + path)->bytes.equals(first->bytes)) << "left alone";
}

TEST_F(UnlockTest, RefusesAFileThatOthersCanRead) {
  EXPECT_EQ(acquire_unlock("file:" + write(32, 0640)).error().code, ErrorCode::kRefused);
  EXPECT_EQ(acquire_unlock("file:" + write(32, 0604)).error().code, ErrorCode::kRefused);
  EXPECT_TRUE(acquire_unlock("file:" + write(32, 0400)).ok());
}

TEST_F(UnlockTest, RefusesAKeyThatIsTooShortOrTooLong) {
  EXPECT_EQ(acquire_unlock("file:" + write(31, 0600)).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(acquire_unlock("file:" + write(kUnlockBytesMax, 0600)).ok());
  EXPECT_EQ(acquire_unlock("file:" + write(kUnlockBytesMax + 1, 0600)).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(acquire_unlock("file:" + folder_ + "/none").error().code, ErrorCode::kNotFound);
}

TEST_F(UnlockTest, ReadsADescriptorToItsEndAndClosesIt) {
  const int descriptor = ::open(write(40, 0600).c_str(), O_RDONLY);
  const auto unlock = acquire_unlock("fd:" + std::to_string(descriptor));
  ASSERT_TRUE(unlock.ok()) << unlock.error().detail;
  EXPECT_TRUE(unlock->bytes.equals(as_bytes(std::string(40, 'k'))));
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
  EXPECT_EQ(acquire_unlock("fd:" + std::to_string(descriptor)).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(UnlockTest, RefusesWhatIsNoSourceAndNeverRepeatsIt) {
  for (const char* const source :
       {"", "file", "fd:", "fd:x", "fd:-1", "fd:3x", "fd:99999999999", "env:KEY", "PROMPT"}) {
    EXPECT_EQ(acquire_unlock(source).error().code, ErrorCode::kInvalid) << source;
  }
  // Somebody who puts the secret itself there shall not find it in a log.
  EXPECT_EQ(acquire_unlock("hunter2").error().detail.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace keytrail
