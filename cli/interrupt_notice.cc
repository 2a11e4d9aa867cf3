#include "cli/interrupt_notice.h"

#include <unistd.h>

#include <atomic>

#include "bus/events/words.h"
#include "bus/secret/check.h"

namespace keytrail::cli {
namespace {

// For the handler, which is given nothing but the signal's number.
std::atomic<const std::string*> line_to_tell{nullptr};
static_assert(std::atomic<const std::string*>::is_always_lock_free);  // A handler may read it.

void set_unless_ignored(int signal, const struct sigaction& handler, struct sigaction& before) {
  KEYTRAIL_CHECK(sigaction(signal, nullptr, &before) == 0);
  if (before.sa_handler != SIG_IGN) KEYTRAIL_CHECK(sigaction(signal, &handler, nullptr) == 0);
}

}  // namespace

// Only what a handler may do: write(2), raise(3).
void InterruptNotice::tell_and_end(int signal) {
  if (const std::string* line = line_to_tell.load()) {
    (void)!write(STDERR_FILENO, line->data(), line->size());
  }
  raise(signal);  // Comes when this returns, and finds the default again: SA_RESETHAND.
}

InterruptNotice::InterruptNotice(const std::string& sentence)
    // On a terminal the living line of Progress goes first.
    : line_((isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "") + ("keytrail: " + printable(sentence)) +
            "\n") {
  const std::string* const other = line_to_tell.exchange(&line_);
  KEYTRAIL_CHECK(other == nullptr);
  struct sigaction handler {};
  handler.sa_handler = tell_and_end;
  handler.sa_flags = static_cast<int>(SA_RESETHAND);
  set_unless_ignored(SIGINT, handler, on_interrupt_);
  set_unless_ignored(SIGTERM, handler, on_terminate_);
}

InterruptNotice::~InterruptNotice() {
  (void)sigaction(SIGINT, &on_interrupt_, nullptr);
  (void)sigaction(SIGTERM, &on_terminate_, nullptr);
  line_to_tell = nullptr;
}

std::string goes_on_without_us(const std::string& kind, const std::string& name) {
  const std::string of_it = kind == "provider" ? "" : " --" + kind + " " + name;
  return "interrupted, but vCenter goes on with " + name + ": `keytrail " + kind +
         " list` shows what became of it, `keytrail events follow --from @-10m" + of_it +
         "` the steps";
}

}  // namespace keytrail::cli
