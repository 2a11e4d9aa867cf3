// The file system's twin in memory: it forgets what was not synced, tears writes at 512 bytes,
// fails on demand.
//
// cut_power_at(n) lets the first n changing operations through; the next one and all after it fail,
// and a write that was cut may have reached any of its sectors. restart() is the power coming back:
// every unsynced write kept any subset of its sectors, and of the unsynced changes of names the
// first few took place, all chosen by the seed. One thread; open files must be gone before
// restart().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/secret/file.h"
#include "tests/support/seeded_random.h"

namespace keytrail::test {

class MemoryFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  [[nodiscard]] Result<void> make_folder(const std::string& path) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> unlink(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) override;
  [[nodiscard]] Result<void> sync_folder(const std::string& path) override;
  [[nodiscard]] Result<bool> overwrites_in_place(const std::string& path) override;

  void cut_power_at(std::size_t operation) { power_until_ = operations_ + operation; }
  void fail_once_at(std::size_t operation) { failing_ = operations_ + operation; }
  void restart(std::uint64_t seed);
  // Opening what exists fails, as when the process is out of descriptors.
  void set_unreadable(bool value) { unreadable_ = value; }
  void set_overwrites_in_place(bool value) { overwrites_in_place_ = value; }

  [[nodiscard]] std::size_t operations() const { return operations_; }
  // Every file as a reader sees it, by path.
  [[nodiscard]] std::map<std::string, Bytes> contents() const;
  // Puts bytes where they were never written through the seam: damage, or an old copy brought back.
  void plant(const std::string& path, Bytes bytes);

 private:
  friend class MemoryFile;
  using Inode = std::size_t;
  struct Write {
    std::size_t offset;
    Bytes bytes;
  };
  struct Data {
    Bytes durable;
    Bytes current;
    std::vector<Write> unsynced;
  };
  struct NameChange {
    std::string folder;
    std::map<std::string, std::optional<Inode>> names;  // A rename changes two at once.
  };

  [[nodiscard]] Result<void> change();  // Counts an operation; an error if it is to fail.
  void change_names(const std::string& folder, std::map<std::string, std::optional<Inode>> names);

  std::vector<Data> data_;
  std::map<std::string, Inode> names_;
  std::map<std::string, Inode> durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::size_t operations_ = 0;
  std::optional<std::size_t> power_until_;
  std::optional<std::size_t> failing_;
  bool unreadable_ = false;
  bool overwrites_in_place_ = true;
};

}  // namespace keytrail::test
