#include "esxi/disk/disk_engine.h"

#include <gmock/gmock.h>

#include "esxi/disk/disk_files.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/memory_disk_folder.h"

namespace keytrail::disk::test {
namespace {

using keytrail::testing::MemoryDiskFolder;

constexpr std::uint64_t kSize = 1 << 20;

// A data file of which one sync fails, as a kernel says it once: it has dropped what it could not
// write, and the next sync finds nothing to do.
class FileThatFailsOnce final : public BlockFile {
 public:
  explicit FileThatFailsOnce(std::unique_ptr<BlockFile> file) : file_(std::move(file)) {}

  std::uint64_t size() const override { return file_->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    return file_->read(offset, into);
  }
  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    return file_->write(offset, bytes);
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t length) override {
    return file_->punch(offset, length);
  }
  Result<void> sync() override {
    if (std::exchange(has_failed_, true)) return file_->sync();
    return Error{ErrorCode::kUnavailable, "syncing: input/output error"};
  }

 private:
  std::unique_ptr<BlockFile> file_;
  bool has_failed_ = false;
};

std::optional<SecretBytes> dek(std::uint8_t seed) { return sample_key(seed).dek.clone(); }

class DiskEngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<DiskEngine> make_encrypted() {
    given_disk(folder_, sample_disk(kSize), sample_key(1));
    return DiskEngine::open(folder_, "vm-1", dek(1)).value();
  }
  std::unique_ptr<DiskEngine> make_plain() {
    given_disk(folder_, sample_disk(kSize), std::nullopt);
    return DiskEngine::open(folder_, "vm-1", std::nullopt).value();
  }

  MemoryDiskFolder folder_;
};

TEST_F(DiskEngineTest, AGuestReadsBackWhatItWroteAndTheFileHoldsNoneOfIt) {
  auto disk = make_encrypted();
  fill(*disk);
  EXPECT_EQ(read_all(*disk), guest_data(0, kSize));
  EXPECT_FALSE(contains(folder_.contents("vm-1-flat.vmdk"), "guest:"));
  EXPECT_EQ(folder_.contents("vm-1-flat.vmdk").size(), kSize);
}

TEST_F(DiskEngineTest, APlainDiskHoldsTheLinesAsTheyAre) {
  auto disk = make_plain();
  fill(*disk);
  EXPECT_EQ(folder_.contents("vm-1-flat.vmdk"), guest_data(0, kSize));
}

TEST_F(DiskEngineTest, ANewEncryptedDiskReadsAsZerosThoughItsFileIsNone) {
  auto disk = make_encrypted();
  EXPECT_EQ(read_all(*disk), Bytes(kSize));
  EXPECT_THAT(folder_.contents("vm-1-flat.vmdk"),
              ::testing::Contains(::testing::Ne(0)).Times(::testing::Gt(int{kSize} / 2)));
}

TEST_F(DiskEngineTest, TheTweakIsTheByteOffsetIn512ByteUnitsWhateverTheSectorSize) {
  for (const std::uint32_t sector : {512u, 4096u}) {
    MemoryDiskFolder folder;
    given_disk(folder, sample_disk(kSize, sector), sample_key(1));
    auto disk = DiskEngine::open(folder, "vm-1", dek(1)).value();
    fill(*disk);
    Bytes expected = guest_data(0, kSize);
    auto cipher =
        crypto::AesXts::make(*dek(1), crypto::AesXts::Direction::kEncrypt, sector).value();
    cipher.apply(0, expected);
    EXPECT_EQ(folder.contents("vm-1-flat.vmdk"), expected);
  }
}

TEST_F(DiskEngineTest, WithoutItsKeyAnEncryptedDiskIsLocked) {
  make_encrypted();
  const auto opened = DiskEngine::open(folder_, "vm-1", std::nullopt);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kRefused);
  EXPECT_THAT(opened.error().detail,
              ::testing::HasSubstr("encrypted and a required key was not found"));
}

TEST_F(DiskEngineTest, AnotherDisksKeyIsRefusedBeforeAByteIsWritten) {
  fill(*make_encrypted());
  const Bytes before = folder_.contents("vm-1-flat.vmdk");
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", dek(2)).error().code, ErrorCode::kRefused);
  EXPECT_EQ(folder_.contents("vm-1-flat.vmdk"), before);
}

TEST_F(DiskEngineTest, AKeySafeMovedToAnotherDiskDoesNotOpenIt) {
  make_encrypted();
  Descriptor moved = read_descriptor(folder_, "vm-1").value();
  moved.uuid = kOtherUuid;
  folder_.set_contents("vm-1.vmdk", to_bytes(as_bytes(format_descriptor(moved))));
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", dek(1)).error().code, ErrorCode::kRefused);
}

TEST_F(DiskEngineTest, AKeyForAPlainDiskIsRefused) {
  make_plain();
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", dek(1)).error().code, ErrorCode::kRefused);
}

TEST_F(DiskEngineTest, TheSecondToOpenItIsTold) {
  const auto disk = make_plain();
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", std::nullopt).error().code, ErrorCode::kConflict);
}

TEST_F(DiskEngineTest, ClosingItLetsTheNextOneIn) {
  make_plain().reset();
  EXPECT_TRUE(DiskEngine::open(folder_, "vm-1", std::nullopt).ok());
}

TEST_F(DiskEngineTest, ADataFileOfAnotherLengthIsCorrupt) {
  make_plain().reset();
  folder_.set_contents("vm-1-flat.vmdk", Bytes(kSize - 4096));
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", std::nullopt).error().code, ErrorCode::kCorrupt);
}

TEST_F(DiskEngineTest, AMissingDataFileIsNotFound) {
  make_plain().reset();
  folder_.remove("vm-1-flat.vmdk").value();
  EXPECT_EQ(DiskEngine::open(folder_, "vm-1", std::nullopt).error().code, ErrorCode::kNotFound);
}

TEST_F(DiskEngineTest, PartsOfSectorsAndRangesOutsideAreRefused) {
  auto disk = make_encrypted();
  auto session = disk->session();
  Bytes sector(4096);
  EXPECT_EQ(session.read(512, sector).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(session.write(0, std::span(sector).first(512)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(session.read(kSize, sector).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(session.write(~std::uint64_t{4095}, sector).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(session.write_zeroes(0, kSize + 4096).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(session.trim(4096, ~std::uint64_t{4095}).error().code, ErrorCode::kInvalid);
}

TEST_F(DiskEngineTest, ZeroesAreWrittenEncrypted) {
  auto disk = make_encrypted();
  fill(*disk);
  disk->session().write_zeroes(8192, kSize - 8192).value();
  Bytes expected = guest_data(0, kSize);
  std::fill(expected.begin() + 8192, expected.end(), std::uint8_t{0});
  EXPECT_EQ(read_all(*disk), expected);
  const Bytes raw = folder_.contents("vm-1-flat.vmdk");
  EXPECT_FALSE(contains(ByteView(raw).subspan(8192), std::string(16, '\0')));
}

TEST_F(DiskEngineTest, TrimLeavesNoHoleInAnEncryptedDisk) {
  auto disk = make_encrypted();
  const Bytes before = folder_.contents("vm-1-flat.vmdk");
  disk->session().trim(0, kSize).value();
  EXPECT_EQ(folder_.contents("vm-1-flat.vmdk"), before);
}

TEST_F(DiskEngineTest, TrimmedPartsOfAPlainDiskReadAsZeros) {
  auto disk = make_plain();
  fill(*disk);
  disk->session().trim(0, kSize).value();
  EXPECT_EQ(read_all(*disk), Bytes(kSize));
}

TEST_F(DiskEngineTest, FlushedDataSurviveAPowerCut) {
  auto disk = make_encrypted();
  fill(*disk, "first");
  folder_.restart();
  disk = DiskEngine::open(folder_, "vm-1", dek(1)).value();
  EXPECT_EQ(read_all(*disk), guest_data(0, kSize, "first"));
}

TEST_F(DiskEngineTest, AFlushThatFailedIsFollowedByNoneThatSucceeds) {
  make_plain().reset();
  const Descriptor descriptor = read_descriptor(folder_, "vm-1").value();
  auto file = std::make_unique<FileThatFailsOnce>(folder_.open(descriptor.flat).value());
  const auto disk = DiskEngine::over(std::move(file), descriptor, std::nullopt).value();
  EXPECT_EQ(disk->session().flush().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(disk->session().flush().error().code, ErrorCode::kUnavailable);
}

TEST_F(DiskEngineTest, ATornWriteDamagesOnlySectorsThatWereWritten) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    MemoryDiskFolder folder(seed);
    given_disk(folder, sample_disk(kSize), sample_key(1));
    auto disk = DiskEngine::open(folder, "vm-1", dek(1)).value();
    fill(*disk, "first");
    Bytes sectors = guest_data(8192, 16384, "second");
    disk->session().write(8192, sectors).value();
    folder.restart();
    disk = DiskEngine::open(folder, "vm-1", dek(1)).value();
    const Bytes now = read_all(*disk);
    const Bytes first = guest_data(0, kSize, "first");
    EXPECT_TRUE(std::equal(now.begin(), now.begin() + 8192, first.begin())) << seed;
    EXPECT_TRUE(std::equal(now.begin() + 24576, now.end(), first.begin() + 24576)) << seed;
  }
}

TEST_F(DiskEngineTest, ADiskThatIsThereAlreadyIsNotMadeAgain) {
  make_plain().reset();
  EXPECT_EQ(create_disk(folder_, sample_disk(kSize), std::nullopt).error().code,
            ErrorCode::kConflict);
}

TEST_F(DiskEngineTest, ImpossibleDisksAreRefused) {
  for (NewDisk disk : {sample_disk(0), sample_disk(4096 + 512), sample_disk(4096, 1024),
                       sample_disk(kDiskBytesMax + 4096)}) {
    EXPECT_EQ(create_disk(folder_, disk, std::nullopt).error().code, ErrorCode::kInvalid);
  }
  NewDisk named = sample_disk(kSize);
  for (const char* name : {"", "../vm", "a/b", ".vm", "vm-1-flat", "vm-1-flat.2"}) {
    named.name = name;
    EXPECT_EQ(create_disk(folder_, named, std::nullopt).error().code, ErrorCode::kInvalid) << name;
  }
}

TEST_F(DiskEngineTest, AKeyIdThatCannotStandInADescriptorIsRefused) {
  DiskKey key = sample_key(1);
  key.key_id = "kek\"\nddb.iofilters = \"none";
  EXPECT_EQ(create_disk(folder_, sample_disk(kSize), key.clone()).error().code,
            ErrorCode::kInvalid);
}

TEST_F(DiskEngineTest, AnImportedFileBecomesAPlainDisk) {
  folder_.set_contents("vm-1-flat.vmdk", guest_data(0, kSize));
  ASSERT_TRUE(adopt_flat(folder_, sample_disk(kSize, 512)).ok());
  auto disk = DiskEngine::open(folder_, "vm-1", std::nullopt).value();
  EXPECT_EQ(disk->sector_bytes(), 512u);
  EXPECT_EQ(read_all(*disk), guest_data(0, kSize));
}

TEST_F(DiskEngineTest, CountsWhatWasDone) {
  auto disk = make_plain();
  auto session = disk->session();
  Bytes data(8192);
  session.write(0, data).value();
  session.read(0, data).value();
  session.read(8192, data).value();
  session.flush().value();
  EXPECT_EQ(
      disk->usage(),
      (DiskUsage{
          .reads = 2, .bytes_read = 16384, .writes = 1, .bytes_written = 8192, .flushes = 1}));
}

}  // namespace
}  // namespace keytrail::disk::test
