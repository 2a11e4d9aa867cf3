// DiskEngine: an open virtual disk, plain or encrypted.
//
// While it exists it holds the exclusive lock on the data file, so no other host can write. Data is
// AES-256-XTS per sector from byte 0, the file as long as the disk, so Linux dm-crypt reads it
// given the DEK. A DEK that is not this disk's is found out by its fingerprint before anything is
// read or written.
//
// Requests are whole sectors, within the disk: NBD's minimum block size sees to it, so there is no
// read-modify-write and a torn write damages nothing that the guest did not write.
//
// Threads: the engine belongs to its owner; each thread that does I/O has a DiskSession of its own
// (its ciphers are not shared), and must end it before the engine goes. `usage` may be asked by
// any.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "bus/secret/secret_bytes.h"
#include "esxi/disk/descriptor.h"
#include "esxi/disk/disk_folder.h"
#include "kms/crypto/aes_xts.h"

namespace keytrail::disk {

// A DEK, and how it stands in the descriptor.
struct DiskKey {
  SecretBytes dek;
  std::string key_safe;  // The DEK wrapped by `key_id`, in key-locator syntax.
  std::string key_id;

  [[nodiscard]] DiskKey clone() const { return {dek.clone(), key_safe, key_id}; }
};

struct NewDisk {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint32_t sector_bytes = kDefaultSectorBytes;
  std::string uuid;  // 32 hexadecimal digits, fresh
};

// What has been done since the disk was opened.
struct DiskUsage {
  std::uint64_t reads = 0, bytes_read = 0;
  std::uint64_t writes = 0, bytes_written = 0;
  std::uint64_t flushes = 0;

  bool operator==(const DiskUsage&) const = default;
};

class DiskSession;

class DiskEngine {
 public:
  // Opens `name`, locks it and checks the key. `dek` belongs to an encrypted disk, and to no other.
  //   kConflict   it is open elsewhere, or was replaced while it was being opened
  //   kRefused    it is encrypted and a required key was not found, or `dek` is not this disk's
  //   kCorrupt    the data file is not as long as the descriptor says
  static Result<std::unique_ptr<DiskEngine>> open(DiskFolder& folder, std::string_view name,
                                                  std::optional<SecretBytes> dek);

  // The engine over a data file that the caller has made for `descriptor`, which need not be in
  // place yet.
  static Result<std::unique_ptr<DiskEngine>> over(std::unique_ptr<BlockFile> file,
                                                  Descriptor descriptor,
                                                  std::optional<SecretBytes> dek);

  DiskEngine(const DiskEngine&) = delete;
  DiskEngine& operator=(const DiskEngine&) = delete;

  [[nodiscard]] DiskSession session();

  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }
  // A shallow recrypt has rewritten it. REQUIRES: same data file, size, sector and DEK.
  void set_descriptor(Descriptor descriptor);

  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] std::uint32_t sector_bytes() const { return sector_bytes_; }
  [[nodiscard]] bool encrypted() const { return dek_.has_value(); }
  [[nodiscard]] DiskUsage usage() const;

 private:
  friend class DiskSession;
  struct Counters {
    std::atomic<std::uint64_t> reads{0}, bytes_read{0}, writes{0}, bytes_written{0}, flushes{0};
  };

  DiskEngine(std::unique_ptr<BlockFile> file, Descriptor descriptor,
             std::optional<SecretBytes> dek);

  std::unique_ptr<BlockFile> file_;
  Descriptor descriptor_;
  std::optional<SecretBytes> dek_;
  std::uint64_t size_bytes_;
  std::uint32_t sector_bytes_;
  Counters counters_;
  std::atomic<bool> has_lost_writes_{false};  // A flush failed.
};

// One thread's way to the disk. kInvalid: a range that is not whole sectors or not within the disk;
// the rest as BlockFile says.
class DiskSession {
 public:
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into);
  // Encrypts in place: afterwards `data` holds what went to the file.
  Result<void> write(std::uint64_t offset, std::span<std::uint8_t> data);
  Result<void> write_zeroes(std::uint64_t offset, std::uint64_t length);
  // A hint. A plain disk gives the blocks back. An encrypted one does nothing: holes would tell
  // which sectors are in use, and whoever can make one could zero a sector unnoticed.
  Result<void> trim(std::uint64_t offset, std::uint64_t length);
  // What any session wrote before is durable. A flush that failed is final: the kernel may have
  // dropped what it could not write and would call the next one a success, so all of this engine
  // fail from then on (kUnavailable).
  Result<void> flush();

  [[nodiscard]] Result<void> check_range(std::uint64_t offset, std::uint64_t length) const;

 private:
  friend class DiskEngine;
  explicit DiskSession(DiskEngine& disk);

  DiskEngine& disk_;
  std::optional<crypto::AesXts> encrypt_;
  std::optional<crypto::AesXts> decrypt_;
  Bytes zeros_;  // Made when first wanted.
};

// Makes a disk: zeros to whoever reads it, encrypted ones if it has a key. kConflict if it is there
// already.
Result<Descriptor> create_disk(DiskFolder& folder, const NewDisk& disk,
                               const std::optional<DiskKey>& key);

// Writes the descriptor of a plain disk whose data file (flat_name(name, 1)) has been put into the
// folder.
Result<Descriptor> adopt_flat(DiskFolder& folder, const NewDisk& disk);

// 32 hexadecimal digits, for the descriptor.
[[nodiscard]] std::string dek_fingerprint_text(const SecretBytes& dek, std::string_view uuid);

}  // namespace keytrail::disk
