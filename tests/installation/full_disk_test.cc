// A disk that fills up under a running installation: the event store's, a host's datastore. What
// was acknowledged is there afterwards, each part says what is wrong and what to do, and work goes
// on when there is room again.
//
// The disks are small tmpfs file systems, which needs root (as ./run test has it); skipped
// otherwise.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include "tests/installation/installation_under_test.h"

namespace keytrail::testing {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

// A file system of its own size, mounted on a folder.
class SmallDisk {
 public:
  // False: not allowed here.
  bool mount(const std::string& folder, const std::string& size) {
    if (::mount("keytrail-test", folder.c_str(), "tmpfs", 0, ("mode=0700,size=" + size).c_str()) !=
        0)
      return false;
    folder_ = folder;
    return true;
  }
  bool grow(const std::string& size) const {
    return ::mount("keytrail-test", folder_.c_str(), "tmpfs", MS_REMOUNT,
                   ("size=" + size).c_str()) == 0;
  }
  void unmount() {
    if (!folder_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
    folder_.clear();
  }

 private:
  std::string folder_;
};

// Takes all the room there is, to the last byte.
void fill(const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::app);
  const std::string piece(4096, 'f');
  while (out.write(piece.data(), static_cast<std::streamsize>(piece.size())) && out.flush()) {
  }
}

class FullDiskTest : public ::testing::Test {
 protected:
  // Before the installation's folder is removed.
  void TearDown() override {
    installation_.stop();
    disk_.unmount();
  }

  SmallDisk disk_;
  InstallationUnderTest installation_{{.replicas = 1, .hosts = 1}};
};

TEST_F(FullDiskTest, AFullDatastoreRefusesTheOrderAndLeavesTheVmAsItWas) {
  ASSERT_EQ(installation_.start(), "");
  if (!disk_.mount(installation_.datastore(), "6m")) {
    GTEST_SKIP() << "cannot mount a tmpfs here: " << std::strerror(errno);
  }
  ASSERT_EQ(installation_.add_provider().status, 0);
  const ProgramEnd created = installation_.run({"vm", "create", "vm-1", "--size", "4M"});
  ASSERT_EQ(created.status, 0) << created.output;
  const std::string folder = installation_.datastore() + "/vm-1/";
  const std::string before = contents(folder + "vm-1.vmdk");
  const int host = installation_.pid_of("host-1");

  const ProgramEnd refused = installation_.run({"vm", "encrypt", "vm-1"});
  EXPECT_EQ(refused.status, 1) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("datastore is full"));
  EXPECT_THAT(refused.output, HasSubstr("free some space"));
  EXPECT_EQ(installation_.pid_of("host-1"), host) << "the host did not live";
  EXPECT_EQ(contents(folder + "vm-1.vmdk"), before);
  EXPECT_FALSE(fs::exists(folder + "vm-1-flat.2.vmdk")) << "half a disk was left behind";
  const ProgramEnd second = installation_.run({"vm", "create", "vm-2", "--size", "4M"});
  EXPECT_EQ(second.status, 1) << second.output;
  EXPECT_THAT(second.output, HasSubstr("datastore is full"));

  ASSERT_TRUE(disk_.grow("16m"));
  const ProgramEnd encrypted = installation_.run({"vm", "encrypt", "vm-1"});
  EXPECT_EQ(encrypted.status, 0) << encrypted.output;
  EXPECT_EQ(installation_.run({"vm", "create", "vm-2", "--size", "4M"}).status, 0);
}

TEST_F(FullDiskTest, AFullLogDiskLosesNothingThatWasAcknowledgedAndWorkGoesOnWithRoom) {
  ASSERT_EQ(installation_.start(), "");
  EXPECT_EQ(installation_.stop(), "exited with 0");
  const std::string folder = installation_.file("eventstore");
  const std::string aside = installation_.folder().file("aside");
  fs::rename(folder, aside);
  fs::create_directory(folder);
  if (!disk_.mount(folder, "24m")) {
    GTEST_SKIP() << "cannot mount a tmpfs here: " << std::strerror(errno);
  }
  fs::copy(aside, folder, fs::copy_options::recursive);
  ASSERT_EQ(installation_.start(), "");

  std::size_t acknowledged = 0;
  const auto add_group = [&] {
    const std::string name = "group-" + std::to_string(acknowledged);
    const bool added = installation_.call("group.add", R"({"group":")" + name + "\"}").ok();
    acknowledged += added ? 1 : 0;
    return added;
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(add_group());

  // What is asked when the disk is full waits for room, or is refused; it is never half done.
  const std::string filler = folder + "/filler";
  fill(filler);
  auto unlucky = std::async(std::launch::async,
                       [&] { return installation_.call("group.add", R"({"group":"unlucky"})"); });
  // Each start of the store that fails may give a little room back: it is taken at once.
  EXPECT_TRUE(until([&] {
    fill(filler);
    return installation_.log_of("eventstore").find("is full; make room") != std::string::npos;
  })) << installation_.log_of("eventstore");
  EXPECT_TRUE(until([&] {
    fill(filler);
    const ProgramEnd meanwhile = installation_.run({"user", "list"});
    return meanwhile.status == 3 && meanwhile.output.find("event log is away") != std::string::npos;
  })) << "vCenter does not say that nothing can be recorded";

  fs::remove(filler);
  EXPECT_TRUE(until(
      [&] {
        return installation_.run({"log", "info"}).status == 0;
      },
      std::chrono::seconds(60)))
      << "the event store did not come back";
  const bool unlucky_was_added = unlucky.get().ok();
  EXPECT_TRUE(until([&] { return add_group(); })) << "vCenter did not come back";
  const ProgramEnd verified = installation_.run({"log", "verify"});
  EXPECT_EQ(verified.status, 0) << verified.output;
  const std::size_t recorded = installation_.facts({.types = {"GroupCreated"}}).size();
  EXPECT_GE(recorded, acknowledged + (unlucky_was_added ? 1 : 0));
  EXPECT_LE(recorded, acknowledged + 1) << "something is there twice";
}

}  // namespace
}  // namespace keytrail::testing
