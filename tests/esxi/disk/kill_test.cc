// A process that is killed while it converts a disk, at every change of the storage in turn: on the
// real file system, with the kernel taking back its locks.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "esxi/disk/conversion.h"
#include "esxi/disk/disk_files.h"
#include "esxi/disk/os_disk_folder.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk::test {
namespace {

constexpr std::size_t kSegment = 64 * 1024;
constexpr std::uint64_t kSize = 3 * kSegment;
constexpr char kAction[] = "a1b2c3";

// Kills its process instead of making the change after `left` others.
class Fuse {
 public:
  explicit Fuse(int left) : left_(left) {}
  void burn() {
    if (left_-- == 0) ::raise(SIGKILL);
  }

 private:
  int left_;
};

class FusedFile final : public BlockFile {
 public:
  FusedFile(std::unique_ptr<BlockFile> file, Fuse& fuse) : file_(std::move(file)), fuse_(fuse) {}
  std::uint64_t size() const override { return file_->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    return file_->read(offset, into);
  }
  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    fuse_.burn();
    return file_->write(offset, bytes);
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t length) override {
    fuse_.burn();
    return file_->punch(offset, length);
  }
  Result<void> sync() override {
    fuse_.burn();
    return file_->sync();
  }

 private:
  std::unique_ptr<BlockFile> file_;
  Fuse& fuse_;
};

class FusedFolder final : public DiskFolder {
 public:
  FusedFolder(DiskFolder& folder, Fuse& fuse) : folder_(folder), fuse_(fuse) {}
  Result<std::unique_ptr<BlockFile>> open(std::string_view name) override {
    return fused(folder_.open(name));
  }
  Result<std::unique_ptr<BlockFile>> create(std::string_view name, std::uint64_t size) override {
    fuse_.burn();
    return fused(folder_.create(name, size));
  }
  Result<std::string> read_text(std::string_view name, std::size_t bytes_max) override {
    return folder_.read_text(name, bytes_max);
  }
  Result<void> write_text(std::string_view name, std::string_view text) override {
    fuse_.burn();
    return folder_.write_text(name, text);
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    fuse_.burn();
    return folder_.rename(from, to);
  }
  Result<void> remove(std::string_view name) override {
    fuse_.burn();
    return folder_.remove(name);
  }
  Result<std::vector<std::string>> names() override { return folder_.names(); }
  Result<void> sync() override {
    fuse_.burn();
    return folder_.sync();
  }

 private:
  Result<std::unique_ptr<BlockFile>> fused(Result<std::unique_ptr<BlockFile>> file) {
    if (!file.ok()) return file;
    return std::unique_ptr<BlockFile>(std::make_unique<FusedFile>(std::move(file).value(), fuse_));
  }

  DiskFolder& folder_;
  Fuse& fuse_;
};

std::unique_ptr<DiskEngine> open_disk(DiskFolder& folder) {
  std::optional<SecretBytes> dek;
  if (read_descriptor(folder, "vm-1").value().encryption) dek = sample_key(1).dek.clone();
  return DiskEngine::open(folder, "vm-1", std::move(dek)).value();
}

// Encrypts a plain disk, decrypts an encrypted one.
bool convert(DiskFolder& folder, const std::string& action) {
  auto source = open_disk(folder);
  auto key = source->encrypted() ? std::nullopt : std::optional(sample_key(1));
  Conversion conversion(folder, "vm-1", action, std::move(source), std::move(key), kSegment);
  return conversion.prepare().ok() && conversion.commit().ok() && conversion.retire().ok();
}

// True if it lived to the end.
bool convert_in_a_process_of_its_own(DiskFolder& folder, int changes_before_its_death) {
  const pid_t child = ::fork();
  if (child == 0) {
    Fuse fuse(changes_before_its_death);
    FusedFolder fused(folder, fuse);
    ::_exit(convert(fused, kAction) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
  return WIFEXITED(status);
}

class KillTest : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Courses, KillTest, ::testing::Bool(),
                         [](const auto& decrypt) { return decrypt.param ? "Decrypt" : "Encrypt"; });

TEST_P(KillTest, AtEveryChangeTheGuestsDataAreWholeAndTheWorkCanBeEnded) {
  int committed = 0, not_committed = 0;
  for (int kill = 0;; ++kill) {
    ASSERT_LT(kill, 200);
    keytrail::testing::TempFolder temporary;
    auto folder = OsDiskFolder::open_folder(temporary.path()).value();
    given_disk(*folder, sample_disk(kSize),
               GetParam() ? std::optional(sample_key(1)) : std::nullopt);
    fill(*open_disk(*folder));
    if (convert_in_a_process_of_its_own(*folder, kill)) break;

    EXPECT_TRUE(read_all(*open_disk(*folder)) == guest_data(0, kSize)) << kill;
    if (recover(*folder, "vm-1", kAction).value() == ActionFound::kCommitted) {
      ++committed;
      retire_leftovers(*folder, "vm-1").value();
    } else {
      ++not_committed;
      ASSERT_TRUE(convert(*folder, kAction));
    }
    const auto disk = open_disk(*folder);
    EXPECT_EQ(disk->encrypted(), !GetParam());
    EXPECT_TRUE(read_all(*disk) == guest_data(0, kSize)) << kill;
    EXPECT_EQ(folder->names().value().size(), 2u) << "nothing is left over";
  }
  EXPECT_GT(committed, 2);
  EXPECT_GT(not_committed, 5);
}

}  // namespace
}  // namespace keytrail::disk::test
