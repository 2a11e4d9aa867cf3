#include "tests/eventstore/faults/faulty_disk.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

#include "bus/secret/check.h"
#include "tests/support/seeded_random.h"

namespace keytrail::testing {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

constexpr std::size_t kSectorBytes = 512;

struct Node {
  std::string bytes;
  std::size_t synced = 0;  // bytes of it that are durable
  bool lost = false;       // A sync failed: the system forgot that there is something to write.
};
// The state of the folder: a file keeps its node through a change of its name.
using Folder = std::map<std::string, std::shared_ptr<Node>>;

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

std::string read_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

class FaultyDisk::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files(const std::string& folder, std::uint64_t seed, const Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults), random_(seed) {
    std::error_code none;
    for (fs::directory_iterator at(folder, none), end; !none && at != end; at.increment(none)) {
      auto node = std::make_shared<Node>(Node{.bytes = read_whole(at->path())});
      node->synced = node->bytes.size();
      folder_.emplace(at->path().filename().string(), std::move(node));
    }
    durable_ = folder_;
  }
  const char* Name() const override { return "FaultyDisk"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override;
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* debug) override;
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override;
  // The log needs none of these; whatever else RocksDB begins to do to a file must be looked at.
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("FaultyDisk: reopen");
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("FaultyDisk: reuse");
  }
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&,
                    IODebugContext*) override {
    return IOStatus::NotSupported("FaultyDisk: link");
  }

  // A write: what of `data` goes to the file, and what the writer is told.
  struct Write {
    std::string data;
    IOStatus status;
  };
  Write write(Node& node, const rocksdb::Slice& data);
  IOStatus sync(Node& node, bool is_write_ahead_log);
  void truncate(Node& node, std::uint64_t bytes);
  void sync_names();
  // Where in what was read a bit is flipped; nullopt: nowhere.
  std::optional<std::size_t> flip_in_read(std::size_t bytes);
  char flipped(char byte) { return static_cast<char>(byte ^ (1 << random_.below(8))); }

  Counts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  void cut() {
    const std::lock_guard lock(mutex_);
    take_picture();
  }
  bool is_off() const {
    const std::lock_guard lock(mutex_);
    return image_.has_value();
  }
  const std::map<std::string, std::string>& image() const { return *image_; }

 private:
  void count_change() {
    if (++counts_.changes == faults_.cut_at) take_picture();
  }
  void change_names(Folder changed) {
    folder_ = std::move(changed);
    unsynced_.push_back(folder_);
    count_change();
  }
  void take_picture();
  std::string remains_of(const Node& node);

  const Faults faults_;
  mutable std::mutex mutex_;
  test::SeededRandom random_;
  Folder folder_;
  Folder durable_;
  std::vector<Folder> unsynced_;  // each state since the last sync of the names
  Counts counts_;
  std::optional<std::map<std::string, std::string>> image_;
};

class FaultyDisk::Written final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  Written(std::unique_ptr<rocksdb::FSWritableFile> file, Files& files, std::shared_ptr<Node> node,
          bool is_write_ahead_log)
      : FSWritableFileOwnerWrapper(std::move(file)),
        files_(files),
        node_(std::move(node)),
        is_write_ahead_log_(is_write_ahead_log) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    const Files::Write write = files_.write(*node_, data);
    IOStatus written = target()->Append(write.data, options, debug);
    return write.status.ok() ? written : write.status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*checksum*/,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("FaultyDisk: positioned append");
  }
  IOStatus Truncate(std::uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    files_.truncate(*node_, bytes);
    return target()->Truncate(bytes, options, debug);
  }
  // The folder is the system's view: what is durable is known beside it, and a real sync is spared.
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return files_.sync(*node_, is_write_ahead_log_);
  }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return files_.sync(*node_, is_write_ahead_log_);
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // A hint.
  }

 private:
  Files& files_;
  const std::shared_ptr<Node> node_;
  const bool is_write_ahead_log_;
};

class FaultyDisk::ReadAt final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  ReadAt(std::unique_ptr<rocksdb::FSRandomAccessFile> file, Files& files)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), files_(files) {}

  IOStatus Read(std::uint64_t offset, std::size_t bytes, const IOOptions& options,
                rocksdb::Slice* result, char* scratch, IODebugContext* debug) const override {
    IOStatus status = target()->Read(offset, bytes, options, result, scratch, debug);
    const auto at = files_.flip_in_read(status.ok() ? result->size() : 0);
    if (!at) return status;
    std::copy_n(result->data(), result->size(), scratch);
    scratch[*at] = files_.flipped(scratch[*at]);
    *result = rocksdb::Slice(scratch, result->size());
    return status;
  }

 private:
  Files& files_;
};

class FaultyDisk::Streamed final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  Streamed(std::unique_ptr<rocksdb::FSSequentialFile> file, Files& files)
      : FSSequentialFileOwnerWrapper(std::move(file)), files_(files) {}

  IOStatus Read(std::size_t bytes, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) override {
    IOStatus status = target()->Read(bytes, options, result, scratch, debug);
    const auto at = files_.flip_in_read(status.ok() ? result->size() : 0);
    if (!at) return status;
    std::copy_n(result->data(), result->size(), scratch);
    scratch[*at] = files_.flipped(scratch[*at]);
    *result = rocksdb::Slice(scratch, result->size());
    return status;
  }

 private:
  Files& files_;
};

class FaultyDisk::Names final : public rocksdb::FSDirectoryWrapper {
 public:
  Names(std::unique_ptr<rocksdb::FSDirectory> directory, Files& files)
      : FSDirectoryWrapper(std::move(directory)), files_(files) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    files_.sync_names();
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    files_.sync_names();
    return IOStatus::OK();
  }

 private:
  Files& files_;
};

IOStatus FaultyDisk::Files::NewWritableFile(const std::string& path, const FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* file,
                                            IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> real;
  IOStatus status = target()->NewWritableFile(path, options, &real, debug);
  if (!status.ok()) return status;
  auto node = std::make_shared<Node>();
  {
    const std::lock_guard lock(mutex_);
    Folder changed = folder_;
    changed[name_of(path)] = node;
    change_names(std::move(changed));
  }
  *file = std::make_unique<Written>(std::move(real), *this, std::move(node),
                                    fs::path(path).extension() == ".log");
  return status;
}

IOStatus FaultyDisk::Files::NewRandomAccessFile(const std::string& path, const FileOptions& options,
                                                std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                                IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> real;
  IOStatus status = target()->NewRandomAccessFile(path, options, &real, debug);
  if (status.ok()) *file = std::make_unique<ReadAt>(std::move(real), *this);
  return status;
}

IOStatus FaultyDisk::Files::NewSequentialFile(const std::string& path, const FileOptions& options,
                                              std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                              IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSSequentialFile> real;
  IOStatus status = target()->NewSequentialFile(path, options, &real, debug);
  if (status.ok()) *file = std::make_unique<Streamed>(std::move(real), *this);
  return status;
}

IOStatus FaultyDisk::Files::NewDirectory(const std::string& path, const IOOptions& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* directory,
                                         IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  IOStatus status = target()->NewDirectory(path, options, &real, debug);
  if (status.ok()) *directory = std::make_unique<Names>(std::move(real), *this);
  return status;
}

IOStatus FaultyDisk::Files::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  Folder changed = folder_;
  changed[name_of(to)] = changed.at(name_of(from));
  changed.erase(name_of(from));
  change_names(std::move(changed));
  return status;
}

IOStatus FaultyDisk::Files::DeleteFile(const std::string& path, const IOOptions& options,
                                       IODebugContext* debug) {
  IOStatus status = target()->DeleteFile(path, options, debug);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  Folder changed = folder_;
  changed.erase(name_of(path));
  change_names(std::move(changed));
  return status;
}

FaultyDisk::Files::Write FaultyDisk::Files::write(Node& node, const rocksdb::Slice& data) {
  const std::lock_guard lock(mutex_);
  Write write{.data = data.ToString(), .status = IOStatus::OK()};
  ++counts_.writes;
  if (faults_.full_at && counts_.writes >= *faults_.full_at) {
    write.data.resize(counts_.writes == faults_.full_at ? random_.below(data.size() + 1) : 0);
    write.status = IOStatus::NoSpace("no space left on device");
    write.status.SetRetryable(false);
  }
  if (counts_.writes == faults_.flips_write_at && !write.data.empty()) {
    char& byte = write.data[random_.below(write.data.size())];
    byte = flipped(byte);
  }
  node.bytes += write.data;
  count_change();
  return write;
}

IOStatus FaultyDisk::Files::sync(Node& node, bool is_write_ahead_log) {
  const std::lock_guard lock(mutex_);
  count_change();
  if (++counts_.syncs == faults_.sync_fails_at) {
    node.lost = true;
    return IOStatus::IOError("input/output error");
  }
  const bool ignored = faults_.ignores_syncs && is_write_ahead_log;
  if (!node.lost && !ignored) node.synced = node.bytes.size();
  return IOStatus::OK();
}

void FaultyDisk::Files::truncate(Node& node, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  node.bytes.resize(bytes);
  node.synced = std::min(node.synced, node.bytes.size());
  count_change();
}

void FaultyDisk::Files::sync_names() {
  const std::lock_guard lock(mutex_);
  count_change();
  durable_ = folder_;
  unsynced_.clear();
}

std::optional<std::size_t> FaultyDisk::Files::flip_in_read(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes == 0 || ++counts_.reads != faults_.flips_read_at) return std::nullopt;
  return random_.below(bytes);
}

void FaultyDisk::Files::take_picture() {
  if (image_) return;
  const std::uint64_t kept = random_.below(unsynced_.size() + 1);
  const Folder& names = kept == 0 ? durable_ : unsynced_[kept - 1];
  image_.emplace();
  for (const auto& [name, node] : names) image_->emplace(name, remains_of(*node));
}

std::string FaultyDisk::Files::remains_of(const Node& node) {
  const std::size_t unsynced = node.bytes.size() - node.synced;
  if (unsynced == 0) return node.bytes;
  std::size_t kept = node.synced;
  switch (random_.below(4)) {
    case 0:
      break;
    case 1:
      kept += unsynced;
      break;
    default:
      kept += random_.below(unsynced);
      break;
  }
  std::string bytes = node.bytes.substr(0, kept);
  if (faults_.tear == Tear::kClean) return bytes;
  const std::size_t sector = node.synced / kSectorBytes * kSectorBytes;
  if (faults_.tear == Tear::kZeros) {
    bytes.resize(std::min(node.bytes.size(), (kept / kSectorBytes + 1) * kSectorBytes));
    return bytes;
  }
  bytes.resize(std::min(node.bytes.size(), sector + kSectorBytes));
  for (std::size_t i = sector + random_.below(bytes.size() - sector); i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(random_.below(256));
  return bytes;
}

FaultyDisk::FaultyDisk(const std::string& folder, std::uint64_t seed, const Faults& faults)
    : files_(std::make_shared<Files>(folder, seed, faults)),
      env_(rocksdb::NewCompositeEnv(files_)) {}
FaultyDisk::~FaultyDisk() = default;

rocksdb::Env* FaultyDisk::env() const { return env_.get(); }
FaultyDisk::Counts FaultyDisk::counts() const { return files_->counts(); }
void FaultyDisk::cut() { files_->cut(); }
bool FaultyDisk::is_off() const { return files_->is_off(); }

void FaultyDisk::write_image(const std::string& folder) const {
  KEYTRAIL_CHECK(is_off());
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, bytes] : files_->image())
    std::ofstream(fs::path(folder) / name, std::ios::binary) << bytes;
}

}  // namespace keytrail::testing
