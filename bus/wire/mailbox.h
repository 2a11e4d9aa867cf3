// Mailbox: a bounded queue into a thread that sleeps in poll().
//
// Many threads put, one takes. `fd()` becomes readable when something is there, so that the taker
// waits for its sockets and its mail in one call. Full: put says no, and the putter answers "busy"
// in its protocol's own form.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "bus/wire/wake_event.h"

namespace keytrail::wire {

template <class T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t items_max) : items_max_(items_max) {}

  [[nodiscard]] bool put(T item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= items_max_) return false;
    items_.push_back(std::move(item));
    if (items_.size() == 1) wake_.set();
    return true;
  }

  [[nodiscard]] std::vector<T> take_all() {
    const std::lock_guard lock(mutex_);
    wake_.clear();
    std::vector<T> taken(std::make_move_iterator(items_.begin()),
                         std::make_move_iterator(items_.end()));
    items_.clear();
    return taken;
  }

  [[nodiscard]] int fd() const { return wake_.fd(); }

 private:
  const std::size_t items_max_;
  std::mutex mutex_;
  std::deque<T> items_;
  WakeEvent wake_;
};

}  // namespace keytrail::wire
