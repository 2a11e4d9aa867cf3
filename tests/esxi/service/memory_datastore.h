// MemoryDatastore: folders in memory of which a single operation can fail, before or after it took
// effect, or which are away altogether.
//
// One power cut is MemoryDiskFolder's own (fail_at); here the machine stays up, and what failed is
// only said to have. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "esxi/disk/disk_folder.h"
#include "tests/support/memory_disk_folder.h"

namespace keytrail::esxi {

enum class Fault { kBefore, kAfter };  // it did not happen; it did, and was told to have failed

// The n-th changing operation from now fails, alone.
struct FaultPlan {
  std::uint64_t countdown = ~std::uint64_t{0};
  Fault fault = Fault::kBefore;
  bool hit = false;

  template <class Operation>
  Result<void> run(Operation operation) {
    if (countdown-- != 0) return operation();
    hit = true;
    if (fault == Fault::kAfter) {
      if (const Result<void> done = operation(); !done.ok()) return done;
    }
    return Error{ErrorCode::kUnavailable, "the storage failed"};
  }
};

class FaultyFile final : public disk::BlockFile {
 public:
  FaultyFile(std::unique_ptr<disk::BlockFile> file, FaultPlan& plan)
      : file_(std::move(file)), plan_(plan) {}

  std::uint64_t size() const override { return file_->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    return file_->read(offset, into);
  }
  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    return plan_.run([&] { return file_->write(offset, bytes); });
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t length) override {
    return plan_.run([&] { return file_->punch(offset, length); });
  }
  Result<void> sync() override {
    return plan_.run([&] { return file_->sync(); });
  }

 private:
  std::unique_ptr<disk::BlockFile> file_;
  FaultPlan& plan_;
};

class FaultyFolder final : public disk::DiskFolder {
 public:
  FaultyFolder(disk::DiskFolder& folder, FaultPlan& plan) : folder_(folder), plan_(plan) {}

  Result<std::unique_ptr<disk::BlockFile>> open(std::string_view name) override {
    return wrap(TRY(folder_.open(name)));
  }
  Result<std::unique_ptr<disk::BlockFile>> create(std::string_view name,
                                                  std::uint64_t size) override {
    std::unique_ptr<disk::BlockFile> file;
    const Result<void> made = plan_.run([&]() -> Result<void> {
      file = TRY(folder_.create(name, size));
      return {};
    });
    if (!made.ok()) return made.error();
    return wrap(std::move(file));
  }
  Result<std::string> read_text(std::string_view name, std::size_t bytes_max) override {
    return folder_.read_text(name, bytes_max);
  }
  Result<void> write_text(std::string_view name, std::string_view text) override {
    return plan_.run([&] { return folder_.write_text(name, text); });
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    return plan_.run([&] { return folder_.rename(from, to); });
  }
  Result<void> remove(std::string_view name) override {
    return plan_.run([&] { return folder_.remove(name); });
  }
  Result<std::vector<std::string>> names() override { return folder_.names(); }
  Result<void> sync() override {
    return plan_.run([&] { return folder_.sync(); });
  }

 private:
  std::unique_ptr<disk::BlockFile> wrap(std::unique_ptr<disk::BlockFile> file) {
    return std::make_unique<FaultyFile>(std::move(file), plan_);
  }

  disk::DiskFolder& folder_;
  FaultPlan& plan_;
};

class MemoryDatastore final : public disk::Datastore {
 public:
  explicit MemoryDatastore(std::uint64_t seed = 1) : seed_(seed) {}

  Result<std::unique_ptr<disk::DiskFolder>> open_folder(const std::string& vm) override {
    if (is_away || !folders_.contains(vm)) {
      return Error{ErrorCode::kNotFound, "opening " + vm + ": there is no such file"};
    }
    return std::unique_ptr<disk::DiskFolder>(std::make_unique<FaultyFolder>(at(vm), plan));
  }
  Result<std::unique_ptr<disk::DiskFolder>> make_folder(const std::string& vm) override {
    if (is_away) return Error{ErrorCode::kUnavailable, "is the datastore mounted and writable?"};
    at(vm);
    return open_folder(vm);
  }

  // The folder itself, whatever is planned.
  testing::MemoryDiskFolder& at(const std::string& vm) {
    std::unique_ptr<testing::MemoryDiskFolder>& folder = folders_[vm];
    if (folder == nullptr) folder = std::make_unique<testing::MemoryDiskFolder>(seed_);
    return *folder;
  }

  FaultPlan plan;
  bool is_away = false;

 private:
  const std::uint64_t seed_;
  std::map<std::string, std::unique_ptr<testing::MemoryDiskFolder>> folders_;
};

}  // namespace keytrail::esxi
