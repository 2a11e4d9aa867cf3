#include "tests/bench/peers/child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace keytrail::bench {

namespace {

constexpr int kEndTriesMax = 300;
constexpr useconds_t kEndPauseUs = 10'000;

[[noreturn]] void become(const std::vector<std::string>& command, const std::string& output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A bench that is killed leaves no server behind.
  const int out = ::open(output.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

}  // namespace

Child::Child(std::unique_ptr<testing::TempFolder> folder, const std::vector<std::string>& command)
    : folder_(std::move(folder)), pid_(::fork()) {
  KEYTRAIL_CHECK(pid_ >= 0);
  if (pid_ == 0) become(command, folder_->file("output"));
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < kEndTriesMax && alive(); ++i) ::usleep(kEndPauseUs);
  if (!alive()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::alive() {
  if (pid_ >= 0 && ::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
  return pid_ >= 0;
}

std::string Child::output() const {
  std::ostringstream text;
  text << std::ifstream(folder_->file("output")).rdbuf();
  return text.str();
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{.sin_family = AF_INET, .sin_addr = {.s_addr = ::htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  KEYTRAIL_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                 ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  ::close(fd);
  return ::ntohs(at.sin_port);
}

std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 512> some{};
  while (std::fgets(some.data(), some.size(), pipe) != nullptr) text += some.data();
  if (::pclose(pipe) != 0) return {};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace keytrail::bench
