// Workers: a few threads for what blocks (a disk, KMIP, scrypt), behind a bounded queue.
//
// The way out of a thread that must not wait, as Mailbox is the way back into it. Jobs start in the
// order in which they came, at most `threads` at once. Any thread may put. The destructor lets jobs
// that run end, and drops those that wait: what was owed is owed again after the next start.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keytrail::wire {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t waiting_max);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False: `waiting_max` jobs wait already, nothing was taken.
  [[nodiscard]] bool put(std::function<void()> job);

 private:
  void run();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace keytrail::wire
