// WakeEvent: an eventfd. set() from any thread makes fd() readable until clear().
#pragma once

namespace keytrail::wire {

class WakeEvent {
 public:
  WakeEvent();
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;
  void set();
  void clear();
  [[nodiscard]] bool is_set() const;  // without clearing
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// Whether `fd` has something to read now, without waiting.
[[nodiscard]] bool is_readable(int fd);

}  // namespace keytrail::wire
