#include "tests/cli/program/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "bus/secret/check.h"

namespace keytrail::cli {
namespace {

constexpr const char* kProgram = KEYTRAIL_BINARY_DIR "/cli/keytrail";
constexpr int kUpWithinMs = 60'000;
constexpr int kTriesMax = 5;  // ports that somebody else took

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string shell_word(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Ran keytrail(const Words& words) {
  const keytrail::testing::TempFolder folder;
  std::string line = "timeout 60 " + shell_word(kProgram);
  for (const std::string& word : words) line += " " + shell_word(word);
  line += " </dev/null >" + shell_word(folder.file("out")) + " 2>" + shell_word(folder.file("err"));
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder.file("out")),
          content(folder.file("err"))};
}

RunningInstallation::RunningInstallation() {
  std::random_device seed;
  for (int i = 0; i < kTriesMax; ++i) {
    port_base_ = 20'000 + static_cast<int>(seed() % 200) * 100;
    if (try_to_start()) return;
    if (failure_.find("in use") == std::string::npos) return;
    std::filesystem::remove_all(data());
  }
}

bool RunningInstallation::try_to_start() {
  int told[2] = {-1, -1};
  KEYTRAIL_CHECK(::pipe2(told, O_CLOEXEC) == 0);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(told[1], STDOUT_FILENO);
    ::dup2(told[1], STDERR_FILENO);
    ::execl(kProgram, kProgram, "up", "--data", data().c_str(), "--port-base",
            std::to_string(port_base_).c_str(), "--replicas", "1", "--hosts", "1", nullptr);
    ::_exit(127);
  }
  ::close(told[1]);
  told_ = told[0];  // Open until the end: whoever tells must not be cut short.
  failure_ = "keytrail up: ";
  for (;;) {
    pollfd item{told_, POLLIN, 0};
    char buffer[4096];
    const bool in_time = ::poll(&item, 1, kUpWithinMs) > 0;
    const ssize_t size = in_time ? ::read(told_, buffer, sizeof(buffer)) : 0;
    if (size <= 0) break;  // It ended, or nothing was heard for long.
    failure_.append(buffer, static_cast<std::size_t>(size));
    if (failure_.find("\nup; ") == std::string::npos) continue;
    failure_.clear();
    return true;
  }
  stop();
  return false;
}

void RunningInstallation::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(told_);
  pid_ = -1;
}

RunningInstallation::~RunningInstallation() { stop(); }

Ran RunningInstallation::run(Words words) const {
  words.insert(words.begin(), {"--data", data()});
  return keytrail(words);
}

std::size_t RunningInstallation::count(const std::string& type) const {
  const Ran read = run({"events", "read", "--type", type});
  return static_cast<std::size_t>(std::count(read.out.begin(), read.out.end(), '\n'));
}

}  // namespace keytrail::cli
