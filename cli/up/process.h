// Process: a child of this program, started without a shell, its output in a log file.
//
// It dies with its parent (PR_SET_PDEATHSIG), so nothing of an installation outlives its
// supervisor. Threads: one.
#pragma once

#include <string>
#include <vector>

#include "bus/secret/result.h"

namespace keytrail::cli {

class Process {
 public:
  // Appends stdout and stderr to `log_file`. kUnavailable: the program cannot be started, says why.
  static Result<Process> start(const std::vector<std::string>& command,
                               const std::string& log_file);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // Kills and reaps what still runs.

  [[nodiscard]] int pid() const { return pid_; }
  // Readable once it has ended.
  [[nodiscard]] int fd() const { return fd_; }
  void send(int signal) const;
  // After fd() became readable: "exited with 1", "killed by signal 9".
  [[nodiscard]] std::string reap();

 private:
  Process(int pid, int fd) : pid_(pid), fd_(fd) {}
  int pid_ = -1;
  int fd_ = -1;
};

}  // namespace keytrail::cli
