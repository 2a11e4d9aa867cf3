#include "esxi/disk/os_disk_folder.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "esxi/disk/conversion.h"
#include "esxi/disk/disk_files.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk::test {
namespace {

class OsDiskFolderTest : public ::testing::Test {
 protected:
  keytrail::testing::TempFolder temporary_;
  std::unique_ptr<OsDiskFolder> folder_ = OsDiskFolder::open_folder(temporary_.path()).value();
};

TEST_F(OsDiskFolderTest, ADiskIsEncryptedInAFolderOfTheRealFileSystem) {
  constexpr std::uint64_t kSize = kConversionSegmentBytes + 4096;
  given_disk(*folder_, sample_disk(kSize), std::nullopt);
  auto disk = DiskEngine::open(*folder_, "vm-1", std::nullopt).value();
  fill(*disk);
  Conversion conversion(*folder_, "vm-1", "aa", std::move(disk), sample_key(1));
  conversion.prepare().value();
  static_cast<void>(conversion.commit().value());
  conversion.retire().value().reset();
  EXPECT_THAT(folder_->names().value(), ::testing::ElementsAre("vm-1-flat.2.vmdk", "vm-1.vmdk"));
  disk = DiskEngine::open(*folder_, "vm-1", sample_key(1).dek.clone()).value();
  EXPECT_EQ(read_all(*disk), guest_data(0, kSize));
}

TEST_F(OsDiskFolderTest, TheSpaceOfANewFileIsReserved) {
  const auto file = folder_->create("a.vmdk", 1 << 20).value();
  struct stat info {};
  ASSERT_EQ(::stat(temporary_.file("a.vmdk").c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 1 << 20);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(OsDiskFolderTest, ADiskThatDoesNotFitIsRefusedInASentenceAndLeavesNoFile) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{1 << 16, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const auto made = folder_->create("a.vmdk", 1 << 20);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(folder_->names().value().empty());
}

TEST_F(OsDiskFolderTest, AnOpenFileIsLockedEvenAgainstThisProcess) {
  auto file = folder_->create("a.vmdk", 4096).value();
  EXPECT_EQ(folder_->open("a.vmdk").error().code, ErrorCode::kConflict);
  EXPECT_EQ(folder_->create("a.vmdk", 4096).error().code, ErrorCode::kConflict);
  file.reset();
  EXPECT_TRUE(folder_->open("a.vmdk").ok());
}

TEST_F(OsDiskFolderTest, SymbolicLinksAreNotFollowed) {
  std::ofstream(temporary_.file("target")) << "x";
  std::filesystem::create_symlink(temporary_.file("target"), temporary_.file("link.vmdk"));
  EXPECT_THAT(folder_->open("link.vmdk").error().detail,
              ::testing::HasSubstr("it is a symbolic link, and none is followed"));
  EXPECT_EQ(folder_->read_text("link.vmdk", 10).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->write_text("link.vmdk", "y").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->open_to_read("link.vmdk").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->open_to_append("link.vmdk").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->create("link.vmdk", 4096).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(std::filesystem::file_size(temporary_.file("target")), 1u);
}

TEST_F(OsDiskFolderTest, AVmsFolderThatIsALinkIsNotFollowedButTheDatastoreMayBeOne) {
  std::filesystem::create_directories(temporary_.file("elsewhere/vm-1"));
  std::filesystem::create_directory_symlink(temporary_.file("elsewhere"), temporary_.file("ds"));
  std::filesystem::create_directory_symlink("vm-1", temporary_.file("elsewhere/vm-2"));
  OsDatastore datastore(temporary_.file("ds"));
  EXPECT_TRUE(datastore.open_folder("vm-1").ok());
  EXPECT_FALSE(datastore.open_folder("vm-2").ok());
  EXPECT_FALSE(datastore.make_folder("vm-2").ok());
}

// Nobody is at the other end, so opening it without further thought would wait for ever.
TEST_F(OsDiskFolderTest, APipeInPlaceOfAFileIsCorruptAndKeepsNobodyWaiting) {
  ASSERT_EQ(::mkfifo(temporary_.file("pipe.vmdk").c_str(), 0600), 0);
  EXPECT_EQ(folder_->read_text("pipe.vmdk", 10).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->write_text("pipe.vmdk", "x").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->open("pipe.vmdk").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->open_to_read("pipe.vmdk").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(folder_->open_to_append("pipe.vmdk").error().code, ErrorCode::kCorrupt);
}

TEST_F(OsDiskFolderTest, AnImportIsItsOwnersAloneOnceItIsADisk) {
  std::ofstream(temporary_.file("vm-1-flat.vmdk")) << std::string(4096, 'x');
  std::filesystem::permissions(temporary_.file("vm-1-flat.vmdk"), std::filesystem::perms{0644});
  ASSERT_TRUE(adopt_flat(*folder_, sample_disk(4096)).ok());
  struct stat info {};
  ASSERT_EQ(::stat(temporary_.file("vm-1-flat.vmdk").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// Whoever may write to the datastore could have put it there, and keep it open.
TEST_F(OsDiskFolderTest, ANewFileHasNothingOfTheOneInItsPlace) {
  const std::string outside = temporary_.file("outside");
  std::ofstream(outside) << "x";
  std::filesystem::permissions(outside, std::filesystem::perms{0666});
  std::filesystem::create_hard_link(outside, temporary_.file("a.vmdk"));
  const auto file = folder_->create("a.vmdk", 4096).value();
  struct stat info {};
  ASSERT_EQ(::stat(temporary_.file("a.vmdk").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::filesystem::file_size(outside), 1u);
}

TEST_F(OsDiskFolderTest, PathsAreNotNames) {
  for (const char* name : {"", ".", "..", "../a", "a/b", "/etc/passwd"}) {
    EXPECT_EQ(folder_->open(name).error().code, ErrorCode::kInvalid) << name;
  }
}

TEST_F(OsDiskFolderTest, TooLongATextIsCorrupt) {
  folder_->write_text("a.vmdk", "12345").value();
  EXPECT_EQ(folder_->read_text("a.vmdk", 5).value(), "12345");
  EXPECT_EQ(folder_->read_text("a.vmdk", 4).error().code, ErrorCode::kCorrupt);
}

TEST_F(OsDiskFolderTest, PunchedRangesReadAsZeros) {
  const auto file = folder_->create("a.vmdk", 1 << 20).value();
  file->write(0, Bytes(1 << 20, 7)).value();
  file->punch(4096, 8192).value();
  Bytes data(16384);
  file->read(0, data).value();
  Bytes expected(16384, 7);
  std::fill(expected.begin() + 4096, expected.begin() + 12288, std::uint8_t{0});
  EXPECT_EQ(data, expected);
}

TEST_F(OsDiskFolderTest, AFileCutShortMeanwhileIsCorrupt) {
  const auto file = folder_->create("a.vmdk", 8192).value();
  std::filesystem::resize_file(temporary_.file("a.vmdk"), 4096);
  Bytes data(8192);
  EXPECT_EQ(file->read(0, data).error().code, ErrorCode::kCorrupt);
}

TEST_F(OsDiskFolderTest, AFolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(OsDiskFolder::open_folder(temporary_.file("nowhere")).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace keytrail::disk::test
