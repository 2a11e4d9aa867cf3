// Workers: a few threads for work that waits for a disk or a process, behind a bounded queue.
//
// Tasks start in the order they were put; at most `threads` run at once. The destructor lets
// running tasks end and drops the rest: what was ordered is owed again after the next start.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keytrail::esxi {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t queue_max);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False: the queue is full, nothing was taken.
  [[nodiscard]] bool put(std::function<void()> task);

 private:
  void work();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace keytrail::esxi
