#include "esxi/service/guest_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "tests/support/temp_folder.h"

namespace keytrail::esxi {
namespace {

using namespace std::chrono_literals;

// Scripts take QEMU's place: what matters here is the process, not what runs in it.
class GuestProcessTest : public ::testing::Test {
 protected:
  GuestSpec spec(const std::string& script) {
    const std::string program = temporary_.file("qemu");
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    ::chmod(program.c_str(), 0700);
    return {.kernel = file("kernel"),
            .initrd = file("initrd"),
            .command_line = "mode=none",
            .disk_socket = temporary_.file("disk,1.sock"),
            .program = program};
  }

  // Says its own name.
  Fd file(const std::string& name) {
    std::ofstream(temporary_.file(name)) << name;
    return Fd(::open(temporary_.file(name).c_str(), O_RDONLY | O_CLOEXEC));
  }

  GuestExit wait() {
    auto future = exit_.get_future();
    if (future.wait_for(20s) == std::future_status::ready) return future.get();
    ADD_FAILURE() << "the guest goes on";
    return {};
  }

  std::string console() {
    const std::lock_guard lock(mutex_);
    return console_;
  }

  // Until the script has said so.
  void wait_for_console(const std::string& word) {
    for (int i = 0; i < 2000 && console().find(word) == std::string::npos; ++i) {
      std::this_thread::yield();
      ::usleep(10'000);
    }
    EXPECT_THAT(console(), ::testing::HasSubstr(word));
  }

  GuestProcess::OnConsole hear() {
    return [this](ByteView said) {
      const std::lock_guard lock(mutex_);
      console_ += as_text(said);
    };
  }
  GuestProcess::OnExit tell() {
    return [this](const GuestExit& exit) { exit_.set_value(exit); };
  }

  keytrail::testing::TempFolder temporary_;
  std::promise<GuestExit> exit_;
  std::mutex mutex_;
  std::string console_;
};

TEST_F(GuestProcessTest, AGuestThatPowersOffSaysSo) {
  const auto guest = GuestProcess::start(spec("echo booted"), hear(), tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_EQ(console(), "booted\n");
}

TEST_F(GuestProcessTest, IsGivenItsDiskItsKernelAndNothingElse) {
  const auto guest =
      GuestProcess::start(spec("for a; do echo \"$a\"; done; readlink /proc/self/fd/5; "
                               "ls /proc/self/fd"),
                          hear(), tell())
          .value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_THAT(console(), ::testing::HasSubstr("\ntcg,thread=multi\n"));
  EXPECT_THAT(console(), ::testing::HasSubstr("server.path=/proc/self/fd/5/disk,,1.sock\n"));
  EXPECT_THAT(console(), ::testing::HasSubstr("\n" + temporary_.path() + "\n"));
  EXPECT_THAT(console(), ::testing::HasSubstr(" mode=none\n"));
  EXPECT_THAT(console(), ::testing::EndsWith("\n0\n1\n2\n3\n4\n5\n6\n"))
      << "6 is ls's own view of the folder";
}

TEST_F(GuestProcessTest, BootsTheFilesThatWereOpenedWhateverStandsUnderTheirNamesByThen) {
  GuestSpec opened = spec(
      "while [ $# -gt 0 ]; do case $1 in -kernel|-initrd) cat \"$2\"; echo;; esac; shift; done");
  std::filesystem::remove(temporary_.file("kernel"));
  std::filesystem::create_symlink("/etc/hostname", temporary_.file("kernel"));
  const auto guest = GuestProcess::start(std::move(opened), hear(), tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_EQ(console(), "kernel\ninitrd\n");
}

TEST_F(GuestProcessTest, AllThatItSaysIsToldBeforeItsEnd) {
  const auto guest = GuestProcess::start(spec("head -c 1000000 /dev/zero"), hear(), tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_EQ(console().size(), 1'000'000u);
}

TEST_F(GuestProcessTest, AFailureIsToldInQemusOwnWords) {
  const auto guest =
      GuestProcess::start(spec("echo 'could not open the disk' >&2; exit 1"), hear(), tell())
          .value();
  const GuestExit exit = wait();
  EXPECT_EQ(exit.kind, GuestExitKind::kFailed);
  EXPECT_EQ(exit.detail, "QEMU ended with status 1: could not open the disk");
}

TEST_F(GuestProcessTest, AKilledGuestHasFailed) {
  const auto guest = GuestProcess::start(spec("exec sleep 600"), hear(), tell()).value();
  ::kill(guest->pid(), SIGKILL);
  EXPECT_EQ(wait().detail, "QEMU was killed by Killed");
}

TEST_F(GuestProcessTest, EndingItEndsItEvenIfItDoesNotListen) {
  const auto guest = GuestProcess::start(spec("trap '' TERM; echo deaf; while :; do sleep 1; done"),
                                         hear(), tell())
                         .value();
  wait_for_console("deaf");
  guest->end();
  EXPECT_EQ(::kill(guest->pid(), 0), -1);
  EXPECT_EQ(wait().kind, GuestExitKind::kEnded);
}

TEST_F(GuestProcessTest, BlockedSignalsOfThisProcessAreNotItsOwn) {
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto guest =
      GuestProcess::start(
          spec("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done"), hear(),
          tell())
          .value();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  wait_for_console("ready");
  guest->end();
  EXPECT_THAT(console(), ::testing::HasSubstr("asked"));
}

TEST_F(GuestProcessTest, MayBeDestroyedByTheCallThatTellsItsEnd) {
  std::promise<void> destroyed;
  std::unique_ptr<GuestProcess> guest;
  std::promise<void> stored;
  guest = GuestProcess::start(spec("exit 0"), hear(), [&](const GuestExit&) {
            stored.get_future().wait();
            guest.reset();
            destroyed.set_value();
          }).value();
  stored.set_value();
  EXPECT_EQ(destroyed.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(GuestProcessTest, AMissingQemuIsToldWithWhatToDo) {
  auto missing = spec("");
  missing.program = temporary_.file("nowhere");
  const auto guest = GuestProcess::start(std::move(missing), hear(), tell());
  ASSERT_FALSE(guest.ok());
  EXPECT_THAT(guest.error().detail, ::testing::HasSubstr("install Debian's qemu-system-x86"));
}

TEST_F(GuestProcessTest, DiesWithItsHost) {
  const std::string pid_file = temporary_.file("pid");
  GuestSpec sleeper = spec("echo $$ > " + pid_file + ".new; mv " + pid_file + ".new " + pid_file +
                           "; exec sleep 600");
  const pid_t host = ::fork();
  if (host == 0) {
    const auto guest = GuestProcess::start(std::move(sleeper), {}, {});
    if (!guest.ok()) ::_exit(1);
    while (true) ::pause();
  }
  pid_t guest = 0;
  for (int i = 0; i < 2000 && !(std::ifstream(pid_file) >> guest); ++i) ::usleep(10'000);
  ASSERT_GT(guest, 0);
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  const auto is_gone = [guest] {  // Whoever inherits orphans here may leave it a zombie.
    std::ifstream stat("/proc/" + std::to_string(guest) + "/stat");
    std::string id, name, state;
    return !(stat >> id >> name >> state) || state == "Z";
  };
  for (int i = 0; i < 2000 && !is_gone(); ++i) ::usleep(10'000);
  EXPECT_TRUE(is_gone());
}

}  // namespace
}  // namespace keytrail::esxi
