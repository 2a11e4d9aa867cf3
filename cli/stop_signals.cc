#include "cli/stop_signals.h"

#include <signal.h>
#include <sys/signalfd.h>

namespace keytrail::cli {

int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

}  // namespace keytrail::cli
