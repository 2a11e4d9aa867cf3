#include "cli/stop_signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "bus/secret/check.h"

namespace keytrail::cli {

int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  KEYTRAIL_CHECK(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  const int fd = signalfd(-1, &set, SFD_CLOEXEC);
  KEYTRAIL_CHECK(fd >= 0);  // Without it nothing here could be ended but by SIGKILL.
  return fd;
}

}  // namespace keytrail::cli
