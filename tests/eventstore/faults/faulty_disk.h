// FaultyDisk: between RocksDB and one folder, what a disk does on its worst days. From a seed.
//
//   RocksDB ─► env() ─► the folder, as a running system sees it
//                └────► which of it is durable: bytes up to their file's last sync, names up to the
//                       folder's
// A power cut is a picture, taken at the n-th change, of what the medium would hold: of the bytes
// that are not synced any prefix, torn within a sector too; of the names that are not synced any
// prefix of their changes, as a journal keeps them. The program goes on into the void, so nothing
// that it says afterwards counts, and write_image() lays the medium out for the next one.
//
// Threads: any; RocksDB's own ones come here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rocksdb {
class Env;
}

namespace keytrail::testing {

// What a cut does to the sector in which an unsynced write begins.
enum class Tear {
  kClean,   // bytes are there up to one of them, and the file ends
  kZeros,   // behind that one the sector holds zeros: its size was known before its bytes were
  kSector,  // the sector is noise, with what was synced in it before
};

// Each is counted from 1 and over all files; nullopt: never.
struct Faults {
  std::optional<std::uint64_t> cut_at;          // change: write, sync, new or other name
  std::optional<std::uint64_t> full_at;         // write: ENOSPC from here on
  std::optional<std::uint64_t> sync_fails_at;   // sync of a file: what it held is never durable
  std::optional<std::uint64_t> flips_write_at;  // write: one of its bits lies otherwise
  std::optional<std::uint64_t> flips_read_at;   // read: one of its bits comes otherwise
  Tear tear = Tear::kClean;
  bool ignores_syncs = false;  // A control: a sync of the write-ahead log is answered, not done.
};

class FaultyDisk {
 public:
  // What lies in `folder` is durable.
  FaultyDisk(const std::string& folder, std::uint64_t seed, const Faults& faults);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  [[nodiscard]] rocksdb::Env* env() const;

  struct Counts {
    std::uint64_t changes = 0;
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
    std::uint64_t reads = 0;
  };
  [[nodiscard]] Counts counts() const;

  // The power is cut now, if it is not.
  void cut();
  [[nodiscard]] bool is_off() const;
  // REQUIRES: is_off(). `folder` is emptied first.
  void write_image(const std::string& folder) const;

 private:
  class Files;
  class Written;
  class ReadAt;
  class Streamed;
  class Names;
  std::shared_ptr<Files> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace keytrail::testing
