// EagerLog: a planted bug. It says "durable" at once and writes a moment later, on its own thread;
// what is read comes from memory, so nobody notices, until the process is killed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

#include "tests/support/memory_event_log.h"

namespace keytrail::testing {

class EagerLog final : public eventstore::EventLog {
 public:
  EagerLog(eventstore::EventLog& disk, std::chrono::milliseconds delay)
      : disk_(disk), delay_(delay), memory_(disk.id()), writer_([this] { write(); }) {
    KEYTRAIL_CHECK(disk.end().position == 0);
  }
  ~EagerLog() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    writer_.join();
  }

  [[nodiscard]] eventstore::LogId id() const override { return memory_.id(); }
  [[nodiscard]] std::uint64_t generation() const override { return memory_.generation(); }
  [[nodiscard]] eventstore::LogEnd end() const override { return memory_.end(); }
  [[nodiscard]] Result<void> append(const eventstore::LogBatch& batch) override {
    TRY(memory_.append(batch));
    const std::lock_guard lock(mutex_);
    queue_.push_back({batch.first, batch.last, batch.leaf, to_bytes(batch.facts)});
    changed_.notify_one();
    return {};
  }
  [[nodiscard]] Result<void> read(Position after, Position until,
                                  const FactVisitor& visit) const override {
    return memory_.read(after, until, visit);
  }
  [[nodiscard]] Result<void> read_attachments(Position after, Position until,
                                              const AttachmentVisitor& visit) const override {
    return memory_.read_attachments(after, until, visit);
  }

 private:
  struct Owned {
    Position first, last;
    Hash leaf;
    Bytes facts;
  };

  void write() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      changed_.wait_for(lock, delay_, [&] { return stop_; });
      const Owned batch = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      KEYTRAIL_CHECK(disk_
                         .append({.first = batch.first,
                                  .last = batch.last,
                                  .leaf = batch.leaf,
                                  .facts = batch.facts,
                                  .attachments = {}})
                         .ok());
      lock.lock();
    }
  }

  eventstore::EventLog& disk_;
  const std::chrono::milliseconds delay_;
  MemoryEventLog memory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Owned> queue_;
  bool stop_ = false;
  std::thread writer_;
};

}  // namespace keytrail::testing
