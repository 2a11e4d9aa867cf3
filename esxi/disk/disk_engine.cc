#include "esxi/disk/disk_engine.h"

#include <algorithm>

#include "esxi/disk/disk_files.h"
#include "kms/crypto/fingerprint.h"

namespace keytrail::disk {
namespace {

constexpr std::size_t kZeroPieceBytes = 128 * 1024;

Error locked(std::string_view why) {
  return {ErrorCode::kRefused, "the disk is encrypted and " + std::string(why)};
}

crypto::AesXts cipher(const SecretBytes& dek, crypto::AesXts::Direction direction,
                      std::uint32_t sector_bytes) {
  // The key was tried when the disk was opened.
  return crypto::AesXts::make(dek, direction, sector_bytes).value();
}

Result<void> check_key(const Descriptor& descriptor, const std::optional<SecretBytes>& dek) {
  if (!descriptor.encryption) {
    if (!dek) return {};
    return Error{ErrorCode::kRefused, "the disk is not encrypted, but a key was given for it"};
  }
  if (!dek) return locked("a required key was not found");
  TRY(crypto::AesXts::make(*dek, crypto::AesXts::Direction::kDecrypt, descriptor.sector_bytes));
  if (!equal_in_constant_time(as_bytes(dek_fingerprint_text(*dek, descriptor.uuid)),
                              as_bytes(descriptor.encryption->dek_fingerprint))) {
    return locked(
        "the key given is not this disk's: its descriptor was altered, or its key safe "
        "belongs to another disk");
  }
  return {};
}

// The descriptor of a disk that is about to be made, if it may be.
Result<Descriptor> new_descriptor(DiskFolder& folder, const NewDisk& disk) {
  TRY(check_disk_name(disk.name));
  if (disk.size_bytes == 0 || disk.size_bytes > kDiskBytesMax ||
      (disk.sector_bytes != 512 && disk.sector_bytes != 4096) ||
      disk.size_bytes % disk.sector_bytes != 0) {
    return Error{ErrorCode::kInvalid,
                 "a disk has sectors of 512 or 4096 bytes, a whole number of them, at most 62 TiB"};
  }
  if (const auto there = read_descriptor(folder, disk.name);
      there.ok() || there.error().code != ErrorCode::kNotFound) {
    return Error{ErrorCode::kConflict, "there is a disk " + disk.name + " already"};
  }
  return Descriptor{.flat = flat_name(disk.name, 1),
                    .size_bytes = disk.size_bytes,
                    .sector_bytes = disk.sector_bytes,
                    .uuid = disk.uuid,
                    .generation = 1,
                    .action = {},
                    .encryption = std::nullopt,
                    .other_ddb = {{"ddb.adapterType", "lsilogic"}, {"ddb.virtualHWVersion", "19"}}};
}

}  // namespace

Result<std::unique_ptr<DiskEngine>> DiskEngine::open(DiskFolder& folder, std::string_view name,
                                                     std::optional<SecretBytes> dek) {
  const Descriptor seen = TRY(read_descriptor(folder, name));
  TRY(check_key(seen, dek));
  auto file = TRY(folder.open(seen.flat));
  // The lock is on the data file; between reading its name and locking it, a conversion elsewhere
  // may have put another in its place.
  Descriptor locked_descriptor = TRY(read_descriptor(folder, name));
  if (locked_descriptor != seen) {
    return Error{ErrorCode::kConflict, "the disk was replaced while it was being opened"};
  }
  return over(std::move(file), std::move(locked_descriptor), std::move(dek));
}

Result<std::unique_ptr<DiskEngine>> DiskEngine::over(std::unique_ptr<BlockFile> file,
                                                     Descriptor descriptor,
                                                     std::optional<SecretBytes> dek) {
  TRY(check_key(descriptor, dek));
  if (file->size() != descriptor.size_bytes) {
    return Error{ErrorCode::kCorrupt, descriptor.flat + " has " + std::to_string(file->size()) +
                                          " bytes; its descriptor says " +
                                          std::to_string(descriptor.size_bytes)};
  }
  return std::unique_ptr<DiskEngine>(
      new DiskEngine(std::move(file), std::move(descriptor), std::move(dek)));
}

DiskEngine::DiskEngine(std::unique_ptr<BlockFile> file, Descriptor descriptor,
                       std::optional<SecretBytes> dek)
    : file_(std::move(file)),
      descriptor_(std::move(descriptor)),
      dek_(std::move(dek)),
      size_bytes_(descriptor_.size_bytes),
      sector_bytes_(descriptor_.sector_bytes) {}

DiskSession DiskEngine::session() { return DiskSession(*this); }

void DiskEngine::set_descriptor(Descriptor descriptor) {
  KEYTRAIL_CHECK(descriptor.flat == descriptor_.flat && descriptor.size_bytes == size_bytes_ &&
                 descriptor.sector_bytes == sector_bytes_);
  KEYTRAIL_CHECK(check_key(descriptor, dek_).ok());
  descriptor_ = std::move(descriptor);
}

DiskUsage DiskEngine::usage() const {
  return {.reads = counters_.reads,
          .bytes_read = counters_.bytes_read,
          .writes = counters_.writes,
          .bytes_written = counters_.bytes_written,
          .flushes = counters_.flushes};
}

DiskSession::DiskSession(DiskEngine& disk) : disk_(disk) {
  if (!disk.dek_) return;
  encrypt_ = cipher(*disk.dek_, crypto::AesXts::Direction::kEncrypt, disk.sector_bytes_);
  decrypt_ = cipher(*disk.dek_, crypto::AesXts::Direction::kDecrypt, disk.sector_bytes_);
}

Result<void> DiskSession::check_range(std::uint64_t offset, std::uint64_t length) const {
  if (offset % disk_.sector_bytes_ != 0 || length % disk_.sector_bytes_ != 0) {
    return Error{ErrorCode::kInvalid, "a request must be whole sectors"};
  }
  if (offset > disk_.size_bytes_ || length > disk_.size_bytes_ - offset) {
    return Error{ErrorCode::kInvalid, "a request must lie within the disk"};
  }
  return {};
}

Result<void> DiskSession::read(std::uint64_t offset, std::span<std::uint8_t> into) {
  TRY(check_range(offset, into.size()));
  TRY(disk_.file_->read(offset, into));
  if (decrypt_) decrypt_->apply(offset, into);
  disk_.counters_.reads.fetch_add(1, std::memory_order_relaxed);
  disk_.counters_.bytes_read.fetch_add(into.size(), std::memory_order_relaxed);
  return {};
}

Result<void> DiskSession::write(std::uint64_t offset, std::span<std::uint8_t> data) {
  TRY(check_range(offset, data.size()));
  if (encrypt_) encrypt_->apply(offset, data);
  TRY(disk_.file_->write(offset, data));
  disk_.counters_.writes.fetch_add(1, std::memory_order_relaxed);
  disk_.counters_.bytes_written.fetch_add(data.size(), std::memory_order_relaxed);
  return {};
}

Result<void> DiskSession::write_zeroes(std::uint64_t offset, std::uint64_t length) {
  TRY(check_range(offset, length));
  while (length > 0) {
    const auto piece = std::min<std::uint64_t>(length, kZeroPieceBytes);
    zeros_.assign(static_cast<std::size_t>(piece), 0);  // Encrypting in place used them up.
    TRY(write(offset, zeros_));
    offset += piece;
    length -= piece;
  }
  return {};
}

Result<void> DiskSession::trim(std::uint64_t offset, std::uint64_t length) {
  TRY(check_range(offset, length));
  if (encrypt_ || length == 0) return {};
  return disk_.file_->punch(offset, length);
}

Result<void> DiskSession::flush() {
  disk_.counters_.flushes.fetch_add(1, std::memory_order_relaxed);
  if (disk_.has_lost_writes_) {
    return Error{ErrorCode::kUnavailable,
                 "a flush of the disk failed before, so what was written may be lost: power the VM "
                 "off and on again, and let its guest check its file systems"};
  }
  const Result<void> synced = disk_.file_->sync();
  if (!synced.ok()) disk_.has_lost_writes_ = true;
  return synced;
}

Result<Descriptor> create_disk(DiskFolder& folder, const NewDisk& disk,
                               const std::optional<DiskKey>& key) {
  Descriptor descriptor = TRY(new_descriptor(folder, disk));
  std::optional<SecretBytes> dek;
  if (key) {
    dek = key->dek.clone();
    descriptor.encryption =
        DiskEncryption{.key_safe = key->key_safe,
                       .key_id = key->key_id,
                       .dek_fingerprint = dek_fingerprint_text(key->dek, disk.uuid)};
  }
  auto file = TRY(folder.create(descriptor.flat, disk.size_bytes));
  const auto engine = TRY(DiskEngine::over(std::move(file), descriptor, std::move(dek)));
  DiskSession session = engine->session();
  if (key) TRY(session.write_zeroes(0, disk.size_bytes));
  TRY(session.flush());
  TRY(write_descriptor_beside(folder, disk.name, descriptor));
  TRY(commit_descriptor(folder, disk.name));
  return descriptor;
}

Result<Descriptor> adopt_flat(DiskFolder& folder, const NewDisk& disk) {
  Descriptor descriptor = TRY(new_descriptor(folder, disk));
  auto file = TRY(folder.open(descriptor.flat));
  const auto engine = TRY(DiskEngine::over(std::move(file), descriptor, std::nullopt));
  TRY(engine->session().flush());
  TRY(write_descriptor_beside(folder, disk.name, descriptor));
  TRY(commit_descriptor(folder, disk.name));
  return descriptor;
}

std::string dek_fingerprint_text(const SecretBytes& dek, std::string_view uuid) {
  return to_hex(crypto::dek_fingerprint(dek, as_bytes(uuid)));
}

}  // namespace keytrail::disk
