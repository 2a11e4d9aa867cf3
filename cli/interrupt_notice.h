// InterruptNotice: what a command says before Ctrl-C ends it, while others do what it asked for.
//
// As long as one lives, SIGINT and SIGTERM print its sentence on stderr; then they end the process
// as they would have. A signal that was ignored stays so (`nohup`, a shell's background). A handler,
// because the command waits deep in the bus and holds nothing that must be put away. Threads: one
// makes it, any may get the signal; at most one lives at a time.
#pragma once

#include <signal.h>

#include <string>

namespace keytrail::cli {

class InterruptNotice {
 public:
  explicit InterruptNotice(const std::string& sentence);
  ~InterruptNotice();
  InterruptNotice(const InterruptNotice&) = delete;
  InterruptNotice& operator=(const InterruptNotice&) = delete;

 private:
  static void tell_and_end(int signal);

  const std::string line_;  // as it is printed
  struct sigaction on_interrupt_ {};  // as they were
  struct sigaction on_terminate_ {};
};

// The sentence for an action that vCenter goes on with, on a `kind` ("vm", "host", "provider") of
// that name.
[[nodiscard]] std::string goes_on_without_us(const std::string& kind, const std::string& name);

}  // namespace keytrail::cli
