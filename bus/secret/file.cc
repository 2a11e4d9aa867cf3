#include "bus/secret/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

#include "bus/secret/fd.h"

namespace keytrail {
namespace {

Error os_error(std::string_view doing, const std::string& path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT                      ? ErrorCode::kNotFound
                         : number == EEXIST                    ? ErrorCode::kConflict
                         : number == EACCES || number == EPERM ? ErrorCode::kRefused
                         : number == EISDIR || number == ENOTDIR || number == ENAMETOOLONG
                             ? ErrorCode::kInvalid
                                                               : ErrorCode::kUnavailable;
  const bool is_full = number == ENOSPC || number == EDQUOT;
  return {code, "cannot " + std::string(doing) + " " + path + ": " +
                    (is_full ? "the disk is full; make room, then try again"
                             : std::generic_category().message(number))};
}

class OsFile final : public File {
 public:
  OsFile(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return os_error("look at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> out) override {
    while (!out.empty()) {
      const ssize_t count =
          ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return os_error("read", path_);
      if (count == 0) return Error{ErrorCode::kCorrupt, path_ + " ends too early"};
      offset += static_cast<std::uint64_t>(count);
      out = out.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t count =
          ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return os_error("write", path_);
      offset += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<void> sync() override {
    // Not fdatasync: a size that grew must be durable too, and costs nothing where it did not.
    if (::fsync(file_.get()) != 0) return os_error("sync", path_);
    return {};
  }

 private:
  Fd file_;
  std::string path_;
};

int flags_of(FileSystem::Open how) {
  switch (how) {
    case FileSystem::Open::kRead:
      return O_RDONLY;
    case FileSystem::Open::kWrite:
      return O_RDWR;
    case FileSystem::Open::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case FileSystem::Open::kReplace:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  std::abort();
}

}  // namespace

Result<std::unique_ptr<File>> OsFileSystem::open(const std::string& path, Open how) {
  Fd file(::open(path.c_str(), flags_of(how) | O_CLOEXEC, 0600));
  if (!file.is_open()) return os_error("open", path);
  // One that was there before has the mode that it was made with.
  if (how == Open::kReplace && ::fchmod(file.get(), 0600) != 0) return os_error("protect", path);
  return std::unique_ptr<File>(std::make_unique<OsFile>(std::move(file), path));
}

Result<void> OsFileSystem::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return os_error("make folder", path);
}

Result<void> OsFileSystem::rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return os_error("rename", from);
  return {};
}

Result<void> OsFileSystem::unlink(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return os_error("remove", path);
  return {};
}

Result<std::vector<std::string>> OsFileSystem::list(const std::string& folder) {
  DIR* const open_folder = ::opendir(folder.c_str());
  if (open_folder == nullptr) return os_error("list", folder);
  const std::unique_ptr<DIR, int (*)(DIR*)> closing(open_folder, ::closedir);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(open_folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return os_error("list", folder);
  std::ranges::sort(names);
  return names;
}

Result<void> OsFileSystem::sync_folder(const std::string& path) {
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return os_error("open", path);
  return OsFile(std::move(folder), path).sync();
}

Result<bool> OsFileSystem::overwrites_in_place(const std::string& path) {
  // btrfs, ZFS, bcachefs, F2FS, NILFS2; overlay copies a file up once and then overwrites it.
  constexpr std::uint32_t kWriteElsewhere[] = {0x9123683e, 0x2fc12fc1, 0xca451a4e, 0xf2f52010,
                                               0x3434};
  struct statfs status {};
  if (::statfs(path.c_str(), &status) != 0) return os_error("look at", path);
  return std::ranges::find(kWriteElsewhere, static_cast<std::uint32_t>(status.f_type)) ==
         std::end(kWriteElsewhere);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<Bytes> read_file(FileSystem& files, const std::string& path, std::size_t bytes_max) {
  const auto file = TRY(files.open(path, FileSystem::Open::kRead));
  const std::uint64_t size = TRY(file->size());
  if (size > bytes_max) {
    return Error{ErrorCode::kInvalid,
                 path + " is larger than the " + std::to_string(bytes_max) + " bytes allowed"};
  }
  Bytes bytes(static_cast<std::size_t>(size));
  TRY(file->read_at(0, bytes));
  return bytes;
}

Result<void> replace_file(FileSystem& files, const std::string& path, ByteView bytes) {
  const std::string beside = path + ".new";
  {
    const auto file = TRY(files.open(beside, FileSystem::Open::kReplace));
    TRY(file->write_at(0, bytes));
    TRY(file->sync());
  }
  if (const Result<void> renamed = files.rename(beside, path); !renamed.ok()) {
    (void)files.unlink(beside).ok();
    return renamed.error();
  }
  return files.sync_folder(folder_of(path));
}

}  // namespace keytrail
