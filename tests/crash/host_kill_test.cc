// A host's process, killed at every step of encrypt and of decrypt: each change of a file of the
// datastore, each message to the log, before it and after it. A real installation; the host runs
// the program as it is, with die_at_step.cc preloaded.
//
// What must hold afterwards is DiskWitness's to say. That it says so when something is wrong, and
// that the kills leave disks that are half done, are tests too.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include "bus/secret/random.h"
#include "bus/secret/sha256.h"
#include "esxi/disk/os_disk_folder.h"
#include "tests/crash/disk_witness.h"

namespace keytrail::crash {
namespace {

using ::testing::Contains;
using testing::contents;
using ::testing::HasSubstr;
using testing::InstallationUnderTest;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::until;

namespace fs = std::filesystem;

constexpr int kSeed = 17;
constexpr int kLines = 400;
constexpr std::size_t kDiskBytes = 5 << 20;  // two segments of a conversion
constexpr int kStepsMax = 100;
constexpr auto kPatience = std::chrono::seconds(30);

// The guest's rule (esxi/guest/init).
std::vector<std::string> guest_lines() {
  std::vector<std::string> lines;
  for (int i = 1; i <= kLines; ++i) {
    const std::string text = std::to_string(kSeed) + ":" + std::to_string(i);
    lines.push_back("keytrail-" + to_hex(sha256(as_bytes(text))));
  }
  return lines;
}

std::string guest_data() {
  std::string data;
  for (const std::string& line : guest_lines()) data += line + "\n";
  data.resize(kDiskBytes, '\0');
  OsRandom random;
  random.fill({reinterpret_cast<std::uint8_t*>(data.data()) + kDiskBytes / 2, kDiskBytes / 2});
  return data;
}

std::string image(const std::string& name) {
  return std::string(KEYTRAIL_SOURCE_DIR "/build/guest/") + name;
}

bool has_ended(const cli::Process& process) {
  pollfd item{process.fd(), POLLIN, 0};
  return ::poll(&item, 1, 0) > 0;
}

class HostKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fs::exists(image("initrd.gz"))) << "run esxi/guest/make_guest.sh build/guest first";
    ASSERT_EQ(installation_.start(), "");
    const testing::ProgramEnd provider = installation_.add_provider();
    ASSERT_EQ(provider.status, 0) << provider.output;
    ASSERT_EQ(installation_.run({"part", "kill", "host-1"}).status, 0);
    start_host();
    const std::string disk = installation_.folder().file("disk.raw");
    std::ofstream(disk, std::ios::binary) << data_;
    const testing::ProgramEnd created = installation_.run(
        {"vm", "create", "vm-1", "--import", disk, "--guest", image("vmlinuz"), image("initrd.gz"),
         "mode=check seed=" + std::to_string(kSeed) + " lines=" + std::to_string(kLines)});
    ASSERT_EQ(created.status, 0) << created.output;
    ASSERT_TRUE(witness_.enrol().ok());
    ASSERT_THAT(settled(false), IsEmpty());
  }

  void start_host() {
    const std::string port = installation_.endpoints().log.append;
    auto started = cli::Process::start(
        {"/usr/bin/env", "LD_PRELOAD=" KEYTRAIL_DIE_AT_STEP,
         "DIE_FOLDER=" + installation_.datastore(), "DIE_PORT=" + port.substr(port.rfind(':') + 1),
         "DIE_AT=" + at_file_, "DIE_TRACE=" + trace_file_, testing::keytrail_program(), "esxi",
         "run", "--config", installation_.file("config/host-1.toml")},
        installation_.file("log/host-1.log"));
    ASSERT_TRUE(started.ok()) << started.error().detail;
    host_.emplace(std::move(started).value());
  }

  // The witness's complaints, once the host has had the time to end what it began.
  std::vector<std::string> settled(bool encrypted) {
    std::vector<std::string> complaints;
    until([&] { return is_clean(); },
          kPatience);  // Cheaper than to ask the witness again and again.
    until([&] { return (complaints = witness_.complaints(encrypted)).empty(); }, kPatience);
    return complaints;
  }

  void die_at(int step) {
    fs::remove(trace_file_);
    std::ofstream(at_file_ + ".new") << step << " " << ++armed_;  // another content each time
    fs::rename(at_file_ + ".new", at_file_);
  }
  // "12 rename /vm-1/vm-1.vmdk.new"
  std::string last_step() const {
    std::istringstream trace(contents(trace_file_));
    std::string line, last = "none";
    while (std::getline(trace, line)) last = line;
    return last;
  }
  // It has come to the last step of all: the removal of the old data file is made durable.
  bool is_at_the_end() const {
    const std::string trace = contents(trace_file_);
    const std::size_t removal = trace.rfind(" remove ");
    return removal != std::string::npos &&
           trace.find(" sync /vm-1\n", removal) != std::string::npos;
  }

  // The action, with a host that dies at that step of it and is started again. False: it never
  // came to that step.
  bool dies(int step, const std::string& command) {
    die_at(step);
    auto answer = std::async(std::launch::async, [this, command] {
      return installation_.call(command, R"({"vm":"vm-1"})");
    });
    const auto is_answered = [&] {
      return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    };
    EXPECT_TRUE(until([&] { return is_answered() || has_ended(*host_); }, kPatience));
    // The answer may come while what follows it is still being done.
    EXPECT_TRUE(until([&] { return has_ended(*host_) || is_at_the_end(); }, kPatience));
    const bool died = has_ended(*host_);
    const std::string at = last_step();
    fs::remove(at_file_);
    half_done_ += died && !is_clean() ? 1 : 0;
    if (died) {
      EXPECT_EQ(host_->reap(), "killed by signal 9") << at;
      start_host();
    }
    const Result<std::string> ended = answer.get();
    EXPECT_TRUE(ended.ok()) << at << ": " << ended.error().detail;
    return died;
  }
  // No files but those of a disk at rest.
  bool is_clean() const {
    std::size_t data_files = 0;
    for (const std::string& name : witness_.files()) {
      if (name.ends_with(".new")) return false;
      data_files += name.find("-flat") != std::string::npos ? 1 : 0;
    }
    return data_files == 1;
  }

  InstallationUnderTest installation_{{.replicas = 1, .hosts = 1}};
  const std::string data_ = guest_data();
  DiskWitness witness_{installation_, "vm-1", data_, guest_lines()};
  const std::string at_file_ = installation_.folder().file("die-at");
  const std::string trace_file_ = installation_.folder().file("steps");
  std::optional<cli::Process> host_;
  int armed_ = 0;
  int half_done_ = 0;
};

TEST_F(HostKillTest, TheGuestsDataAreWholeWhereverAHostDiesWhileItEncryptsAndDecrypts) {
  std::map<bool, bool> is_through;  // by `encrypts`
  std::map<bool, int> steps;
  for (int step = 1; step <= kStepsMax && !(is_through[true] && is_through[false]); ++step) {
    for (const bool encrypts : {true, false}) {
      const bool died =
          dies(is_through[encrypts] ? 0 : step, encrypts ? "vm.encrypt" : "vm.decrypt");
      ASSERT_THAT(settled(encrypts), IsEmpty())
          << (encrypts ? "encrypting" : "decrypting") << ", killed at step " << step;
      if (died) continue;
      if (!is_through[encrypts]) steps[encrypts] = step - 1;
      is_through[encrypts] = true;
    }
  }
  EXPECT_TRUE(is_through[true] && is_through[false]) << "more steps than " << kStepsMax;
  std::printf("killed at %d steps of encrypt and %d of decrypt; %d left a disk half done\n",
              steps[true], steps[false], half_done_);
  // A claim, a new data file, its descriptor, the commit, the fact, the old file's end: fewer
  // would mean that the steps were not seen.
  EXPECT_GE(steps[true], 20);
  EXPECT_GE(steps[false], 20);
  EXPECT_GE(half_done_, 10) << "the kills hit nothing";

  const testing::ProgramEnd booted =
      installation_.run({"vm", "power-on", "vm-1", "--wait", "off"}, 120);
  ASSERT_EQ(booted.status, 0) << booted.output;
  EXPECT_THAT(contents(installation_.datastore() + "/vm-1/console.log"),
              HasSubstr("matched 400 of 400"));
}

// One order, and a host that dies again and again on its way through it: each life goes one step
// further than the one before, through what the last one left behind.
TEST_F(HostKillTest, AnOrderEndsThoughTheHostDiesInEachOfItsLives) {
  for (const bool encrypts : {true, false}) {
    die_at(1);
    auto answer = std::async(std::launch::async, [&] {
      return installation_.call(encrypts ? "vm.encrypt" : "vm.decrypt", R"({"vm":"vm-1"})");
    });
    int lives = 1;
    for (; lives < kStepsMax; ++lives) {
      const bool ended = until(
          [&] {
            return has_ended(*host_) ||
                   (answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready &&
                    is_clean());
          },
          kPatience);
      ASSERT_TRUE(ended) << "in life " << lives;
      if (!has_ended(*host_)) break;
      EXPECT_EQ(host_->reap(), "killed by signal 9");
      die_at(lives + 1);
      start_host();
    }
    fs::remove(at_file_);
    const Result<std::string> ended = answer.get();
    EXPECT_TRUE(ended.ok()) << ended.error().detail;
    EXPECT_THAT(settled(encrypts), IsEmpty()) << "after " << lives << " lives";
    EXPECT_GE(lives, 5);
  }
}

// What the kills are not: it ends by itself, and says so.
TEST_F(HostKillTest, AnOrderlyStopStandsOnTheLog) {
  host_->send(SIGTERM);
  ASSERT_TRUE(until([&] { return has_ended(*host_); }, kPatience));
  EXPECT_EQ(host_->reap(), "exited with 0");
  const std::vector<Fact> stops = installation_.facts({.types = {"PartStopped"}});
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].body.stream, "esxi/host-1/epoch");
}

// The control: each kind of damage is complained of.
TEST_F(HostKillTest, TheWitnessComplainsOfDamage) {
  const auto encrypted = installation_.call("vm.encrypt", R"({"vm":"vm-1"})");
  ASSERT_TRUE(encrypted.ok()) << encrypted.error().detail;
  ASSERT_THAT(settled(true), IsEmpty());
  EXPECT_THAT(witness_.complaints(false), Contains(HasSubstr("the log's last word")));

  const std::string folder = installation_.datastore() + "/vm-1/";
  std::ofstream(folder + "vm-1-flat.7.vmdk", std::ios::binary) << data_;
  EXPECT_THAT(witness_.complaints(true), Contains("left over: vm-1-flat.7.vmdk"));
  EXPECT_THAT(witness_.complaints(true), Contains(StartsWith("400 of the guest's lines")));
  fs::remove(folder + "vm-1-flat.7.vmdk");

  {
    const auto storage = disk::OsDiskFolder::open_folder(folder).value();
    const auto locked = storage->open("vm-1-flat.2.vmdk");
    ASSERT_TRUE(locked.ok());
    EXPECT_THAT(witness_.complaints(true), Contains(HasSubstr("another process has it open")));
  }
  std::fstream flat(folder + "vm-1-flat.2.vmdk", std::ios::in | std::ios::out | std::ios::binary);
  flat.seekp(4096);
  flat.put('?');
  flat.close();
  EXPECT_THAT(witness_.complaints(true), Contains("the guest's data are not what they were"));
}

}  // namespace
}  // namespace keytrail::crash
