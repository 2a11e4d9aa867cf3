// MemoryEventLog: the twin of RocksLog, in memory; FailingLog: one that fails on demand. Threads as
// EventLog says.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "eventstore/log/fact_rows.h"

namespace keytrail::testing {

class MemoryEventLog final : public eventstore::EventLog {
 public:
  explicit MemoryEventLog(const eventstore::LogId& id)
      : id_(id), end_{.position = 0, .leaf = genesis_of(id)} {}

  [[nodiscard]] eventstore::LogId id() const override { return id_; }
  [[nodiscard]] std::uint64_t generation() const override { return 1; }
  [[nodiscard]] eventstore::LogEnd end() const override {
    const std::lock_guard lock(mutex_);
    return end_;
  }

  [[nodiscard]] Result<void> append(const eventstore::LogBatch& batch) override {
    const std::lock_guard lock(mutex_);
    KEYTRAIL_CHECK(batch.first == end_.position + 1);
    for (const eventstore::FactRow& row : eventstore::cut_into_rows(batch.first, batch.facts)) {
      rows_.emplace(row.first, to_bytes(row.facts));
    }
    for (const eventstore::AttachmentRow& row : batch.attachments) {
      attachments_.emplace(std::pair(row.position, row.index),
                           Attachment{row.kind, to_bytes(row.bytes)});
    }
    end_ = {.position = batch.last, .leaf = batch.leaf};
    return {};
  }

  [[nodiscard]] Result<void> read(Position after, Position until,
                                  const FactVisitor& visit) const override {
    const std::map<Position, Bytes> rows = copy_of_rows();
    until = std::min(until, end().position);
    bool stopped = false;
    auto row = rows.upper_bound(after + 1);
    if (row != rows.begin()) --row;
    for (; row != rows.end() && !stopped && row->first <= until; ++row) {
      TRY(eventstore::visit_row({.first = row->first, .facts = row->second}, after, until, visit,
                                stopped));
    }
    return {};
  }

  [[nodiscard]] Result<void> read_attachments(Position after, Position until,
                                              const AttachmentVisitor& visit) const override {
    const std::lock_guard lock(mutex_);
    for (auto row = attachments_.lower_bound({after + 1, 0});
         row != attachments_.end() && row->first.first <= until; ++row) {
      const auto& [position, index] = row->first;
      visit({.position = position,
             .index = index,
             .kind = row->second.kind,
             .bytes = row->second.bytes});
    }
    return {};
  }

 private:
  // A reader may take its time, and even append from its visitor's thread's point of view.
  [[nodiscard]] std::map<Position, Bytes> copy_of_rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
  }

  const eventstore::LogId id_;
  mutable std::mutex mutex_;
  eventstore::LogEnd end_;
  std::map<Position, Bytes> rows_;
  std::map<std::pair<Position, std::uint32_t>, Attachment> attachments_;
};

// Takes `appends_before` batches, then says that the disk is full; reads until break_reads().
class FailingLog final : public eventstore::EventLog {
 public:
  FailingLog(eventstore::EventLog& log, int appends_before)
      : log_(log), appends_left_(appends_before) {}

  void break_reads() { reads_broken_ = true; }

  [[nodiscard]] eventstore::LogId id() const override { return log_.id(); }
  [[nodiscard]] std::uint64_t generation() const override { return log_.generation(); }
  [[nodiscard]] eventstore::LogEnd end() const override { return log_.end(); }
  [[nodiscard]] Result<void> append(const eventstore::LogBatch& batch) override {
    if (appends_left_-- > 0) return log_.append(batch);
    return Error{ErrorCode::kUnavailable,
                 "the disk is full; make room, then start the event store again"};
  }
  [[nodiscard]] Result<void> read(Position after, Position until,
                                  const FactVisitor& visit) const override {
    if (reads_broken_) return Error{ErrorCode::kCorrupt, "position 1 is damaged"};
    return log_.read(after, until, visit);
  }
  [[nodiscard]] Result<void> read_attachments(Position after, Position until,
                                              const AttachmentVisitor& visit) const override {
    return log_.read_attachments(after, until, visit);
  }

 private:
  eventstore::EventLog& log_;
  int appends_left_;
  std::atomic<bool> reads_broken_ = false;
};

}  // namespace keytrail::testing
