#include "esxi/service/guests.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "esxi/disk/os_disk_folder.h"
#include "tests/esxi/host_log.h"
#include "tests/support/temp_folder.h"

namespace keytrail::esxi {
namespace {

using namespace std::chrono_literals;

// A VM on a real folder; a script takes QEMU's place.
class GuestsTest : public ::testing::Test {
 protected:
  GuestsTest() : datastore_(temporary_.path()), disks_(datastore_, random_) {
    Order order{.kind = OrderKind::kCreate, .action = action(1), .vm = "vm-1"};
    order.creation.disk_bytes = 64 * 1024;
    order.creation.guest = {"vmlinuz", "initrd.img", "mode=none"};
    vm_.disk = disks_.perform(order, vm_, {}).value().disk;
    for (const char* name : {"vmlinuz", "initrd.img"}) std::ofstream(file(name)) << name;
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return temporary_.path() + "/vm-1/" + name;
  }

  // Why it does not start.
  std::string refusal() {
    const Result<void> started =
        guests("exit 0", [](const GuestEnd&) {})->power_on("vm-1", vm_, std::nullopt);
    return started.ok() ? "it was started" : started.error().detail;
  }

  std::unique_ptr<Guests> guests(const std::string& script, Guests::OnEnd on_end) {
    const std::string program = temporary_.file("qemu");
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    ::chmod(program.c_str(), 0700);
    return std::make_unique<Guests>(
        disks_,
        Guests::Options{
            .datastore = temporary_.path(), .run_folder = temporary_.path(), .program = program},
        std::move(on_end));
  }

  keytrail::testing::TempFolder temporary_;
  OsRandom random_;
  disk::OsDatastore datastore_;
  DiskWork disks_;
  Vm vm_{.host = "host-1"};
};

TEST_F(GuestsTest, AreNotGoneWhileOneOfThemIsStillTellingItsEnd) {
  std::promise<void> telling, may_end;
  std::atomic<bool> has_told = false;
  auto running = guests("exit 0", [&](const GuestEnd&) {
    telling.set_value();
    may_end.get_future().wait();
    has_told = true;
  });
  ASSERT_TRUE(running->power_on("vm-1", vm_, std::nullopt).ok());
  ASSERT_EQ(telling.get_future().wait_for(20s), std::future_status::ready);
  auto destroyed = std::async(std::launch::async, [&] { running.reset(); });
  EXPECT_EQ(destroyed.wait_for(200ms), std::future_status::timeout) << "it left the teller behind";
  may_end.set_value();
  ASSERT_EQ(destroyed.wait_for(20s), std::future_status::ready);
  EXPECT_TRUE(has_told);
}

TEST_F(GuestsTest, AVmWithoutAGuestIsNotStarted) {
  std::ofstream(temporary_.path() + "/vm-1/vm-1.vmx") << "displayName = \"vm-1\"\n";
  EXPECT_THAT(refusal(), ::testing::HasSubstr("has no guest to boot"));
}

TEST_F(GuestsTest, WhatTheySayIsKeptInTheVmsFolder) {
  std::promise<void> ended;
  auto running = guests("echo hello", [&](const GuestEnd&) { ended.set_value(); });
  ASSERT_TRUE(running->power_on("vm-1", vm_, std::nullopt).ok());
  ASSERT_EQ(ended.get_future().wait_for(20s), std::future_status::ready);
  std::string said;
  std::getline(std::ifstream(file("console.log")), said);
  EXPECT_EQ(said, "hello");
}

// Whoever may write to the datastore gets by it neither another file's bytes into a guest nor a
// guest's bytes into another file.
TEST_F(GuestsTest, NoLinkInTheVmsFolderLeadsOutOfIt) {
  const std::string outside = temporary_.file("outside");
  std::ofstream(outside) << "x";
  for (const char* name : {"vmlinuz", "initrd.img", "console.log"}) {
    const bool was_there = std::filesystem::remove(file(name));
    std::filesystem::create_symlink(outside, file(name));
    EXPECT_THAT(refusal(), ::testing::HasSubstr(std::string(name) + ": it is a symbolic link"));
    std::filesystem::remove(file(name));
    if (was_there) std::ofstream(file(name)) << name;
  }
  EXPECT_EQ(std::filesystem::file_size(outside), 1u);
}

TEST_F(GuestsTest, APipeInPlaceOfAKernelKeepsNobodyWaiting) {
  std::filesystem::remove(file("vmlinuz"));
  ASSERT_EQ(::mkfifo(file("vmlinuz").c_str(), 0600), 0);
  EXPECT_THAT(refusal(), ::testing::HasSubstr("vmlinuz: it is not a regular file"));
}

}  // namespace
}  // namespace keytrail::esxi
