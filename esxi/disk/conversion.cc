#include "esxi/disk/conversion.h"

#include <algorithm>

#include "esxi/disk/disk_files.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::disk {
namespace {

Result<Descriptor> replace_descriptor(DiskFolder& folder, std::string_view disk,
                                      Descriptor descriptor) {
  TRY(write_descriptor_beside(folder, disk, descriptor));
  TRY(commit_descriptor(folder, disk));
  return descriptor;
}

// `before` with its first wrapping alone.
Result<Descriptor> with_one_wrapping(const Descriptor& before) {
  Descriptor descriptor = before;
  DiskEncryption& encryption = *descriptor.encryption;
  auto safe = TRY(crypto::parse_key_safe(encryption.key_safe));
  if (safe.size() == 1) return descriptor;
  if (safe.front().locker.key != encryption.key_id) {
    return Error{ErrorCode::kCorrupt, "the disk's key safe does not begin with its own key"};
  }
  safe.resize(1);  // Not by key id: two key servers may give the same one.
  encryption.key_safe = crypto::format_key_safe(safe);
  descriptor.generation += 1;
  return descriptor;
}

}  // namespace

Conversion::Conversion(DiskFolder& folder, std::string disk, std::string action,
                       std::unique_ptr<DiskEngine> source, std::optional<DiskKey> key,
                       std::size_t segment_bytes)
    : folder_(folder),
      disk_(std::move(disk)),
      action_(std::move(action)),
      source_(std::move(source)),
      key_(std::move(key)),
      segment_bytes_(segment_bytes) {
  KEYTRAIL_CHECK(segment_bytes_ > 0 && segment_bytes_ % source_->sector_bytes() == 0);
}

Result<void> Conversion::prepare(const std::stop_token& stop) {
  target_.reset();  // A second try makes the files anew.
  prepared_ = false;
  Descriptor descriptor = source_->descriptor();
  descriptor.generation += 1;
  descriptor.flat = flat_name(disk_, descriptor.generation);
  descriptor.action = action_;
  descriptor.encryption.reset();
  std::optional<SecretBytes> dek;
  if (key_) {
    dek = key_->dek.clone();
    descriptor.encryption =
        DiskEncryption{.key_safe = key_->key_safe,
                       .key_id = key_->key_id,
                       .dek_fingerprint = dek_fingerprint_text(key_->dek, descriptor.uuid)};
  }
  auto file = TRY(folder_.create(descriptor.flat, descriptor.size_bytes));
  target_ = TRY(DiskEngine::over(std::move(file), descriptor, std::move(dek)));
  Bytes segment(segment_bytes_);
  const auto copied = copy(source_->session(), target_->session(), segment, stop);
  wipe(segment);  // The guest's data.
  TRY(copied);
  TRY(write_descriptor_beside(folder_, disk_, descriptor));
  prepared_ = true;
  return {};
}

Result<void> Conversion::copy(DiskSession from, DiskSession to, std::span<std::uint8_t> segment,
                              const std::stop_token& stop) {
  const std::uint64_t size = source_->size_bytes();
  for (std::uint64_t offset = 0; offset < size; offset += segment.size()) {
    if (stop.stop_requested()) {
      return Error{ErrorCode::kUnavailable, "the copy was stopped; it begins again"};
    }
    const auto piece = segment.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(segment.size(), size - offset)));
    TRY(from.read(offset, piece));
    TRY(to.write(offset, piece));
  }
  return to.flush();
}

Result<Descriptor> Conversion::commit() {
  KEYTRAIL_CHECK(prepared_);
  TRY(commit_descriptor(folder_, disk_));
  return target_->descriptor();
}

Result<std::unique_ptr<DiskEngine>> Conversion::retire() {
  KEYTRAIL_CHECK(target_ != nullptr);
  source_.reset();  // Its lock would keep us from overwriting it.
  TRY(retire_leftovers(folder_, disk_));
  return std::move(target_);
}

Result<ActionFound> recover(DiskFolder& folder, std::string_view disk, std::string_view action) {
  KEYTRAIL_CHECK(!action.empty());
  const Descriptor descriptor = TRY(read_descriptor(folder, disk));
  if (descriptor.action == action) {
    // Whoever renamed it may have died, or been told of a failure, before the name was durable.
    TRY(folder.sync());
    return ActionFound::kCommitted;
  }
  const auto beside = TRY(leftovers(folder, disk, descriptor));
  TRY(discard(folder, beside));
  return ActionFound::kNotCommitted;
}

Result<void> retire_leftovers(DiskFolder& folder, std::string_view disk) {
  const Descriptor descriptor = TRY(read_descriptor(folder, disk));
  const auto old = TRY(leftovers(folder, disk, descriptor));
  return discard(folder, old);
}

Result<Descriptor> begin_rewrap(DiskFolder& folder, std::string_view disk, DiskEngine& engine,
                                std::string key_safe, std::string key_id, std::string action) {
  Descriptor descriptor = engine.descriptor();
  KEYTRAIL_CHECK(descriptor.encryption.has_value());
  descriptor.generation += 1;
  descriptor.action = std::move(action);
  descriptor.encryption->key_safe = std::move(key_safe);
  descriptor.encryption->key_id = std::move(key_id);
  descriptor = TRY(replace_descriptor(folder, disk, std::move(descriptor)));
  engine.set_descriptor(descriptor);
  return descriptor;
}

Result<Descriptor> end_rewrap(DiskFolder& folder, std::string_view disk, DiskEngine& engine) {
  KEYTRAIL_CHECK(engine.encrypted());
  Descriptor descriptor = TRY(with_one_wrapping(engine.descriptor()));
  if (descriptor == engine.descriptor()) return descriptor;
  TRY(replace_descriptor(folder, disk, descriptor));
  engine.set_descriptor(descriptor);
  return descriptor;
}

Result<void> retire_wrappings(DiskFolder& folder, std::string_view disk) {
  const Descriptor seen = TRY(read_descriptor(folder, disk));
  if (!seen.encryption.has_value()) return {};
  Descriptor descriptor = TRY(with_one_wrapping(seen));
  if (descriptor == seen) return {};
  const auto locked = TRY(folder.open(seen.flat));
  if (TRY(read_descriptor(folder, disk)) != seen) {
    return Error{ErrorCode::kConflict, "the disk was replaced while its key safe was being cut"};
  }
  TRY(replace_descriptor(folder, disk, std::move(descriptor)));
  return {};
}

}  // namespace keytrail::disk
