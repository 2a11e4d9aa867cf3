// The file system seam: one suite over the operating system's and over the twin in memory.
#include "bus/secret/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/memory_file_system.h"

namespace keytrail {
namespace {

using Open = FileSystem::Open;

class OsFiles {
 public:
  OsFiles() {
    std::string name = testing::TempDir() + "keytrail-file-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~OsFiles() { std::filesystem::remove_all(folder_); }
  FileSystem& files() { return files_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  OsFileSystem files_;
  std::string folder_;
};

class MemoryFiles {
 public:
  FileSystem& files() { return files_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  test::MemoryFileSystem files_;
  std::string folder_ = "folder";
};

template <class Implementation>
class FileSystemContract : public testing::Test {
 protected:
  FileSystem& files() { return implementation_.files(); }
  std::string path(const std::string& name) { return implementation_.folder() + "/" + name; }
  const std::string& folder() { return implementation_.folder(); }

 private:
  Implementation implementation_;
};

using Implementations = testing::Types<OsFiles, MemoryFiles>;
TYPED_TEST_SUITE(FileSystemContract, Implementations);

TYPED_TEST(FileSystemContract, ReadsBackWhatWasWrittenAnywhere) {
  const auto file = this->files().open(this->path("a"), Open::kCreate).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")).ok());
  ASSERT_TRUE(file->write_at(10, as_bytes("world")).ok());
  ASSERT_TRUE(file->write_at(1, as_bytes("E")).ok());
  ASSERT_TRUE(file->sync().ok());
  EXPECT_EQ(file->size().value(), 15U);
  const Bytes content = read_file(this->files(), this->path("a"), 100).value();
  EXPECT_EQ(as_text(content), std::string_view("hEllo\0\0\0\0\0world", 15));
}

TYPED_TEST(FileSystemContract, TellsMissingExistingAndShortFilesApart) {
  EXPECT_EQ(this->files().open(this->path("a"), Open::kRead).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->files().open(this->path("a"), Open::kWrite).error().code, ErrorCode::kNotFound);
  const auto file = this->files().open(this->path("a"), Open::kCreate).value();
  EXPECT_EQ(this->files().open(this->path("a"), Open::kCreate).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(file->write_at(0, Bytes(10)).ok());
  Bytes buffer(11);
  EXPECT_EQ(file->read_at(0, buffer).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_file(this->files(), this->path("a"), 9).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(this->files().unlink(this->path("b")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(this->files().rename(this->path("b"), this->path("c")).error().code,
            ErrorCode::kNotFound);
}

TYPED_TEST(FileSystemContract, ReplacesAFileInOneStep) {
  ASSERT_TRUE(replace_file(this->files(), this->path("a"), as_bytes("a long content")).ok());
  ASSERT_TRUE(replace_file(this->files(), this->path("a"), as_bytes("short")).ok());
  EXPECT_EQ(as_text(read_file(this->files(), this->path("a"), 100).value()), "short");
  EXPECT_EQ(this->files().list(this->folder()).value(), (std::vector<std::string>{"a"}));
}

TYPED_TEST(FileSystemContract, ListsNamesInOrder) {
  for (const char* const name : {"c", "a", "b"}) {
    (void)this->files().open(this->path(name), Open::kReplace).value();
  }
  ASSERT_TRUE(this->files().unlink(this->path("b")).ok());
  ASSERT_TRUE(this->files().sync_folder(this->folder()).ok());
  EXPECT_EQ(this->files().list(this->folder()).value(), (std::vector<std::string>{"a", "c"}));
}

TEST(OsFileSystemTest, MakesFilesAndFoldersThatOnlyTheOwnerReads) {
  OsFiles here;
  const std::string folder = here.folder() + "/sub";
  ASSERT_TRUE(here.files().make_folder(folder).ok());
  ASSERT_TRUE(here.files().make_folder(folder).ok()) << "again";
  (void)here.files().open(folder + "/a", Open::kCreate).value();
  struct stat status {};
  ASSERT_EQ(::stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat((folder + "/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_TRUE(here.files().overwrites_in_place(folder).ok());
}

TEST(OsFileSystemTest, SaysWhichPathAndWhy) {
  OsFileSystem files;
  const Error error = files.open("/nowhere/at/all", Open::kRead).error();
  EXPECT_EQ(error.detail, "cannot open /nowhere/at/all: No such file or directory");
  // A disk that is full.
  const auto full = files.open("/dev/full", Open::kWrite).value();
  EXPECT_EQ(full->write_at(0, Bytes(4096)).error().code, ErrorCode::kUnavailable);
}

TEST(FolderOfTest, IsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ(folder_of("a/b/c"), "a/b");
  EXPECT_EQ(folder_of("/a"), "/");
  EXPECT_EQ(folder_of("a"), ".");
}

// The twin's own promises, without which the crash tests would prove nothing.
TEST(MemoryFileSystemTest, LosesWhatWasNotSyncedAndKeepsWhatWas) {
  bool lost = false;
  bool kept = false;
  bool torn = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    test::MemoryFileSystem files;
    {
      const auto file = files.open("d/a", Open::kCreate).value();
      ASSERT_TRUE(file->write_at(0, Bytes(1024, 1)).ok());
      ASSERT_TRUE(file->sync().ok());
      ASSERT_TRUE(files.sync_folder("d").ok());
      ASSERT_TRUE(file->write_at(0, Bytes(1024, 2)).ok());
      (void)files.open("d/b", Open::kCreate).value();
    }
    files.restart(seed);
    const Bytes content = files.contents().at("d/a");
    ASSERT_EQ(content.size(), 1024U);
    lost |= content[0] == 1 && content[512] == 1;
    kept |= content[0] == 2 && content[512] == 2;
    torn |= content[0] != content[512];
  }
  EXPECT_TRUE(lost && kept && torn);
}

TEST(MemoryFileSystemTest, ForgetsANameThatItsFolderWasNotSyncedFor) {
  std::set<std::size_t> counts;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    test::MemoryFileSystem files;
    {
      const auto file = files.open("d/a", Open::kCreate).value();
      ASSERT_TRUE(file->sync().ok());
    }
    files.restart(seed);
    counts.insert(files.contents().size());
  }
  EXPECT_EQ(counts, (std::set<std::size_t>{0, 1}));
}

TEST(MemoryFileSystemTest, FailsOnceOrFromThenOn) {
  test::MemoryFileSystem files;
  const auto file = files.open("d/a", Open::kCreate).value();
  files.fail_once_at(1);
  EXPECT_TRUE(file->sync().ok());
  EXPECT_FALSE(file->sync().ok());
  EXPECT_TRUE(file->sync().ok());
  files.cut_power_at(1);
  EXPECT_TRUE(file->sync().ok());
  EXPECT_FALSE(file->sync().ok());
  EXPECT_FALSE(file->write_at(0, Bytes(1)).ok());
  EXPECT_EQ(files.contents().at("d/a").size(), 0U);
}

}  // namespace
}  // namespace keytrail
