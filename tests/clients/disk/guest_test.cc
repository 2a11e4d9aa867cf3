// A real guest on our disks: what it wrote is nowhere in the clear, and all there when it boots
// again.
//
// Needs the guest image (esxi/guest/make_guest.sh build/guest) and QEMU; ./run test sees to both.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "bus/secret/sha256.h"
#include "esxi/disk/conversion.h"
#include "esxi/disk/disk_files.h"
#include "esxi/disk/nbd_server.h"
#include "esxi/disk/os_disk_folder.h"
#include "esxi/service/guest_process.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk::test {
namespace {

using esxi::GuestExit;
using esxi::GuestExitKind;
using esxi::GuestProcess;
using ::testing::HasSubstr;

constexpr std::uint64_t kSize = 16 << 20;
constexpr int kLines = 400;
constexpr std::chrono::seconds kBootPatience{120};

// The guest's rule (esxi/guest/init): line i is "keytrail-" and the SHA-256 of "seed:i".
std::string line(int seed, int number) {
  const std::string text = std::to_string(seed) + ":" + std::to_string(number);
  return "keytrail-" + to_hex(sha256(as_bytes(text)));
}

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class GuestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(image("initrd.gz")))
        << "run esxi/guest/make_guest.sh build/guest first";
  }

  static std::string image(const std::string& name) {
    return std::string(KEYTRAIL_SOURCE_DIR "/build/guest/") + name;
  }

  static Fd opened(const std::string& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }

  // Boots the guest on the disk and gives what this boot printed.
  std::string boot(DiskEngine& disk, const std::string& command_line, const std::string& initrd) {
    std::string console;
    const auto server = NbdServer::start(temporary_.file("disk.sock"), "vm-1", disk).value();
    std::promise<GuestExit> ended;
    const auto guest = GuestProcess::start(
        {.kernel = opened(image("vmlinuz")),
         .initrd = opened(initrd),
         .command_line = command_line,
         .disk_socket = temporary_.file("disk.sock"),
         .sector_bytes = disk.sector_bytes()},
        [&](ByteView said) { console += as_text(said); },
        [&](const GuestExit& exit) { ended.set_value(exit); });
    EXPECT_TRUE(guest.ok()) << guest.error().detail;
    auto future = ended.get_future();
    if (future.wait_for(kBootPatience) != std::future_status::ready) (*guest)->end();
    const GuestExit exit = future.get();
    EXPECT_EQ(exit.kind, GuestExitKind::kPoweredOff) << exit.detail;
    return console;
  }

  std::string boot(DiskEngine& disk, const std::string& mode, int seed) {
    return boot(
        disk, "mode=" + mode + " seed=" + std::to_string(seed) + " lines=" + std::to_string(kLines),
        image("initrd.gz"));
  }

  // How many of the guest's lines stand in any file of the folder.
  int lines_on_the_datastore(int seed) {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(temporary_.path())) {
      if (entry.is_regular_file()) all += contents(entry.path());
    }
    int found = 0;
    for (int i = 1; i <= kLines; ++i) found += all.find(line(seed, i)) != std::string::npos;
    return found;
  }

  keytrail::testing::TempFolder temporary_;
  std::unique_ptr<OsDiskFolder> folder_ = OsDiskFolder::open_folder(temporary_.path()).value();
};

TEST_F(GuestTest, ItsLinesAreOnAPlainDiskAndOnNoEncryptedOneAndItReadsThemAllAgain) {
  given_disk(*folder_, sample_disk(kSize), std::nullopt);
  auto disk = DiskEngine::open(*folder_, "vm-1", std::nullopt).value();
  EXPECT_THAT(boot(*disk, "auto", 7), HasSubstr("KT-GUEST wrote 400 lines"));
  EXPECT_EQ(lines_on_the_datastore(7), kLines) << "the control: a search that finds them";

  Conversion conversion(*folder_, "vm-1", "aa", std::move(disk), sample_key(1));
  conversion.prepare().value();
  ASSERT_TRUE(conversion.commit().ok());
  disk = conversion.retire().value();
  EXPECT_EQ(lines_on_the_datastore(7), 0);
  EXPECT_THAT(boot(*disk, "auto", 7), HasSubstr("KT-GUEST matched 400 of 400 lines"));

  EXPECT_THAT(boot(*disk, "write", 8), HasSubstr("KT-GUEST wrote 400 lines"));
  EXPECT_EQ(lines_on_the_datastore(8), 0);
  EXPECT_THAT(boot(*disk, "check", 7), HasSubstr("KT-GUEST matched 0 of 400 lines"));
}

// Linux is given the file, as it lies on the datastore, and the DEK; not our code, and not the KMS.
class DmCryptTest : public GuestTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  // The boot whose disk is the encrypted file itself, seen through dm-crypt with `flags`.
  std::string boot_through_dm_crypt(const std::string& flags) {
    const std::string both = temporary_.file("initrd-dm-crypt.gz");
    std::ofstream(both, std::ios::binary)
        << contents(image("initrd.gz")) << contents(image("dm-crypt.cpio.gz"));
    const std::string key = to_hex(sample_key(1).dek.read(SecretAccess{}));
    const auto raw = DiskEngine::open(*folder_, "raw", std::nullopt).value();
    return boot(
        *raw, "mode=check seed=9 lines=400 crypt=aes-xts-plain64," + key + ",0,/dev/vda,0," + flags,
        both);
  }

  void write_lines() {
    given_disk(*folder_, sample_disk(kSize, GetParam()), sample_key(1));
    std::string text;
    for (int i = 1; i <= kLines; ++i) text += line(9, i) + "\n";
    Bytes data(kSize);
    std::ranges::copy(text, data.begin());
    const auto disk = DiskEngine::open(*folder_, "vm-1", sample_key(1).dek.clone()).value();
    auto session = disk->session();
    session.write(0, data).value();
    session.flush().value();
    std::filesystem::copy_file(temporary_.file("vm-1-flat.vmdk"), temporary_.file("raw-flat.vmdk"));
    NewDisk raw = sample_disk(kSize, GetParam());
    raw.name = "raw";
    ASSERT_TRUE(adopt_flat(*folder_, raw).ok());
  }
};

INSTANTIATE_TEST_SUITE_P(Sectors, DmCryptTest, ::testing::Values(512u, 4096u),
                         ::testing::PrintToStringParamName());

TEST_P(DmCryptTest, LinuxReadsTheDiskFileGivenTheDek) {
  ASSERT_NO_FATAL_FAILURE(write_lines());
  EXPECT_THAT(boot_through_dm_crypt("1,sector_size:" + std::to_string(GetParam())),
              HasSubstr("KT-GUEST matched 400 of 400 lines"));
}

}  // namespace
}  // namespace keytrail::disk::test
