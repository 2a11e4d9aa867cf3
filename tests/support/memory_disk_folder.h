// MemoryDiskFolder: the twin of OsDiskFolder, with the failures that a real machine has only now
// and then.
//
// A power cut keeps, of what was not synced, any subset: whole writes, or a write torn at 512
// bytes; and of the changes of names not synced, any prefix. What was synced stays. Seeded, so that
// a failure can be repeated. `fail_at(n)` cuts the power at the n-th change from now: that one and
// everything after fails until restart(). Threads: one at a time (a mutex makes the calls atomic,
// for servers with connection threads).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>

#include "esxi/disk/disk_folder.h"

namespace keytrail::testing {

using disk::BlockFile;
using disk::DiskFolder;

class MemoryDiskFolder final : public DiskFolder {
 public:
  explicit MemoryDiskFolder(std::uint64_t seed = 1);
  ~MemoryDiskFolder() override;

  Result<std::unique_ptr<BlockFile>> open(std::string_view name) override;
  Result<std::unique_ptr<BlockFile>> create(std::string_view name, std::uint64_t size) override;
  Result<std::string> read_text(std::string_view name, std::size_t bytes_max) override;
  Result<void> write_text(std::string_view name, std::string_view text) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> names() override;
  Result<void> sync() override;

  // The power is cut at the `changes`-th change from now; 0 is the very next.
  void fail_at(std::uint64_t changes);
  [[nodiscard]] std::uint64_t changes() const;  // so far
  [[nodiscard]] bool failed() const;

  // Cuts the power, if it is not already, and comes back with what is durable. All open files are
  // dead: their locks are gone, and they fail.
  void restart();

  // The bytes as a reader of the medium sees them now, with no lock.
  [[nodiscard]] Bytes contents(std::string_view name);
  void set_contents(std::string_view name,
                    Bytes bytes);  // durable at once: an attacker's, or an import

 private:
  struct Write;
  struct Inode;
  class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

  Result<void> change();
  void change_names(Names names);
  void lose_unsynced(Inode& inode);
  Result<std::shared_ptr<Inode>> find(std::string_view name) const;
  std::unique_ptr<BlockFile> lock(const std::shared_ptr<Inode>& inode);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Names names_;
  Names durable_names_;
  std::vector<Names> unsynced_names_;  // Each state of the folder since the last sync.
  std::uint64_t changes_ = 0;
  std::optional<std::uint64_t> fail_at_;
  bool failed_ = false;
  std::uint64_t boot_ = 0;
};

}  // namespace keytrail::testing
