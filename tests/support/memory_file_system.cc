#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <utility>

namespace keytrail::test {
namespace {

constexpr std::size_t kSectorBytes = 512;

void put(Bytes& content, std::size_t offset, ByteView bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& files, std::size_t inode, bool writable)
      : files_(files), inode_(inode), writable_(writable) {}

  Result<std::uint64_t> size() override { return std::uint64_t{data().current.size()}; }

  Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> out) override {
    const Bytes& content = data().current;
    if (offset > content.size() || out.size() > content.size() - offset) {
      return Error{ErrorCode::kCorrupt, "the file ends too early"};
    }
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    KEYTRAIL_CHECK(writable_);
    const bool powered = !files_.power_until_ || files_.operations_ <= *files_.power_until_;
    const auto allowed = files_.change();
    if (powered) {  // Even the one that is cut may have reached the disk.
      put(data().current, offset, bytes);
      data().unsynced.push_back({offset, to_bytes(bytes)});
    }
    return allowed;
  }

  Result<void> sync() override {
    TRY(files_.change());
    data().durable = data().current;
    data().unsynced.clear();
    return {};
  }

 private:
  MemoryFileSystem::Data& data() { return files_.data_[inode_]; }

  MemoryFileSystem& files_;
  std::size_t inode_;
  bool writable_;
};

Result<void> MemoryFileSystem::change() {
  const std::size_t number = operations_++;
  if ((power_until_ && number >= *power_until_) || failing_ == number) {
    return Error{ErrorCode::kUnavailable, "the disk failed on demand"};
  }
  return {};
}

void MemoryFileSystem::change_names(const std::string& folder,
                                    std::map<std::string, std::optional<Inode>> names) {
  for (const auto& [name, inode] : names) {
    if (inode) {
      names_[name] = *inode;
    } else {
      names_.erase(name);
    }
  }
  unsynced_names_.push_back({folder, std::move(names)});
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, Open how) {
  const auto found = names_.find(path);
  const bool exists = found != names_.end();
  const bool makes = how == Open::kCreate || how == Open::kReplace;
  if (!exists && !makes) return Error{ErrorCode::kNotFound, path + " does not exist"};
  if (unreadable_ && how == Open::kRead) {
    return Error{ErrorCode::kUnavailable, path + " cannot be opened, on demand"};
  }
  if (exists && how == Open::kCreate) return Error{ErrorCode::kConflict, path + " exists"};
  if (!makes || exists) {
    const Inode inode = found->second;
    if (how == Open::kReplace) {
      TRY(change());
      data_[inode].current.clear();  // A truncation is durable at once: the worse case.
      data_[inode].durable.clear();
      data_[inode].unsynced.clear();
    }
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, inode, how != Open::kRead));
  }
  TRY(change());
  data_.emplace_back();
  change_names(folder_of(path), {{path, data_.size() - 1}});
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, data_.size() - 1, true));
}

Result<void> MemoryFileSystem::make_folder(const std::string&) { return change(); }

Result<void> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  TRY(change());
  const auto found = names_.find(from);
  if (found == names_.end()) return Error{ErrorCode::kNotFound, from + " does not exist"};
  change_names(folder_of(to), {{to, found->second}, {from, std::nullopt}});
  return {};
}

Result<void> MemoryFileSystem::unlink(const std::string& path) {
  TRY(change());
  if (!names_.contains(path)) return Error{ErrorCode::kNotFound, path + " does not exist"};
  change_names(folder_of(path), {{path, std::nullopt}});
  return {};
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& folder) {
  std::vector<std::string> result;
  for (const auto& [path, inode] : names_) {
    if (folder_of(path) == folder) result.push_back(path.substr(folder.size() + 1));
  }
  return result;
}

Result<void> MemoryFileSystem::sync_folder(const std::string& path) {
  TRY(change());
  std::erase_if(unsynced_names_, [&](const NameChange& named) {
    if (named.folder != path) return false;
    for (const auto& [name, inode] : named.names) {
      if (inode) {
        durable_names_[name] = *inode;
      } else {
        durable_names_.erase(name);
      }
    }
    return true;
  });
  return {};
}

Result<bool> MemoryFileSystem::overwrites_in_place(const std::string&) {
  return overwrites_in_place_;
}

void MemoryFileSystem::restart(std::uint64_t seed) {
  SeededRandom random(seed);
  for (Data& data : data_) {
    Bytes content = data.durable;
    for (const Write& write : data.unsynced) {
      for (std::size_t at = 0; at < write.bytes.size(); at += kSectorBytes) {
        if (random.below(2) == 0) continue;
        const std::size_t size = std::min(kSectorBytes, write.bytes.size() - at);
        put(content, write.offset + at, ByteView(write.bytes).subspan(at, size));
      }
    }
    data = {content, content, {}};
  }
  names_ = durable_names_;
  unsynced_names_.resize(random.below(unsynced_names_.size() + 1));
  for (const NameChange& named : std::exchange(unsynced_names_, {})) {
    change_names(named.folder, named.names);
  }
  unsynced_names_.clear();
  durable_names_ = names_;
  power_until_.reset();
  failing_.reset();
}

std::map<std::string, Bytes> MemoryFileSystem::contents() const {
  std::map<std::string, Bytes> result;
  for (const auto& [path, inode] : names_) result[path] = data_[inode].current;
  return result;
}

void MemoryFileSystem::plant(const std::string& path, Bytes bytes) {
  data_.push_back({bytes, bytes, {}});
  names_[path] = durable_names_[path] = data_.size() - 1;
}

}  // namespace keytrail::test
