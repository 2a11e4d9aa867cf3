#include "bus/wire/wake_event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "bus/secret/check.h"

namespace keytrail::wire {

WakeEvent::WakeEvent() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  KEYTRAIL_CHECK(fd_ >=
                 0);  // Only the limit of open files can do this: nothing would work without it.
}

WakeEvent::~WakeEvent() { ::close(fd_); }

void WakeEvent::set() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is readable anyway.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void WakeEvent::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got =
      ::read(fd_, &count, sizeof count);  // Nothing there: already clear.
}

bool WakeEvent::is_set() const {
  pollfd item{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, 0) == 1;
}

bool is_readable(int fd) {
  pollfd item{fd, POLLIN, 0};
  return poll(&item, 1, 0) == 1 && (item.revents & (POLLIN | POLLHUP)) != 0;
}

}  // namespace keytrail::wire
