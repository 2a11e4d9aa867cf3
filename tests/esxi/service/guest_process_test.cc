#include "esxi/service/guest_process.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
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
    return {.kernel = "/k",
            .initrd = "/i",
            .command_line = "mode=none",
            .disk_socket = temporary_.file("disk,1.sock"),
            .console_log = temporary_.file("console.log"),
            .program = program};
  }

  GuestExit wait() {
    auto future = exit_.get_future();
    EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
    return future.get();
  }

  std::string console() {
    std::ostringstream text;
    text << std::ifstream(temporary_.file("console.log")).rdbuf();
    return text.str();
  }

  // Until the script has said so.
  void wait_for_console(const std::string& word) {
    for (int i = 0; i < 2000 && console().find(word) == std::string::npos; ++i) {
      std::this_thread::yield();
      ::usleep(10'000);
    }
    EXPECT_THAT(console(), ::testing::HasSubstr(word));
  }

  GuestProcess::OnExit tell() {
    return [this](const GuestExit& exit) { exit_.set_value(exit); };
  }

  keytrail::testing::TempFolder temporary_;
  std::promise<GuestExit> exit_;
};

TEST_F(GuestProcessTest, AGuestThatPowersOffSaysSo) {
  const auto guest = GuestProcess::start(spec("echo booted"), tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_EQ(console(), "booted\n");
}

TEST_F(GuestProcessTest, IsGivenItsDiskItsKernelAndNothingElse) {
  const auto guest =
      GuestProcess::start(spec("for a; do echo \"$a\"; done; ls /proc/self/fd"), tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_THAT(console(), ::testing::HasSubstr("\ntcg,thread=multi\n"));
  EXPECT_THAT(console(),
              ::testing::HasSubstr("server.path=" + temporary_.file("disk,,1.sock") + "\n"));
  EXPECT_THAT(console(), ::testing::HasSubstr(" mode=none\n"));
  EXPECT_THAT(console(), ::testing::EndsWith("\n0\n1\n2\n3\n"))
      << "3 is ls's own view of the folder";
}

TEST_F(GuestProcessTest, ALongSocketPathIsReachedThroughItsFolder) {
  auto long_spec = spec(
      "for a; do case $a in *server.path=*) "
      "p=${a##*server.path=}; ls -d \"${p%/*}/.\" && readlink \"${p%/*}\";; esac; done");
  const std::string folder = temporary_.file(std::string(150, 'd'));
  std::filesystem::create_directory(folder);
  long_spec.disk_socket = folder + "/disk.sock";
  const auto guest = GuestProcess::start(long_spec, tell()).value();
  EXPECT_EQ(wait().kind, GuestExitKind::kPoweredOff);
  EXPECT_EQ(console(), "/proc/self/fd/3/.\n" + folder + "\n");
}

TEST_F(GuestProcessTest, AFailureIsToldInQemusOwnWords) {
  const auto guest =
      GuestProcess::start(spec("echo 'could not open the disk' >&2; exit 1"), tell()).value();
  const GuestExit exit = wait();
  EXPECT_EQ(exit.kind, GuestExitKind::kFailed);
  EXPECT_EQ(exit.detail, "QEMU ended with status 1: could not open the disk");
}

TEST_F(GuestProcessTest, AKilledGuestHasFailed) {
  const auto guest = GuestProcess::start(spec("exec sleep 600"), tell()).value();
  ::kill(guest->pid(), SIGKILL);
  EXPECT_EQ(wait().detail, "QEMU was killed by Killed");
}

TEST_F(GuestProcessTest, EndingItEndsItEvenIfItDoesNotListen) {
  const auto guest =
      GuestProcess::start(spec("trap '' TERM; echo deaf; while :; do sleep 1; done"), tell())
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
          spec("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done"), tell())
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
  guest = GuestProcess::start(spec("exit 0"), [&](const GuestExit&) {
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
  const auto guest = GuestProcess::start(missing, tell());
  ASSERT_FALSE(guest.ok());
  EXPECT_THAT(guest.error().detail, ::testing::HasSubstr("install Debian's qemu-system-x86"));
}

TEST_F(GuestProcessTest, DiesWithItsHost) {
  const GuestSpec sleeper = spec("echo $$; exec sleep 600");
  const pid_t host = ::fork();
  if (host == 0) {
    const auto guest = GuestProcess::start(sleeper, {});
    if (!guest.ok()) ::_exit(1);
    while (true) ::pause();
  }
  wait_for_console("\n");
  const pid_t guest = std::stoi(console());
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
