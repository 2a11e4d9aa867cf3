// RocksLog: the log in RocksDB.
//
//   column family  key                                  value
//   default        "log-id", "generation"               16 bytes, u64
//   facts          position of the first fact (u64)     up to 64 facts, in the form of the wire
//   attachments    position, index (u64, u32)           kind, bytes
// Numbers in keys are big-endian, so that the order of keys is the order of positions. Everything
// that is written on the append path is append-ordered; one Write with sync makes a batch durable.
// RocksDB's default recovery would drop acknowledged facts in silence: this opens with
// kTolerateCorruptedTailRecords, and whoever serves the log then checks chain and head (chain.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bus/secret/random.h"
#include "eventstore/log/event_log.h"

namespace rocksdb {
class Env;
}

namespace keytrail::eventstore {

// How the log meets its disk. The defaults are the store's; tests put a disk in between that fails,
// and make tables of little.
struct RocksLogOptions {
  rocksdb::Env* env = nullptr;  // borrowed, outlives the log; nullptr: the system's
  std::size_t write_buffer_bytes = std::size_t{64} << 20;
};

class RocksLog final : public EventLog {
 public:
  // Opens the log in `folder`, or begins one. kUnavailable: another process has it, or the disk
  // says no; kCorrupt: it is damaged.
  [[nodiscard]] static Result<std::unique_ptr<RocksLog>> open(const std::string& folder,
                                                              Random& random,
                                                              const RocksLogOptions& options = {});

  // For a copy, or beside a running store: writes nothing. `salvage` also opens a log whose
  // write-ahead log is damaged, and shows what stands before the damage, and one that holds
  // attachments where there are no facts.
  enum class Recovery { kStrict, kSalvage };
  [[nodiscard]] static Result<std::unique_ptr<RocksLog>> open_read_only(
      const std::string& folder, Recovery recovery = Recovery::kStrict);
  ~RocksLog() override;

  [[nodiscard]] LogId id() const override;
  [[nodiscard]] std::uint64_t generation() const override;
  [[nodiscard]] LogEnd end() const override;
  [[nodiscard]] Result<void> append(const LogBatch& batch) override;
  [[nodiscard]] Result<void> read(Position after, Position until,
                                  const FactVisitor& visit) const override;
  [[nodiscard]] Result<void> read_attachments(Position after, Position until,
                                              const AttachmentVisitor& visit) const override;

  // An operator accepts that the log ends here, although somebody knew more of it: one generation
  // more.
  [[nodiscard]] Result<void> begin_generation();

 private:
  struct Impl;
  explicit RocksLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::eventstore
