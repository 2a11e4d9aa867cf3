#include "esxi/disk/conversion.h"

#include <gmock/gmock.h>

#include "esxi/disk/disk_files.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/memory_disk_folder.h"

namespace keytrail::disk::test {
namespace {

using keytrail::testing::MemoryDiskFolder;

// More than one segment, the last one not whole.
constexpr std::size_t kSegment = 64 * 1024;
constexpr std::uint64_t kSize = 2 * kSegment + 4096;
constexpr char kAction[] = "a1b2c3";

std::optional<SecretBytes> dek_of(const std::optional<DiskKey>& key) {
  if (!key) return std::nullopt;
  return key->dek.clone();
}

// What a conversion goes from and to.
struct Course {
  std::string name;
  std::optional<std::uint8_t> from, to;  // Seeds of keys; none: plain.

  [[nodiscard]] std::optional<DiskKey> source_key() const {
    return from ? std::optional(sample_key(*from)) : std::nullopt;
  }
  [[nodiscard]] std::optional<DiskKey> target_key() const {
    return to ? std::optional(sample_key(*to)) : std::nullopt;
  }
};

void PrintTo(const Course& course, std::ostream* out) { *out << course.name; }

class ConversionTest : public ::testing::TestWithParam<Course> {
 protected:
  static void make_disk(MemoryDiskFolder& folder) {
    given_disk(folder, sample_disk(kSize), GetParam().source_key());
    auto disk = DiskEngine::open(folder, "vm-1", dek_of(GetParam().source_key())).value();
    fill(*disk);
  }

  static std::unique_ptr<Conversion> begin(MemoryDiskFolder& folder) {
    return std::make_unique<Conversion>(
        folder, "vm-1", kAction,
        DiskEngine::open(folder, "vm-1", dek_of(GetParam().source_key())).value(),
        GetParam().target_key(), kSegment);
  }

  // The disk as it stands, by whichever key its descriptor asks for.
  static void expect_whole(MemoryDiskFolder& folder, const std::string& when) {
    const Descriptor descriptor = read_descriptor(folder, "vm-1").value();
    const bool done = descriptor.action == kAction;
    auto disk = DiskEngine::open(folder, "vm-1",
                                 dek_of(done ? GetParam().target_key() : GetParam().source_key()));
    ASSERT_TRUE(disk.ok()) << when << ": " << disk.error().detail;
    EXPECT_TRUE(read_all(**disk) == guest_data(0, kSize)) << when;
  }
};

INSTANTIATE_TEST_SUITE_P(Courses, ConversionTest,
                         ::testing::Values(Course{"Encrypt", std::nullopt, 1},
                                           Course{"Decrypt", 1, std::nullopt},
                                           Course{"DeepRecrypt", 1, 2}),
                         [](const auto& course) { return course.param.name; });

TEST_P(ConversionTest, TheGuestsDataAreTheSameAndTheOldFileIsGone) {
  MemoryDiskFolder folder;
  make_disk(folder);
  auto conversion = begin(folder);
  conversion->prepare().value();
  EXPECT_EQ(conversion->commit().value().generation, 2u);
  auto disk = conversion->retire().value();
  EXPECT_EQ(read_all(*disk), guest_data(0, kSize));
  EXPECT_EQ(disk->encrypted(), GetParam().to.has_value());
  EXPECT_THAT(folder.names().value(), ::testing::ElementsAre("vm-1-flat.2.vmdk", "vm-1.vmdk"));
  EXPECT_EQ(contains(folder.contents("vm-1-flat.2.vmdk"), "guest:"), !GetParam().to);
}

TEST_P(ConversionTest, NobodyElseCanOpenTheDiskMeanwhile) {
  MemoryDiskFolder folder;
  make_disk(folder);
  auto conversion = begin(folder);
  const auto other_open = [&] {
    const bool done = read_descriptor(folder, "vm-1").value().action == kAction;
    return DiskEngine::open(folder, "vm-1",
                            dek_of(done ? GetParam().target_key() : GetParam().source_key()))
        .error()
        .code;
  };
  EXPECT_EQ(other_open(), ErrorCode::kConflict);
  conversion->prepare().value();
  EXPECT_EQ(other_open(), ErrorCode::kConflict);
  static_cast<void>(conversion->commit().value());
  EXPECT_EQ(other_open(), ErrorCode::kConflict);
  const auto disk = conversion->retire().value();
  EXPECT_EQ(other_open(), ErrorCode::kConflict);
}

TEST_P(ConversionTest, PreparingTwiceIsTheSameAsOnce) {
  MemoryDiskFolder folder;
  make_disk(folder);
  auto conversion = begin(folder);
  conversion->prepare().value();
  conversion->prepare().value();
  static_cast<void>(conversion->commit().value());
  EXPECT_EQ(read_all(*conversion->retire().value()), guest_data(0, kSize));
}

TEST_P(ConversionTest, ACopyThatIsStoppedBeginsAgain) {
  MemoryDiskFolder folder;
  make_disk(folder);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(begin(folder)->prepare(stop.get_token()).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(recover(folder, "vm-1", kAction).value(), ActionFound::kNotCommitted);
  expect_whole(folder, "after the stop");
  begin(folder)->prepare().value();
}

// The power is cut at every change in turn, and the action is then ended as a host would end it.
TEST_P(ConversionTest, APowerCutAtAnyMomentLosesNothing) {
  bool ran_to_the_end = false;
  int committed = 0, not_committed = 0;
  for (std::uint64_t cut = 0; !ran_to_the_end; ++cut) {
    MemoryDiskFolder folder(cut + 1);
    make_disk(folder);
    const std::string when = "power cut at change " + std::to_string(cut);
    {
      auto conversion = begin(folder);
      folder.fail_at(cut);
      ran_to_the_end =
          conversion->prepare().ok() && conversion->commit().ok() && conversion->retire().ok();
    }
    folder.restart();
    expect_whole(folder, when);
    if (recover(folder, "vm-1", kAction).value() == ActionFound::kCommitted) {
      ++committed;
      retire_leftovers(folder, "vm-1").value();
    } else {
      ++not_committed;
      ASSERT_FALSE(ran_to_the_end);
      auto again = begin(folder);
      again->prepare().value();
      static_cast<void>(again->commit().value());
      static_cast<void>(again->retire().value());
    }
    expect_whole(folder, when + ", after recovery");
    const auto names = folder.names().value();
    EXPECT_EQ(names.size(), 2u) << when << ::testing::PrintToString(names);
    ASSERT_LT(cut, 100u);
  }
  EXPECT_GT(committed, 1);
  EXPECT_GT(not_committed, 3);
}

TEST(LeftoverTest, OtherDisksFilesAreNotTouched) {
  MemoryDiskFolder folder;
  for (const char* name : {"vm-1", "vm-1_1", "vm-1.2"}) {
    NewDisk disk = sample_disk(64 * 1024);
    disk.name = name;
    given_disk(folder, disk, std::nullopt);
  }
  for (const char* junk : {"vm-1-flat.7.vmdk", "vm-1.vmdk.new", "vm-1-flat.x.vmdk", "vm-1.vmx"}) {
    folder.set_contents(junk, Bytes(4096));
  }
  EXPECT_THAT(leftovers(folder, "vm-1", read_descriptor(folder, "vm-1").value()).value(),
              ::testing::ElementsAre("vm-1-flat.7.vmdk", "vm-1.vmdk.new"));
}

class RewrapTest : public ::testing::Test {
 protected:
  // The DEK of sample_key(1), wrapped by KEK 2 and by KEK 1.
  static std::string both() {
    const DiskKey key = sample_key(1);
    SecretBytes new_kek(32);
    for (auto& byte : new_kek.write(SecretAccess{})) byte = 2;
    auto safe = crypto::parse_key_safe(key.key_safe).value();
    safe.insert(safe.begin(),
                {.locker = {"prod", "kek-2"}, .locked = crypto::lock_dek(new_kek, key.dek, {})});
    return crypto::format_key_safe(safe);
  }

  std::vector<std::string> lockers() {
    std::vector<std::string> keys;
    const auto text = read_descriptor(folder_, "vm-1").value().encryption.value().key_safe;
    const auto safe = crypto::parse_key_safe(text).value();
    for (const auto& pair : safe) keys.push_back(pair.locker.key);
    return keys;
  }

  std::unique_ptr<DiskEngine> make_disk() {
    given_disk(folder_, sample_disk(64 * 1024), sample_key(1));
    auto disk = DiskEngine::open(folder_, "vm-1", sample_key(1).dek.clone()).value();
    fill(*disk);
    return disk;
  }

  MemoryDiskFolder folder_;
};

TEST_F(RewrapTest, BothWrappingsStandUntilTheFactIsDurable) {
  auto disk = make_disk();
  const Bytes data = folder_.contents("vm-1-flat.vmdk");
  static_cast<void>(begin_rewrap(folder_, "vm-1", *disk, both(), "kek-2", kAction).value());
  EXPECT_THAT(lockers(), ::testing::ElementsAre("kek-2", "kek-1"));
  EXPECT_EQ(disk->descriptor().encryption.value().key_id, "kek-2");
  static_cast<void>(end_rewrap(folder_, "vm-1", *disk).value());
  EXPECT_THAT(lockers(), ::testing::ElementsAre("kek-2"));
  EXPECT_EQ(folder_.contents("vm-1-flat.vmdk"), data) << "a shallow recrypt touches no data";
}

TEST_F(RewrapTest, APowerCutLeavesAWrappingThatOpens) {
  for (std::uint64_t cut = 0; cut < 8; ++cut) {
    MemoryDiskFolder folder(cut + 1);
    given_disk(folder, sample_disk(64 * 1024), sample_key(1));
    {
      auto disk = DiskEngine::open(folder, "vm-1", sample_key(1).dek.clone()).value();
      folder.fail_at(cut);
      if (begin_rewrap(folder, "vm-1", *disk, both(), "kek-2", kAction).ok()) {
        static_cast<void>(end_rewrap(folder, "vm-1", *disk));
      }
    }
    folder.restart();
    const Descriptor descriptor = read_descriptor(folder, "vm-1").value();
    const auto safe = crypto::parse_key_safe(descriptor.encryption.value().key_safe).value();
    const std::uint8_t seed = safe.front().locker.key == "kek-2" ? 2 : 1;
    SecretBytes kek(32);
    for (auto& byte : kek.write(SecretAccess{})) byte = seed;
    auto dek = crypto::unlock_dek(kek, safe.front().locked);
    ASSERT_TRUE(dek.ok());
    EXPECT_TRUE(DiskEngine::open(folder, "vm-1", std::move(dek).value()).ok());
    const auto found = recover(folder, "vm-1", kAction).value();
    EXPECT_EQ(found == ActionFound::kCommitted, seed == 2) << cut;
  }
}

TEST_F(RewrapTest, TheOldWrappingGoesEvenIfBothKeyServersGaveTheSameId) {
  auto disk = make_disk();
  auto safe = crypto::parse_key_safe(both()).value();
  safe.front().locker = {"other", "kek-1"};
  const auto text = crypto::format_key_safe(safe);
  ASSERT_TRUE(begin_rewrap(folder_, "vm-1", *disk, text, "kek-1", kAction).ok());
  const auto ended = end_rewrap(folder_, "vm-1", *disk).value();
  const auto left = crypto::parse_key_safe(ended.encryption.value().key_safe).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().locker.provider, "other");
}

TEST_F(RewrapTest, EndingTwiceIsTheSameAsOnce) {
  auto disk = make_disk();
  static_cast<void>(begin_rewrap(folder_, "vm-1", *disk, both(), "kek-2", kAction).value());
  const auto once = end_rewrap(folder_, "vm-1", *disk).value();
  EXPECT_EQ(end_rewrap(folder_, "vm-1", *disk).value(), once);
}

}  // namespace
}  // namespace keytrail::disk::test
