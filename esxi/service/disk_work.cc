#include "esxi/service/disk_work.h"

#include <array>
#include <utility>

#include "esxi/disk/disk_files.h"
#include "esxi/service/disk_look.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::esxi {
namespace {

// The DEK that `key` locks in the descriptor's key safe.
Result<SecretBytes> unlock(const disk::DiskEncryption& encryption, const KeyId& key,
                           const SecretBytes& kek) {
  const crypto::KekName wanted{key.provider, key.id};
  for (const crypto::KeyPair& pair : TRY(crypto::parse_key_safe(encryption.key_safe))) {
    if (pair.locker == wanted) return crypto::unlock_dek(kek, pair.locked);
  }
  return Error{ErrorCode::kCorrupt, "the disk's descriptor has no wrapping by key " + key.id +
                                        " of provider " + key.provider +
                                        ", which the log says it is encrypted with"};
}

crypto::KeyPair locked_pair(const KeyId& key, const SecretBytes& kek, const SecretBytes& dek,
                            Random& random) {
  std::array<std::uint8_t, 16> iv{};
  random.fill(iv);
  return {{key.provider, key.id}, crypto::lock_dek(kek, dek, iv)};
}

Error key_is_missing(const std::string& vm) {
  return {ErrorCode::kRefused,
          "the disk of " + vm + " is encrypted and a required key was not found on this host"};
}

// What stands on the storage cannot be told now.
Error unsettled(Error error) { return {ErrorCode::kUnavailable, std::move(error.detail)}; }

// Nothing of the order stands on the storage, whatever went wrong with it.
Error settled(Error error) {
  if (error.code == ErrorCode::kUnavailable) error.code = ErrorCode::kRefused;
  return error;
}

}  // namespace

DiskWork::DiskWork(disk::Datastore& datastore, Random& random)
    : datastore_(datastore), random_(random) {}

Result<DiskOutcome> DiskWork::perform(const Order& order, const Vm& vm, OrderKeys keys) {
  if (!disk::is_plain_file_name(order.vm)) {
    return Error{ErrorCode::kInvalid, "'" + order.vm + "' cannot be a folder of a datastore"};
  }
  Desk& desk = desk_of(order.vm);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, order.vm, vm);
  const bool creates = order.kind == OrderKind::kCreate;
  const Result<std::unique_ptr<disk::DiskFolder>> folder =
      creates ? datastore_.make_folder(order.vm) : datastore_.open_folder(order.vm);
  if (!folder.ok()) return unsettled(folder.error());
  Result<Found> found = look(**folder, order, vm);
  if (!found.ok()) return unsettled(found.error());
  if (found->has_value()) return **found;

  Result<DiskOutcome> outcome = attempt(order, vm, std::move(keys), desk.committed);
  if (outcome.ok()) return outcome;
  if (stop_.stop_requested()) return unsettled(outcome.error());
  // Before the commit or after it? Only the storage knows.
  found = look(**folder, order, vm);
  if (!found.ok()) return unsettled(found.error());
  if (found->has_value()) return **found;
  if (creates) {
    if (const Result<void> undone = unmake(**folder, order); !undone.ok()) {
      return unsettled(undone.error());
    }
  } else if (outcome.error().code == ErrorCode::kConflict) {
    // Whoever has the disk open may be this host's former process, still at this very order.
    return unsettled(outcome.error());
  }
  return settled(outcome.error());
}

// Locks are gone when this returns without an outcome.
Result<DiskOutcome> DiskWork::attempt(const Order& order, const Vm& vm, OrderKeys keys,
                                      Committed& committed) {
  std::unique_ptr<disk::DiskFolder> folder = TRY(datastore_.open_folder(order.vm));
  if (order.kind == OrderKind::kCreate) {
    return create(std::move(folder), order, std::move(keys), committed);
  }
  std::unique_ptr<disk::DiskEngine> source = TRY(open_at(*folder, order.vm, vm, keys.old_key));
  if (order.kind == OrderKind::kRecrypt && order.depth == RecryptDepth::kShallow) {
    return rewrap(std::move(folder), order, std::move(source), std::move(keys), committed);
  }
  return convert(std::move(folder), order, std::move(source), std::move(keys), committed);
}

Result<DiskOutcome> DiskWork::create(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                                     OrderKeys keys, Committed& committed) {
  TRY(claim_folder(*folder, order));
  if (const Result<disk::Descriptor> there = disk::read_descriptor(*folder, order.vm);
      !there.ok()) {
    if (there.error().code != ErrorCode::kNotFound) return there.error();
    TRY(create_plain_or_encrypted(*folder, order, keys));
  }
  const disk::Descriptor descriptor = TRY(disk::read_descriptor(*folder, order.vm));
  const bool is_owed = !order.key.is_none() && !descriptor.encryption.has_value();
  if (!is_owed) return outcome_of(descriptor);
  // An import that shall be encrypted: plain first, then converted like any disk.
  TRY(disk::recover(*folder, order.vm, to_string(order.action)));
  std::unique_ptr<disk::DiskEngine> source =
      TRY(disk::DiskEngine::open(*folder, order.vm, std::nullopt));
  return convert(std::move(folder), order, std::move(source), std::move(keys), committed);
}

Result<void> DiskWork::create_plain_or_encrypted(disk::DiskFolder& folder, const Order& order,
                                                 const OrderKeys& keys) {
  const vcenter::VmCreationRequested& wanted = order.creation;
  const disk::NewDisk fresh{.name = order.vm,
                            .size_bytes = wanted.disk_bytes,
                            .sector_bytes = wanted.sector_bytes,
                            .uuid = to_string(order.action)};
  if (wanted.import.empty()) {
    std::optional<disk::DiskKey> key;
    if (!order.key.is_none()) {
      if (!keys.key.has_value()) return key_is_missing(order.vm);
      key = new_disk_key(order.key, *keys.key);
    }
    TRY(disk::create_disk(folder, fresh, key));
    return {};
  }
  if (!disk::is_plain_file_name(wanted.import)) {
    return Error{ErrorCode::kInvalid, "'" + wanted.import + "' is not a file of the VM's folder"};
  }
  // After a crash between rename and descriptor the import already has its name.
  if (const Result<void> moved = folder.rename(wanted.import, disk::flat_name(order.vm, 1));
      !moved.ok() && moved.error().code != ErrorCode::kNotFound) {
    return moved.error();
  }
  TRY(disk::adopt_flat(folder, fresh));
  return {};
}

Result<DiskOutcome> DiskWork::convert(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                                      std::unique_ptr<disk::DiskEngine> source, OrderKeys keys,
                                      Committed& committed) {
  std::optional<disk::DiskKey> target;
  if (!order.key.is_none()) {
    if (!keys.key.has_value()) return key_is_missing(order.vm);
    target = new_disk_key(order.key, *keys.key);
  }
  auto conversion = std::make_unique<disk::Conversion>(*folder, order.vm, to_string(order.action),
                                                       std::move(source), std::move(target));
  TRY(conversion->prepare(stop_.get_token()));
  const disk::Descriptor descriptor = TRY(conversion->commit());
  committed = {std::move(folder), std::move(conversion), nullptr};
  return outcome_of(descriptor);
}

Result<DiskOutcome> DiskWork::rewrap(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                                     std::unique_ptr<disk::DiskEngine> source, OrderKeys keys,
                                     Committed& committed) {
  if (!keys.key.has_value() || !keys.old_key.has_value()) return key_is_missing(order.vm);
  const disk::DiskEncryption& encryption = *source->descriptor().encryption;
  const SecretBytes dek = TRY(unlock(encryption, order.old_key, *keys.old_key));
  crypto::KeySafe safe = TRY(crypto::parse_key_safe(encryption.key_safe));
  safe.insert(safe.begin(), locked_pair(order.key, *keys.key, dek, random_));
  const disk::Descriptor descriptor =
      TRY(disk::begin_rewrap(*folder, order.vm, *source, crypto::format_key_safe(safe),
                             order.key.id, to_string(order.action)));
  committed = {std::move(folder), nullptr, std::move(source)};
  return outcome_of(descriptor);
}

void DiskWork::retire(const std::string& name, const Vm& vm) {
  Desk& desk = desk_of(name);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, name, vm);
}

void DiskWork::retire_at(Desk& desk, const std::string& name, const Vm& vm) {
  const auto folder = datastore_.open_folder(name);
  if (!folder.ok()) return;
  const Result<disk::Descriptor> descriptor = disk::read_descriptor(**folder, name);
  if (!descriptor.ok() || !check_told(*descriptor, name, vm).ok()) return;
  const Committed committed = std::exchange(desk.committed, {});
  if (committed.conversion != nullptr) {
    (void)committed.conversion->retire();
  } else if (committed.engine != nullptr) {
    (void)disk::end_rewrap(*committed.folder, name, *committed.engine);
  } else {
    (void)disk::retire_leftovers(**folder, name);
    (void)disk::retire_wrappings(**folder, name);
  }
}

Result<std::unique_ptr<disk::DiskEngine>> DiskWork::open(const std::string& name, const Vm& vm,
                                                         const std::optional<SecretBytes>& kek) {
  Desk& desk = desk_of(name);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, name, vm);
  const std::unique_ptr<disk::DiskFolder> folder = TRY(datastore_.open_folder(name));
  return open_at(*folder, name, vm, kek);
}

Result<std::unique_ptr<disk::DiskEngine>> DiskWork::open_at(disk::DiskFolder& folder,
                                                            const std::string& name, const Vm& vm,
                                                            const std::optional<SecretBytes>& kek) {
  if (!vm.key.is_none() && !kek.has_value()) return key_is_missing(name);
  const disk::Descriptor descriptor = TRY(disk::read_descriptor(folder, name));
  TRY(check_told(descriptor, name, vm));
  std::optional<SecretBytes> dek;
  if (!vm.key.is_none()) dek = TRY(unlock(*descriptor.encryption, vm.key, *kek));
  std::unique_ptr<disk::DiskEngine> engine =
      TRY(disk::DiskEngine::open(folder, name, std::move(dek)));
  if (engine->descriptor() != descriptor) {
    return Error{ErrorCode::kConflict, "the disk of " + name + " was replaced while it was opened"};
  }
  return engine;
}

Result<vcenter::GuestBoot> DiskWork::guest_of(const std::string& name) {
  const std::unique_ptr<disk::DiskFolder> folder = TRY(datastore_.open_folder(name));
  return TRY(read_vmx(*folder, name)).guest;
}

disk::DiskKey DiskWork::new_disk_key(const KeyId& key, const SecretBytes& kek) {
  SecretBytes dek = random_.secret(crypto::kDekBytes);
  std::string safe = crypto::format_key_safe({locked_pair(key, kek, dek, random_)});
  return {std::move(dek), std::move(safe), key.id};
}

DiskWork::Desk& DiskWork::desk_of(const std::string& vm) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Desk>& desk = desks_[vm];
  if (desk == nullptr) desk = std::make_unique<Desk>();
  return *desk;
}

}  // namespace keytrail::esxi
