// One suite for every implementation of DiskFolder: what the tests of disks believe because the
// twin says so must be so on a real file system.
#include <gmock/gmock.h>

#include <functional>

#include "esxi/disk/os_disk_folder.h"
#include "tests/support/memory_disk_folder.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kSize = 64 * 1024;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<DiskFolder>(const testing::TempFolder&)> make;
};

class DiskFolderContract : public ::testing::TestWithParam<Implementation> {
 protected:
  static Bytes bytes_of(BlockFile& file) {
    Bytes bytes(static_cast<std::size_t>(file.size()));
    EXPECT_TRUE(file.read(0, bytes).ok());
    return bytes;
  }

  testing::TempFolder temporary_;
  std::unique_ptr<DiskFolder> folder_ = GetParam().make(temporary_);
};

TEST_P(DiskFolderContract, ANewFileIsZerosAndKeepsWhatIsWrittenAnywhereInIt) {
  Bytes expected(kSize);
  {
    const auto file = folder_->create("a.vmdk", kSize).value();
    EXPECT_EQ(file->size(), kSize);
    EXPECT_THAT(bytes_of(*file), Each(0));
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{5000}, kSize - 512}) {
      const Bytes piece(512, static_cast<std::uint8_t>(1 + offset % 251));
      ASSERT_TRUE(file->write(offset, piece).ok());
      std::ranges::copy(piece, expected.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    ASSERT_TRUE(file->sync().ok());
    EXPECT_EQ(bytes_of(*file), expected);
  }
  const auto again = folder_->open("a.vmdk").value();
  EXPECT_EQ(again->size(), kSize);
  EXPECT_EQ(bytes_of(*again), expected);
}

TEST_P(DiskFolderContract, APunchedRangeIsZerosAndNothingElseIs) {
  const auto file = folder_->create("a.vmdk", kSize).value();
  ASSERT_TRUE(file->write(0, Bytes(kSize, 7)).ok());
  ASSERT_TRUE(file->punch(4096, 8192).ok());
  Bytes expected(kSize, 7);
  std::fill_n(expected.begin() + 4096, 8192, std::uint8_t{0});
  EXPECT_EQ(bytes_of(*file), expected);
  EXPECT_EQ(file->size(), kSize);
}

TEST_P(DiskFolderContract, AnOpenFileIsLockedUntilItIsClosed) {
  auto file = folder_->create("a.vmdk", kSize).value();
  EXPECT_EQ(folder_->open("a.vmdk").error().code, ErrorCode::kConflict);
  EXPECT_EQ(folder_->create("a.vmdk", kSize).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(file->write(0, Bytes(512, 7)).ok()) << "the attempts did nothing to it";
  EXPECT_EQ(bytes_of(*file)[0], 7);
  file.reset();
  EXPECT_TRUE(folder_->open("a.vmdk").ok());
}

TEST_P(DiskFolderContract, ALockIsTheFilesAndGoesWithItToAnotherName) {
  const auto file = folder_->create("a.vmdk", kSize).value();
  ASSERT_TRUE(folder_->rename("a.vmdk", "b.vmdk").ok());
  EXPECT_EQ(folder_->open("b.vmdk").error().code, ErrorCode::kConflict);
  EXPECT_TRUE(folder_->create("a.vmdk", kSize).ok());
}

TEST_P(DiskFolderContract, AFileThatIsRemovedWhileOpenGoesOnUntilItIsClosed) {
  const auto file = folder_->create("a.vmdk", kSize).value();
  ASSERT_TRUE(folder_->remove("a.vmdk").ok());
  ASSERT_TRUE(file->write(0, Bytes(512, 7)).ok());
  EXPECT_EQ(bytes_of(*file)[511], 7);
  EXPECT_THAT(folder_->names().value(), IsEmpty());
  EXPECT_EQ(folder_->open("a.vmdk").error().code, ErrorCode::kNotFound);
}

TEST_P(DiskFolderContract, AFileMadeInPlaceOfAnotherHoldsNothingOfIt) {
  {
    const auto file = folder_->create("a.vmdk", kSize).value();
    ASSERT_TRUE(file->write(0, Bytes(kSize, 7)).ok());
  }
  const auto file = folder_->create("a.vmdk", kSize / 2).value();
  EXPECT_EQ(file->size(), kSize / 2);
  EXPECT_THAT(bytes_of(*file), Each(0));
}

TEST_P(DiskFolderContract, ARenamedFileTakesThePlaceOfAnother) {
  ASSERT_TRUE(folder_->write_text("a.vmx", "old, and longer").ok());
  ASSERT_TRUE(folder_->write_text("a.vmx.new", "new").ok());
  ASSERT_TRUE(folder_->rename("a.vmx.new", "a.vmx").ok());
  ASSERT_TRUE(folder_->sync().ok());
  EXPECT_EQ(folder_->read_text("a.vmx", 100).value(), "new");
  EXPECT_THAT(folder_->names().value(), ElementsAre("a.vmx"));
}

TEST_P(DiskFolderContract, ATextIsReplacedAsAWholeAndNeverReadInPart) {
  ASSERT_TRUE(folder_->write_text("a.vmx", "old, and longer").ok());
  ASSERT_TRUE(folder_->write_text("a.vmx", "12345").ok());
  EXPECT_EQ(folder_->read_text("a.vmx", 5).value(), "12345");
  EXPECT_EQ(folder_->read_text("a.vmx", 4).error().code, ErrorCode::kCorrupt);
}

TEST_P(DiskFolderContract, NamesAreListedInTheirOrder) {
  for (const char* const name : {"c", "a", "b"}) ASSERT_TRUE(folder_->write_text(name, "x").ok());
  ASSERT_TRUE(folder_->remove("b").ok());
  EXPECT_TRUE(folder_->remove("b").ok()) << "again";
  EXPECT_THAT(folder_->names().value(), ElementsAre("a", "c"));
}

TEST_P(DiskFolderContract, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(folder_->open("a.vmdk").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(folder_->read_text("a.vmdk", 10).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(folder_->rename("a.vmdk", "b.vmdk").error().code, ErrorCode::kNotFound);
}

TEST_P(DiskFolderContract, PathsAreNotNames) {
  for (const char* const name : {"", ".", "..", "../a", "a/b", "/etc/passwd"}) {
    EXPECT_EQ(folder_->open(name).error().code, ErrorCode::kInvalid) << name;
    EXPECT_EQ(folder_->create(name, kSize).error().code, ErrorCode::kInvalid) << name;
    EXPECT_EQ(folder_->read_text(name, 10).error().code, ErrorCode::kInvalid) << name;
    EXPECT_EQ(folder_->write_text(name, "x").error().code, ErrorCode::kInvalid) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , DiskFolderContract,
    ::testing::Values(Implementation{"Memory",
                                     [](const testing::TempFolder&) {
                                       return std::make_unique<testing::MemoryDiskFolder>();
                                     }},
                      Implementation{
                          "Os",
                          [](const testing::TempFolder& folder) -> std::unique_ptr<DiskFolder> {
                            return OsDiskFolder::open_folder(folder.path()).value();
                          }}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace keytrail::disk
