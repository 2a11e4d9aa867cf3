// What keeps an installation from starting, and a guest from booting: each is told in one sentence
// that says what to do, with exit code 1.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bus/secret/fd.h"
#include "cli/up/control.h"
#include "tests/installation/installation_under_test.h"

namespace keytrail::testing {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr int kSecondsMax = 30;

// A port that somebody listens on.
class TakenPort {
 public:
  explicit TakenPort(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    KEYTRAIL_CHECK(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    KEYTRAIL_CHECK(::listen(fd_.get(), 1) == 0);
  }

 private:
  const Fd fd_;
};

// One line, a whole sentence; what a part logs on its way there apart.
void expect_one_sentence(const ProgramEnd& end, int status) {
  EXPECT_EQ(end.status, status) << end.output;
  std::istringstream lines(end.output);
  int sentences = 0;
  for (std::string line; std::getline(lines, line);) {
    sentences += line.find(" [info] ") == std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(sentences, 1) << end.output;
}

class StartFaultsTest : public ::testing::Test {
 protected:
  InstallationUnderTest installation_{{.replicas = 1, .hosts = 1}};
};

TEST_F(StartFaultsTest, APortInUseIsNamedWithWhoNeedsItAndTheFlag) {
  const int kmip = installation_.port_base() + 6;
  const TakenPort taken(kmip);
  const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
  expect_one_sentence(ended, 1);
  EXPECT_THAT(ended.output, HasSubstr("port " + std::to_string(kmip) + " is in use"));
  EXPECT_THAT(ended.output, HasSubstr("KMIP of kms-1"));
  EXPECT_THAT(ended.output, HasSubstr("--port-base"));
}

TEST_F(StartFaultsTest, AFolderOfANewerProgramIsLeftAlone) {
  ASSERT_EQ(installation_.start(), "");
  EXPECT_EQ(installation_.stop(), "exited with 0");
  std::ofstream(installation_.file("VERSION")) << "99\n";
  const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
  expect_one_sentence(ended, 1);
  EXPECT_THAT(ended.output, HasSubstr("newer program (version 99"));
  EXPECT_THAT(ended.output, HasSubstr("upgrade keytrail"));
}

TEST_F(StartFaultsTest, AFolderThatIsNoInstallationIsNotMadeOne) {
  fs::create_directories(installation_.data());
  std::ofstream(installation_.file("letter.txt")) << "dear";
  const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
  expect_one_sentence(ended, 1);
  EXPECT_THAT(ended.output, HasSubstr("choose an empty folder"));
  EXPECT_TRUE(fs::exists(installation_.file("letter.txt")));
}

TEST_F(StartFaultsTest, AFolderInUseNamesTheProcessAndAPartAloneDoesNotDisturbTheRunningOne) {
  ASSERT_EQ(installation_.start(), "");
  const ProgramEnd second = run_program(installation_.up_command(), kSecondsMax);
  expect_one_sentence(second, 1);
  EXPECT_THAT(second.output, HasSubstr("is in use by `keytrail up`, pid "));
  EXPECT_THAT(second.output, HasSubstr("--data"));

  // A part of it once more, by hand: ports and files are taken.
  const std::vector<std::pair<std::string, std::string>> parts{
      {"eventstore", "eventstore"}, {"kms", "kms-1"}, {"vcenter", "vc-1"}};
  for (const auto& [subcommand, name] : parts) {
    const int pid = installation_.pid_of(name);
    const ProgramEnd again = installation_.run(
        {subcommand, "run", "--config", installation_.file("config/" + name + ".toml")});
    expect_one_sentence(again, 1);
    EXPECT_THAT(again.output, HasSubstr("in use")) << name;
    EXPECT_EQ(installation_.pid_of(name), pid) << name << " was disturbed";
  }
  EXPECT_EQ(installation_.run({"status"}).status, 0);
}

TEST_F(StartFaultsTest, AVersionThatIsNoNumberIsNoInstallation) {
  fs::create_directories(installation_.data());
  for (const std::string version : {"1abc\n", "", "-1\n", "1\n2\n"}) {
    std::ofstream(installation_.file("VERSION")) << version;
    const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
    expect_one_sentence(ended, 1);
    EXPECT_THAT(ended.output, HasSubstr("VERSION is not a number")) << version;
  }
}

TEST_F(StartFaultsTest, EndpointsThatCannotBeWrittenStopTheStartInOrderAndARunningOneNotAtAll) {
  // A folder in its place is what no rename replaces, as on a disk that is full.
  const std::string file = installation_.file("endpoints.json");
  const std::string said = installation_.folder().file("up.log");
  const auto put_in_the_way = [&] {
    fs::remove(file);
    fs::create_directory(file);
  };
  const auto control = [&](const std::string& command) {
    const auto answer = cli::ask_supervisor(installation_.data(),
                                            R"({"command":")" + command + R"(","part":"kms-1"})");
    EXPECT_TRUE(answer.ok());
  };
  ASSERT_EQ(installation_.start(), "");
  put_in_the_way();
  control("kill");
  EXPECT_TRUE(until([&] {
    return contents(said).find("endpoints.json names old processes: ") != std::string::npos;
  })) << contents(said);
  fs::remove(file);
  control("start");
  EXPECT_TRUE(until([&] { return fs::is_regular_file(file); }));
  EXPECT_EQ(installation_.stop(), "exited with 0");

  put_in_the_way();
  const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
  EXPECT_EQ(ended.status, 1) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("stopping\n"));
  EXPECT_THAT(ended.output, HasSubstr("endpoints.json"));
}

TEST_F(StartFaultsTest, AWrongUnlockSecretIsToldAndNothingIsLost) {
  ASSERT_EQ(installation_.start(), "");
  EXPECT_EQ(installation_.stop(), "exited with 0");
  for (const std::string part : {"eventstore", "kms-1", "vc-1", "host-1"}) {
    const std::string file = installation_.file("unlock/" + part);
    const std::string right = contents(file);
    std::ofstream(file, std::ios::binary) << std::string(right.size(), 'x');
    const ProgramEnd ended = run_program(installation_.up_command(), kSecondsMax);
    EXPECT_EQ(ended.status, 1) << part << ": " << ended.output;
    EXPECT_THAT(ended.output, HasSubstr("keytrail: " + part)) << "which part";
    EXPECT_THAT(ended.output, HasSubstr("unlock secret")) << part << ": what is wrong";
    std::ofstream(file, std::ios::binary) << right;
  }
  EXPECT_EQ(installation_.start(), "");
}

TEST(OneReplicaTest, ThatDoesNotStartStaysDownAndTheOthersServe) {
  InstallationUnderTest installation{{.replicas = 2, .hosts = 1}};
  ASSERT_EQ(installation.start(), "");
  EXPECT_EQ(installation.stop(), "exited with 0");
  const std::string file = installation.file("unlock/kms-2");
  const std::string right = contents(file);
  std::ofstream(file, std::ios::binary) << std::string(right.size(), 'x');
  ASSERT_EQ(installation.start(), "");
  EXPECT_THAT(contents(installation.folder().file("up.log")),
              HasSubstr("it stays down until `keytrail part start kms-2`"));
  EXPECT_EQ(installation.run({"kmip", "create"}).status, 0);

  std::ofstream(file, std::ios::binary) << right;
  EXPECT_EQ(installation.run({"part", "start", "kms-2"}).status, 0);
}

TEST_F(StartFaultsTest, WhatIsNotThereIsToldWithExitCodeThreeAndAWrongCommandWithTwo) {
  const ProgramEnd nothing = installation_.run({"status"});
  EXPECT_NE(nothing.status, 0);
  EXPECT_THAT(nothing.output, HasSubstr("keytrail up"));
  EXPECT_EQ(installation_.run({"vm", "encrypt"}).status, 2);
  ASSERT_EQ(installation_.start(), "");
  ASSERT_EQ(installation_.run({"part", "stop", "vc-1"}).status, 0);
  const ProgramEnd away = installation_.run({"vm", "list"});
  EXPECT_EQ(away.status, 3) << away.output;
  EXPECT_THAT(away.output, HasSubstr("keytrail part start vc-1"));
}

TEST_F(StartFaultsTest, AGuestWithoutQemuIsRefusedWithThePackageToInstall) {
  ASSERT_EQ(installation_.start(), "");
  ASSERT_EQ(installation_.run({"part", "kill", "host-1"}).status, 0);
  auto host = cli::Process::start({"/usr/bin/env", "PATH=/nowhere", keytrail_program(), "esxi",
                                   "run", "--config", installation_.file("config/host-1.toml")},
                                  installation_.file("log/host-1.log"));
  ASSERT_TRUE(host.ok());
  const std::string kernel = installation_.folder().file("kernel");
  std::ofstream(kernel) << "no kernel";
  const ProgramEnd created = installation_.run(
      {"vm", "create", "vm-1", "--size", "1M", "--guest", kernel, kernel, "mode=none"});
  ASSERT_EQ(created.status, 0) << created.output;
  for (int time = 1; time <= 2; ++time) {  // What the first left behind is not in the way.
    const ProgramEnd on = installation_.run({"vm", "power-on", "vm-1"});
    EXPECT_EQ(on.status, 1) << on.output;
    EXPECT_THAT(on.output, HasSubstr("install Debian's qemu-system-x86")) << time;
  }
  EXPECT_THAT(installation_.run({"--json", "vm", "list"}).output, HasSubstr("\"power\":\"off\""));
}

}  // namespace
}  // namespace keytrail::testing
