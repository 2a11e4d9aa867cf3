// The file system as a seam: what sealed files, `last` files and descriptors need of it, and
// nothing more.
//
// What is written is durable only after sync(); a name (made, renamed, unlinked) only after
// sync_folder(). The twin in tests/support loses whatever was not synced, tears at 512 bytes and
// fails on demand.
// Threads: OsFileSystem may be used by any; a File belongs to one.
// Errors: kNotFound, kConflict (it exists), kRefused (not permitted), kUnavailable (full, broken);
// kCorrupt where a file ends before what is read. Each names the path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/secret/bytes.h"

namespace keytrail {

class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
  // Fills `out`, or gives an error.
  [[nodiscard]] virtual Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
  // Writes all of `bytes`, growing the file where needed; after an error any part of them may be
  // there.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  [[nodiscard]] virtual Result<void> sync() = 0;
};

class FileSystem {
 public:
  enum class Open {
    kRead,     // must exist
    kWrite,    // read and write, must exist
    kCreate,   // read and write, must not exist; mode 0600
    kReplace,  // read and write, made or emptied; mode 0600
  };

  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  // Mode 0700; it may exist already.
  [[nodiscard]] virtual Result<void> make_folder(const std::string& path) = 0;
  // Replaces `to` in one step.
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> unlink(const std::string& path) = 0;
  // The names of a folder's entries, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  [[nodiscard]] virtual Result<void> sync_folder(const std::string& path) = 0;
  // False where a write goes elsewhere than what it overwrites (copy-on-write or log-structured):
  // there nothing can be made to be forgotten.
  [[nodiscard]] virtual Result<bool> overwrites_in_place(const std::string& path) = 0;
};

class OsFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  [[nodiscard]] Result<void> make_folder(const std::string& path) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> unlink(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) override;
  [[nodiscard]] Result<void> sync_folder(const std::string& path) override;
  [[nodiscard]] Result<bool> overwrites_in_place(const std::string& path) override;
};

// The folder that holds `path`: what to sync after its name changed.
[[nodiscard]] std::string folder_of(const std::string& path);

// All bytes of a file; kInvalid if they are more than `bytes_max`.
[[nodiscard]] Result<Bytes> read_file(FileSystem& files, const std::string& path,
                                      std::size_t bytes_max);

// The new content or the old, whatever crashes: written beside, synced, renamed, the folder synced.
[[nodiscard]] Result<void> replace_file(FileSystem& files, const std::string& path, ByteView bytes);

}  // namespace keytrail
