#include "tests/support/memory_disk_folder.h"

#include <algorithm>

#include "esxi/disk/descriptor.h"

namespace keytrail::testing {
namespace {

constexpr std::size_t kTearBytes = 512;

Result<void> check_name(std::string_view name) {
  if (disk::is_plain_file_name(name)) return {};
  return Error{ErrorCode::kInvalid, "a file in a VM's folder must have a plain name"};
}

}  // namespace

struct MemoryDiskFolder::Write {
  std::uint64_t offset;
  Bytes bytes;
};

struct MemoryDiskFolder::Inode {
  Bytes current;
  Bytes durable;
  std::vector<Write> unsynced;
  bool locked = false;
};

class MemoryDiskFolder::OpenFile final : public BlockFile {
 public:
  OpenFile(MemoryDiskFolder& folder, std::shared_ptr<Inode> inode)
      : folder_(folder), inode_(std::move(inode)), boot_(folder.boot_) {
    inode_->locked = true;
  }
  ~OpenFile() override {
    const std::lock_guard lock(folder_.mutex_);
    if (boot_ == folder_.boot_) inode_->locked = false;
  }

  std::uint64_t size() const override { return inode_->current.size(); }

  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    const std::lock_guard lock(folder_.mutex_);
    TRY(alive());
    std::copy_n(at(offset, into.size()), into.size(), into.begin());
    return {};
  }

  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    const std::lock_guard lock(folder_.mutex_);
    TRY(alive());
    const auto place = at(offset, bytes.size());
    const auto changed = folder_.change();
    if (changed.ok()) std::ranges::copy(bytes, place);
    inode_->unsynced.push_back({offset, to_bytes(bytes)});  // The last one may be torn by the cut.
    return changed;
  }

  Result<void> punch(std::uint64_t offset, std::uint64_t length) override {
    return write(offset, Bytes(static_cast<std::size_t>(length)));
  }

  Result<void> sync() override {
    const std::lock_guard lock(folder_.mutex_);
    TRY(alive());
    TRY(folder_.change());
    inode_->durable = inode_->current;
    inode_->unsynced.clear();
    return {};
  }

 private:
  Result<void> alive() const {
    if (boot_ == folder_.boot_ && !folder_.failed_) return {};
    return Error{ErrorCode::kUnavailable, "the power is off"};
  }

  Bytes::iterator at(std::uint64_t offset, std::size_t length) {
    KEYTRAIL_CHECK(offset <= inode_->current.size() && length <= inode_->current.size() - offset);
    return inode_->current.begin() + static_cast<std::ptrdiff_t>(offset);
  }

  MemoryDiskFolder& folder_;
  std::shared_ptr<Inode> inode_;
  std::uint64_t boot_;
};

MemoryDiskFolder::MemoryDiskFolder(std::uint64_t seed) : random_(seed) {}
MemoryDiskFolder::~MemoryDiskFolder() = default;

Result<std::unique_ptr<BlockFile>> MemoryDiskFolder::open(std::string_view name) {
  const std::lock_guard guard(mutex_);
  const auto inode = TRY(find(name));
  if (inode->locked) return Error{ErrorCode::kConflict, "another process has it open"};
  return lock(inode);
}

Result<std::unique_ptr<BlockFile>> MemoryDiskFolder::create(std::string_view name,
                                                            std::uint64_t size) {
  const std::lock_guard guard(mutex_);
  TRY(check_name(name));
  TRY(change());
  const auto there = find(name);
  if (there.ok() && (*there)->locked) {
    return Error{ErrorCode::kConflict, "another process has it open"};
  }
  auto inode = std::make_shared<Inode>();
  inode->current.resize(static_cast<std::size_t>(size));
  inode->durable = inode->current;
  Names names = names_;
  names.insert_or_assign(std::string(name), inode);
  change_names(std::move(names));
  return lock(inode);
}

Result<std::string> MemoryDiskFolder::read_text(std::string_view name, std::size_t bytes_max) {
  const std::lock_guard guard(mutex_);
  const auto inode = TRY(find(name));
  if (inode->current.size() > bytes_max) return Error{ErrorCode::kCorrupt, "it is too long"};
  return std::string(as_text(inode->current));
}

Result<void> MemoryDiskFolder::write_text(std::string_view name, std::string_view text) {
  const std::lock_guard guard(mutex_);
  TRY(check_name(name));
  TRY(change());
  auto inode = std::make_shared<Inode>();
  inode->current = to_bytes(as_bytes(text));
  inode->durable = inode->current;
  Names names = names_;
  names.insert_or_assign(std::string(name), inode);
  change_names(std::move(names));
  return {};
}

Result<void> MemoryDiskFolder::rename(std::string_view from, std::string_view to) {
  KEYTRAIL_CHECK(disk::is_plain_file_name(from) && disk::is_plain_file_name(to));
  const std::lock_guard guard(mutex_);
  const auto inode = TRY(find(from));
  TRY(change());
  Names names = names_;
  names.erase(names.find(from));
  names.insert_or_assign(std::string(to), inode);
  change_names(std::move(names));
  return {};
}

Result<void> MemoryDiskFolder::remove(std::string_view name) {
  KEYTRAIL_CHECK(disk::is_plain_file_name(name));
  const std::lock_guard guard(mutex_);
  TRY(change());
  Names names = names_;
  if (const auto found = names.find(name); found != names.end()) names.erase(found);
  change_names(std::move(names));
  return {};
}

Result<std::vector<std::string>> MemoryDiskFolder::names() {
  const std::lock_guard guard(mutex_);
  if (failed_) return Error{ErrorCode::kUnavailable, "the power is off"};
  std::vector<std::string> found;
  for (const auto& [name, inode] : names_) found.push_back(name);
  return found;
}

Result<void> MemoryDiskFolder::sync() {
  const std::lock_guard guard(mutex_);
  TRY(change());
  durable_names_ = names_;
  unsynced_names_.clear();
  return {};
}

void MemoryDiskFolder::fail_at(std::uint64_t changes) {
  const std::lock_guard guard(mutex_);
  fail_at_ = changes_ + changes;
}

std::uint64_t MemoryDiskFolder::changes() const {
  const std::lock_guard guard(mutex_);
  return changes_;
}

bool MemoryDiskFolder::failed() const {
  const std::lock_guard guard(mutex_);
  return failed_;
}

void MemoryDiskFolder::restart() {
  const std::lock_guard guard(mutex_);
  ++boot_;
  failed_ = false;
  fail_at_.reset();
  if (!unsynced_names_.empty()) {
    const std::size_t kept = random_() % (unsynced_names_.size() + 1);
    if (kept > 0) durable_names_ = unsynced_names_[kept - 1];
    unsynced_names_.clear();
  }
  names_ = durable_names_;
  for (auto& [name, inode] : names_) lose_unsynced(*inode);
}

Bytes MemoryDiskFolder::contents(std::string_view name) {
  const std::lock_guard guard(mutex_);
  const auto inode = find(name);
  return inode.ok() ? (*inode)->current : Bytes{};
}

void MemoryDiskFolder::set_contents(std::string_view name, Bytes bytes) {
  const std::lock_guard guard(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->current = bytes;
  inode->durable = std::move(bytes);
  names_.insert_or_assign(std::string(name), inode);
  durable_names_.insert_or_assign(std::string(name), inode);
}

Result<void> MemoryDiskFolder::change() {
  if (!failed_ && fail_at_ && changes_ >= *fail_at_) failed_ = true;
  if (failed_) return Error{ErrorCode::kUnavailable, "the power is off"};
  ++changes_;
  return {};
}

void MemoryDiskFolder::change_names(Names names) {
  names_ = std::move(names);
  unsynced_names_.push_back(names_);
}

void MemoryDiskFolder::lose_unsynced(Inode& inode) {
  for (const Write& write : inode.unsynced) {
    const auto fate = random_() % 3;  // Lost, whole, or torn.
    std::size_t kept = fate == 0 ? 0 : write.bytes.size();
    if (fate == 2) kept = std::min(kept, random_() % (kept / kTearBytes + 1) * kTearBytes);
    std::copy_n(write.bytes.begin(), kept,
                inode.durable.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }
  inode.unsynced.clear();
  inode.current = inode.durable;
  inode.locked = false;
}

Result<std::shared_ptr<MemoryDiskFolder::Inode>> MemoryDiskFolder::find(
    std::string_view name) const {
  TRY(check_name(name));
  if (failed_) return Error{ErrorCode::kUnavailable, "the power is off"};
  const auto found = names_.find(name);
  if (found == names_.end()) {
    return Error{ErrorCode::kNotFound, std::string(name) + ": there is no such file"};
  }
  return found->second;
}

std::unique_ptr<BlockFile> MemoryDiskFolder::lock(const std::shared_ptr<Inode>& inode) {
  return std::make_unique<OpenFile>(*this, inode);
}

}  // namespace keytrail::testing
