// disk_bench: what a guest's I/O costs. fio over NBD, 1 MiB sequential at queue depth 8, on a plain
// and on encrypted disks, and on nbdkit's plain file beside them: the figure that matters is the
// ratio. The files lie in FOLDER (default /dev/shm, so that the medium does not count).
//
//   disk_bench [FOLDER]
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "esxi/disk/nbd_server.h"
#include "esxi/disk/os_disk_folder.h"
#include "tests/esxi/disk/sample_disk.h"
#include "tests/support/program.h"

namespace {

using namespace keytrail;        // NOLINT: a program of one page.
using namespace keytrail::disk;  // NOLINT

constexpr std::uint64_t kSize = 256 << 20;
constexpr int kRounds = 3;

// No figure is better than one of something that did not run.
[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "disk_bench: %s\n", sentence.c_str());
  std::exit(1);
}

void require_program(const std::string& name) {
  const auto end = keytrail::testing::run_program({name, "--version"});
  if (end.status == 127) fail(name + " is not installed; `./run setup` installs it");
  if (end.status != 0) fail(name + " does not run: " + end.output);
}

// MB/s of one fio run.
double run_fio(const std::string& socket, const std::string& direction) {
  const auto end = keytrail::testing::run_program(
      {"fio", "--name=bench", "--ioengine=nbd", "--uri=nbd+unix:///?socket=" + socket,
       "--rw=" + direction, "--bs=1m", "--iodepth=8", "--size=256m", "--time_based", "--runtime=2",
       "--minimal"});
  if (end.status != 0) fail("fio over " + socket + " failed: " + end.output);
  // Terse format, version 3: bandwidth in KiB/s is field 7 (read) or 48 (write).
  const std::size_t terse = end.output.find("3;");
  if (terse == std::string::npos) fail("fio gave no figures: " + end.output);
  std::istringstream line(end.output.substr(terse));
  std::string field;
  for (int i = 0; i < (direction == "read" ? 7 : 48); ++i) std::getline(line, field, ';');
  const double megabytes = std::strtod(field.c_str(), nullptr) * 1024 / 1e6;
  if (megabytes <= 0) fail("fio measured nothing: " + end.output);
  return megabytes;
}

void report(const std::string& what, const std::string& socket) {
  for (const char* direction : {"write", "read"}) {
    double best = 0;
    for (int i = 0; i < kRounds; ++i) best = std::max(best, run_fio(socket, direction));
    std::printf("%-28s %-6s %8.0f MB/s\n", what.c_str(), direction, best);
    std::fflush(stdout);
  }
}

void bench_ours(const std::string& folder_path, const std::string& what, std::uint32_t sector_bytes,
                const std::optional<DiskKey>& key) {
  auto folder = OsDiskFolder::open_folder(folder_path).value();
  NewDisk disk = test::sample_disk(kSize, sector_bytes);
  disk.name = "bench";
  test::given_disk(*folder, disk, key);
  std::optional<SecretBytes> dek;
  if (key) dek = key->dek.clone();
  {
    auto engine = DiskEngine::open(*folder, disk.name, std::move(dek)).value();
    const auto server = NbdServer::start(folder_path + "/sock", disk.name, *engine).value();
    report(what, folder_path + "/sock");
  }
  const auto names = folder->names().value();
  for (const std::string& name : names) folder->remove(name).value();
}

void bench_nbdkit(const std::string& folder_path) {
  const std::string file = folder_path + "/raw";
  const std::string socket = folder_path + "/nbdkit";
  auto folder = OsDiskFolder::open_folder(folder_path).value();
  KEYTRAIL_CHECK(folder->create("raw", kSize).ok());
  const pid_t nbdkit = ::fork();
  if (nbdkit == 0) {
    ::execlp("nbdkit", "nbdkit", "-f", "-U", socket.c_str(), "file", file.c_str(), nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 500 && !std::filesystem::exists(socket); ++i) ::usleep(10'000);
  if (!std::filesystem::exists(socket)) fail("nbdkit did not begin to serve " + file);
  report("nbdkit, plain file", socket);
  ::kill(nbdkit, SIGTERM);
  ::waitpid(nbdkit, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  require_program("fio");
  require_program("nbdkit");
  const std::string where = argc > 1 ? argv[1] : "/dev/shm";
  std::string folder = where + "/keytrail-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) fail("cannot make a folder in " + where);
  std::printf("The disks lie in %s%s.\n", where.c_str(),
              where == "/dev/shm" ? ", which is memory: no medium is in these figures" : "");
  bench_nbdkit(folder);
  bench_ours(folder, "keytrail, plain", 4096, std::nullopt);
  bench_ours(folder, "keytrail, encrypted 4096", 4096, test::sample_key(1));
  bench_ours(folder, "keytrail, encrypted 512", 512, test::sample_key(1));
  std::filesystem::remove_all(folder);
  return 0;
}
