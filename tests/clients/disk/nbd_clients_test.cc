// Other people's NBD clients against our server: libnbd's tools and fio.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "esxi/disk/nbd_server.h"
#include "esxi/disk/os_disk_folder.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

namespace keytrail::disk::test {
namespace {

using keytrail::testing::ProgramEnd;
using keytrail::testing::run_program;
using ::testing::HasSubstr;

constexpr std::uint64_t kSize = 32 << 20;

// Parameter: the sector size.
class NbdClientsTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  NbdClientsTest() {
    given_disk(*folder_, sample_disk(kSize, GetParam()), sample_key(1));
    disk_ = DiskEngine::open(*folder_, "vm-1", sample_key(1).dek.clone()).value();
    server_ = NbdServer::start(socket_, "vm-1", *disk_).value();
  }

  [[nodiscard]] std::string uri() const { return "nbd+unix:///vm-1?socket=" + socket_; }

  // Bytes that do not compress into runs, in a file.
  std::string random_file(std::uint64_t seed) {
    const std::string path = temporary_.file("random-" + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> words(kSize / sizeof(std::uint64_t));
    std::ranges::generate(words, random);
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(words.data()), kSize);
    return path;
  }

  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  keytrail::testing::TempFolder temporary_;
  const std::string socket_ = temporary_.file("disk.sock");
  std::unique_ptr<OsDiskFolder> folder_ = OsDiskFolder::open_folder(temporary_.path()).value();
  std::unique_ptr<DiskEngine> disk_;
  std::unique_ptr<NbdServer> server_;
};

INSTANTIATE_TEST_SUITE_P(Sectors, NbdClientsTest, ::testing::Values(512u, 4096u),
                         ::testing::PrintToStringParamName());

TEST_P(NbdClientsTest, NbdinfoSeesTheDiskAsItIs) {
  const ProgramEnd info = run_program({"nbdinfo", "--json", uri()});
  ASSERT_EQ(info.status, 0) << info.output;
  for (const std::string& line : std::vector<std::string>{
           "\"protocol\": \"newstyle-fixed\"", "\"export-name\": \"vm-1\"",
           "\"block_size_minimum\": " + std::to_string(GetParam()), "\"export-size\": 33554432",
           "\"can_multi_conn\": true", "\"can_flush\": true", "\"can_fua\": true",
           "\"can_trim\": true", "\"can_zero\": true", "\"is_read_only\": false"}) {
    EXPECT_THAT(info.output, HasSubstr(line));
  }
}

TEST_P(NbdClientsTest, NbdinfoListsTheOneExport) {
  const ProgramEnd list = run_program({"nbdinfo", "--list", uri()});
  ASSERT_EQ(list.status, 0) << list.output;
  EXPECT_THAT(list.output, HasSubstr("export=\"vm-1\""));
}

TEST_P(NbdClientsTest, NbdcopyBringsADiskInAndOutAgain) {
  const std::string in = random_file(GetParam());
  const std::string out = temporary_.file("out");
  const ProgramEnd put = run_program({"nbdcopy", "--flush", in, uri()});
  ASSERT_EQ(put.status, 0) << put.output;
  const ProgramEnd get = run_program({"nbdcopy", uri(), out});
  ASSERT_EQ(get.status, 0) << get.output;
  const std::string data = contents(in);
  EXPECT_TRUE(contents(out) == data);
  const std::string raw = contents(temporary_.file("vm-1-flat.vmdk"));
  EXPECT_EQ(raw.size(), data.size());
  EXPECT_EQ(raw.find(data.substr(0, 64)), std::string::npos);
}

TEST_P(NbdClientsTest, FioVerifiesWhatItWroteInAllSizesAtOnce) {
  const std::string smallest = std::to_string(GetParam());
  const ProgramEnd fio = run_program(
      {"fio", "--name=verify", "--ioengine=nbd", "--uri=" + uri(), "--rw=randrw", "--iodepth=16",
       "--bsrange=" + smallest + "-512k", "--blockalign=" + smallest, "--verify=crc32c",
       "--verify_fatal=1", "--size=32m", "--fsync=64", "--randseed=7"});
  EXPECT_EQ(fio.status, 0) << fio.output;
  EXPECT_THAT(fio.output, HasSubstr("err= 0"));
}

}  // namespace
}  // namespace keytrail::disk::test
