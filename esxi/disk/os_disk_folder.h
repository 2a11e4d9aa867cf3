// OsDiskFolder: a VM's folder on a real file system.
//
// Everything goes through the folder's descriptor (openat), so paths may be long and a folder that
// is moved stays the same one. Others may write to a datastore: a symbolic link in it is not
// followed, nor is anything opened but regular files (kCorrupt), so nothing leads out of the folder
// or keeps its opener waiting. Data files are this user's alone (0600), imports from when they are
// first opened. The lock is an open-file-description lock (F_OFD_SETLK): it excludes other
// processes and other opens of this one, and dies with the process.
#pragma once

#include "bus/secret/fd.h"
#include "esxi/disk/disk_folder.h"

namespace keytrail::disk {

class OsDiskFolder final : public DiskFolder {
 public:
  // kNotFound if there is no such folder. The path is the operator's: its links are followed.
  static Result<std::unique_ptr<OsDiskFolder>> open_folder(const std::string& path);
  // The folder `name` of this one. REQUIRES: a plain file name.
  Result<std::unique_ptr<OsDiskFolder>> open_inner(const std::string& name);

  // For those who hand a file on to another program, or write to it as it comes.
  Result<Fd> open_to_read(std::string_view name);
  Result<Fd> open_to_append(std::string_view name);  // Makes it first if it is not there.

  Result<std::unique_ptr<BlockFile>> open(std::string_view name) override;
  Result<std::unique_ptr<BlockFile>> create(std::string_view name, std::uint64_t size) override;
  Result<std::string> read_text(std::string_view name, std::size_t bytes_max) override;
  Result<void> write_text(std::string_view name, std::string_view text) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> names() override;
  Result<void> sync() override;

 private:
  OsDiskFolder(Fd folder, std::string path) : folder_(std::move(folder)), path_(std::move(path)) {}

  Fd folder_;
  std::string path_;  // For error texts only.
};

// A mounted file system with a folder per VM.
class OsDatastore final : public Datastore {
 public:
  explicit OsDatastore(std::string path) : path_(std::move(path)) {}

  Result<std::unique_ptr<DiskFolder>> open_folder(const std::string& vm) override;
  Result<std::unique_ptr<DiskFolder>> make_folder(const std::string& vm) override;
  // open_folder, for those who need descriptors of its files.
  Result<std::unique_ptr<OsDiskFolder>> folder_of(const std::string& vm);

 private:
  const std::string path_;
};

}  // namespace keytrail::disk
