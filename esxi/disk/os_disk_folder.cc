#include "esxi/disk/os_disk_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "esxi/disk/descriptor.h"

namespace keytrail::disk {
namespace {

constexpr mode_t kFileMode = 0600;  // Of a guest's data, of which nobody else has any.

Error not_a_file(const std::string& what) {
  return {ErrorCode::kCorrupt, what + ": it is not a regular file"};
}

Error storage_error(int number, std::string_view doing, std::string_view name) {
  const std::string what = std::string(doing) + " " + std::string(name);
  switch (number) {
    case ENOENT:
      return {ErrorCode::kNotFound, what + ": there is no such file"};
    case ENOSPC:
    case EDQUOT:
      return {ErrorCode::kUnavailable,
              what + ": the datastore is full; free some space and try again"};
    case EAGAIN:
      return {ErrorCode::kConflict, what + ": another process has it open"};
    case ELOOP:
      return {ErrorCode::kCorrupt,
              what + ": it is a symbolic link, and none is followed; put the file itself there"};
    case ENXIO:  // A pipe that nobody reads, or a socket.
      return not_a_file(what);
    default:
      return {ErrorCode::kUnavailable, what + ": " + std::strerror(number)};
  }
}

class OsBlockFile final : public BlockFile {
 public:
  OsBlockFile(Fd fd, std::uint64_t size, std::string name)
      : fd_(std::move(fd)), size_(size), name_(std::move(name)) {}

  std::uint64_t size() const override { return size_; }

  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    while (!into.empty()) {
      const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return storage_error(errno, "reading", name_);
      if (got == 0) {
        return Error{ErrorCode::kCorrupt, "reading " + name_ + ": the file was cut short"};
      }
      offset += static_cast<std::uint64_t>(got);
      into = into.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put =
          ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return storage_error(errno, "writing", name_);
      offset += static_cast<std::uint64_t>(put);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<void> punch(std::uint64_t offset, std::uint64_t length) override {
    if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(offset), static_cast<off_t>(length)) == 0) {
      return {};
    }
    if (errno != EOPNOTSUPP) return storage_error(errno, "punching", name_);
    static constexpr std::uint8_t kZeros[64 * 1024] = {};
    while (length > 0) {
      const std::uint64_t piece = std::min<std::uint64_t>(length, sizeof kZeros);
      TRY(write(offset, ByteView(kZeros, static_cast<std::size_t>(piece))));
      offset += piece;
      length -= piece;
    }
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return storage_error(errno, "syncing", name_);
    return {};
  }

 private:
  Fd fd_;
  std::uint64_t size_;
  std::string name_;
};

Result<void> lock(const Fd& fd, std::string_view name) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0) return storage_error(errno, "locking", name);
  return {};
}

// Whoever can write to the datastore can put anything under that name. A link would lead out of the
// folder, and opening a pipe or a device could wait for ever or do something; of a regular file
// O_NONBLOCK changes nothing.
Result<Fd> open_file(int folder, std::string_view name, int flags) {
  if (!is_plain_file_name(name)) {
    return Error{ErrorCode::kInvalid, "a file in a VM's folder must have a plain name"};
  }
  Fd fd(::openat(folder, std::string(name).c_str(),
                 flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, kFileMode));
  if (!fd.is_open()) return storage_error(errno, "opening", name);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return storage_error(errno, "opening", name);
  if (!S_ISREG(info.st_mode)) return not_a_file("opening " + std::string(name));
  return fd;
}

}  // namespace

Result<std::unique_ptr<OsDiskFolder>> OsDiskFolder::open_folder(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return storage_error(errno, "opening", path);
  return std::unique_ptr<OsDiskFolder>(new OsDiskFolder(std::move(fd), path));
}

Result<std::unique_ptr<OsDiskFolder>> OsDiskFolder::open_inner(const std::string& name) {
  KEYTRAIL_CHECK(is_plain_file_name(name));
  Fd fd(::openat(folder_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  std::string path = path_ + "/" + name;
  if (!fd.is_open()) return storage_error(errno, "opening", path);
  return std::unique_ptr<OsDiskFolder>(new OsDiskFolder(std::move(fd), std::move(path)));
}

Result<std::unique_ptr<OsDiskFolder>> OsDatastore::folder_of(const std::string& vm) {
  return TRY(OsDiskFolder::open_folder(path_))->open_inner(vm);
}

Result<std::unique_ptr<DiskFolder>> OsDatastore::open_folder(const std::string& vm) {
  return std::unique_ptr<DiskFolder>(TRY(folder_of(vm)));
}

Result<std::unique_ptr<DiskFolder>> OsDatastore::make_folder(const std::string& vm) {
  KEYTRAIL_CHECK(is_plain_file_name(vm));
  const std::string path = path_ + "/" + vm;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{ErrorCode::kUnavailable,
                 "cannot make the folder " + path + ": is the datastore mounted and writable?"};
  }
  const std::unique_ptr<OsDiskFolder> root = TRY(OsDiskFolder::open_folder(path_));
  TRY(root->sync());  // The folder's name is durable before what is in it.
  return std::unique_ptr<DiskFolder>(TRY(root->open_inner(vm)));
}

Result<std::unique_ptr<BlockFile>> OsDiskFolder::open(std::string_view name) {
  Fd fd = TRY(open_file(folder_.get(), name, O_RDWR));
  TRY(lock(fd, name));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return storage_error(errno, "opening", name);
  // An import came with the mode that it had elsewhere. Some storage has no modes, so it may fail.
  if ((info.st_mode & 07777) != kFileMode) static_cast<void>(::fchmod(fd.get(), kFileMode));
  return std::unique_ptr<BlockFile>(
      new OsBlockFile(std::move(fd), static_cast<std::uint64_t>(info.st_size), std::string(name)));
}

Result<std::unique_ptr<BlockFile>> OsDiskFolder::create(std::string_view name, std::uint64_t size) {
  // What lies there goes as a whole, unless another has it open: a file that is cut and filled
  // again would keep its maker, its mode, its other names and whoever's descriptors of it.
  const Result<Fd> old = open_file(folder_.get(), name, O_RDWR);
  if (old.ok()) {
    TRY(lock(*old, name));
    TRY(remove(name));
  } else if (old.error().code != ErrorCode::kNotFound) {
    return old.error();
  }
  Fd fd = TRY(open_file(folder_.get(), name, O_RDWR | O_CREAT | O_EXCL));
  TRY(lock(fd, name));
  const int reserved = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size));
  if (reserved != 0) {
    ::unlinkat(folder_.get(), std::string(name).c_str(), 0);
    return storage_error(reserved, "creating", name);
  }
  return std::unique_ptr<BlockFile>(new OsBlockFile(std::move(fd), size, std::string(name)));
}

Result<Fd> OsDiskFolder::open_to_read(std::string_view name) {
  return open_file(folder_.get(), name, O_RDONLY);
}

Result<Fd> OsDiskFolder::open_to_append(std::string_view name) {
  return open_file(folder_.get(), name, O_WRONLY | O_CREAT | O_APPEND);
}

Result<std::string> OsDiskFolder::read_text(std::string_view name, std::size_t bytes_max) {
  const Fd fd = TRY(open_file(folder_.get(), name, O_RDONLY));
  std::string text(bytes_max + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return storage_error(errno, "reading", name);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > bytes_max) {
    return Error{ErrorCode::kCorrupt, "reading " + std::string(name) + ": it is too long"};
  }
  text.resize(have);
  return text;
}

Result<void> OsDiskFolder::write_text(std::string_view name, std::string_view text) {
  const Fd fd = TRY(open_file(folder_.get(), name, O_WRONLY | O_CREAT | O_TRUNC));
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return storage_error(errno, "writing", name);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd.get()) != 0) return storage_error(errno, "syncing", name);
  return {};
}

Result<void> OsDiskFolder::rename(std::string_view from, std::string_view to) {
  KEYTRAIL_CHECK(is_plain_file_name(from) && is_plain_file_name(to));
  const int folder = folder_.get();
  if (::renameat(folder, std::string(from).c_str(), folder, std::string(to).c_str()) != 0) {
    return storage_error(errno, "renaming", from);
  }
  return {};
}

Result<void> OsDiskFolder::remove(std::string_view name) {
  KEYTRAIL_CHECK(is_plain_file_name(name));
  if (::unlinkat(folder_.get(), std::string(name).c_str(), 0) != 0 && errno != ENOENT) {
    return storage_error(errno, "removing", name);
  }
  return {};
}

Result<std::vector<std::string>> OsDiskFolder::names() {
  const int again = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return storage_error(errno, "listing", path_);
  DIR* const stream = ::fdopendir(again);
  KEYTRAIL_CHECK(stream != nullptr);
  std::vector<std::string> found;
  while (const dirent* entry = ::readdir(stream)) {
    if (is_plain_file_name(entry->d_name)) found.emplace_back(entry->d_name);
  }
  ::closedir(stream);
  std::ranges::sort(found);
  return found;
}

Result<void> OsDiskFolder::sync() {
  if (::fsync(folder_.get()) != 0) return storage_error(errno, "syncing", path_);
  return {};
}

}  // namespace keytrail::disk
