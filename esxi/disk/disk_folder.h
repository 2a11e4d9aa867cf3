// Datastore, DiskFolder and BlockFile: the storage seam of the disk layer; a folder per VM.
//
// Small on purpose: whole-range reads and writes, syncs told apart for data and names, and a lock
// that comes with every open data file. OsDiskFolder is the real one; tests/support holds a
// twin in memory that loses what was not synced, tears at 512 bytes and stops at any operation.
// Errors: kNotFound; kConflict, another process has the file open; kUnavailable, the storage failed
// or is full (the sentence says which); kCorrupt, a file is shorter than it must be.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/secret/bytes.h"
#include "bus/secret/result.h"

namespace keytrail::disk {

// An open data file, locked for this process alone until it is destroyed.
// Threads: any, at once; what overlapping requests do to each other is as undefined as on a real
// disk.
class BlockFile {
 public:
  virtual ~BlockFile() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // REQUIRES of all four: the range lies within size().
  virtual Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) = 0;
  virtual Result<void> write(std::uint64_t offset, ByteView bytes) = 0;
  // Gives the blocks back where the file system can; the range reads as zeros.
  virtual Result<void> punch(std::uint64_t offset, std::uint64_t length) = 0;
  // All that was written before, by any thread, is durable.
  virtual Result<void> sync() = 0;
};

// Threads: any. Names are plain file names (descriptor.h), never paths.
class DiskFolder {
 public:
  virtual ~DiskFolder() = default;

  virtual Result<std::unique_ptr<BlockFile>> open(std::string_view name) = 0;
  // A file of `size` zero bytes with all its space reserved, in place of one of that name.
  virtual Result<std::unique_ptr<BlockFile>> create(std::string_view name, std::uint64_t size) = 0;

  virtual Result<std::string> read_text(std::string_view name, std::size_t bytes_max) = 0;
  // Written and synced under that name at once; the name itself is durable after sync().
  virtual Result<void> write_text(std::string_view name, std::string_view text) = 0;

  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
  virtual Result<void> remove(std::string_view name) = 0;  // Fine if it is not there.
  virtual Result<std::vector<std::string>> names() = 0;    // Sorted.
  virtual Result<void> sync() = 0;                         // Names.
};

// The folders of VMs. kNotFound, kUnavailable: the folder is not there, or the datastore is not
// (not mounted, perhaps: the two cannot be told apart). Threads: any.
class Datastore {
 public:
  virtual ~Datastore() = default;

  // REQUIRES of both: `vm` is a plain file name.
  virtual Result<std::unique_ptr<DiskFolder>> open_folder(const std::string& vm) = 0;
  // Makes it first if it is not there.
  virtual Result<std::unique_ptr<DiskFolder>> make_folder(const std::string& vm) = 0;
};

}  // namespace keytrail::disk
