#include "esxi/service/disk_work.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <utility>

#include "esxi/disk/disk_files.h"
#include "esxi/disk/os_disk_folder.h"
#include "esxi/service/vmx.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::esxi {
namespace {

Result<disk::Descriptor> read_descriptor(disk::DiskFolder& folder, const std::string& name) {
  return disk::parse_descriptor(TRY(folder.read_text(name + ".vmdk", disk::kDescriptorBytesMax)));
}

Result<DiskOutcome> outcome_of(const disk::Descriptor& descriptor) {
  DiskOutcome outcome;
  outcome.disk = DiskState{.disk = descriptor.uuid,
                           .file = descriptor.flat,
                           .bytes = descriptor.size_bytes,
                           .sector_bytes = descriptor.sector_bytes,
                           .generation = descriptor.generation};
  if (descriptor.encryption.has_value()) {
    outcome.dek_fingerprint = TRY(from_hex(descriptor.encryption->dek_fingerprint));
  }
  return outcome;
}

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

const SecretBytes* have(const std::optional<SecretBytes>& key) {
  return key.has_value() ? &*key : nullptr;
}

Error key_is_missing(const std::string& vm) {
  return {ErrorCode::kRefused,
          "the disk of " + vm + " is encrypted and a required key was not found on this host"};
}

}  // namespace

DiskWork::DiskWork(std::string datastore, Random& random)
    : datastore_(std::move(datastore)), random_(random) {}

std::string DiskWork::folder_path(const std::string& vm) const { return datastore_ + "/" + vm; }

Result<DiskOutcome> DiskWork::perform(const Order& order, const Vm& vm, OrderKeys keys) {
  if (!disk::is_plain_file_name(order.vm)) {
    return Error{ErrorCode::kInvalid, "'" + order.vm + "' cannot be a folder of a datastore"};
  }
  if (order.kind == OrderKind::kCreate) {
    if (mkdir(folder_path(order.vm).c_str(), 0700) != 0 && errno != EEXIST) {
      return Error{ErrorCode::kUnavailable, "cannot make the folder " + folder_path(order.vm) +
                                                ": is the datastore mounted and writable?"};
    }
  }
  std::unique_ptr<disk::DiskFolder> folder =
      TRY(disk::OsDiskFolder::open_folder(folder_path(order.vm)));
  Desk& desk = desk_of(order.vm);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, order.vm);
  if (order.kind == OrderKind::kCreate) {
    return create(*folder, order, std::move(keys), desk.committed);
  }
  const disk::ActionFound found = TRY(disk::recover(*folder, order.vm, to_string(order.action)));
  if (found == disk::ActionFound::kCommitted)
    return outcome_of(TRY(read_descriptor(*folder, order.vm)));

  std::unique_ptr<disk::DiskEngine> source = TRY(open_at(order.vm, vm, keys.old_key));
  if (order.kind == OrderKind::kRecrypt && order.depth == RecryptDepth::kShallow) {
    return rewrap(std::move(folder), order, std::move(source), std::move(keys), desk.committed);
  }
  return convert(std::move(folder), order, std::move(source), std::move(keys), desk.committed);
}

Result<DiskOutcome> DiskWork::create(disk::DiskFolder& folder, const Order& order, OrderKeys keys,
                                     Committed& committed) {
  const vcenter::VmCreationRequested& wanted = order.creation;
  const disk::NewDisk fresh{.name = order.vm,
                            .size_bytes = wanted.disk_bytes,
                            .sector_bytes = wanted.sector_bytes,
                            .uuid = to_string(order.action)};
  if (const Result<disk::Descriptor> there = read_descriptor(folder, order.vm); there.ok()) {
    if (there->uuid != fresh.uuid) {
      return Error{ErrorCode::kConflict,
                   "the folder of " + order.vm + " already holds another disk"};
    }
  } else if (!wanted.import.empty()) {
    if (!disk::is_plain_file_name(wanted.import)) {
      return Error{ErrorCode::kInvalid, "'" + wanted.import + "' is not a file of the VM's folder"};
    }
    const std::string flat = disk::flat_name(order.vm, 1);
    // After a crash between rename and descriptor the import already has its name.
    if (const Result<void> moved = folder.rename(wanted.import, flat);
        !moved.ok() && moved.error().code != ErrorCode::kNotFound) {
      return moved.error();
    }
    TRY(disk::adopt_flat(folder, fresh));
  } else if (order.key.is_none()) {
    TRY(disk::create_disk(folder, fresh, std::nullopt));
  } else {
    if (!keys.key.has_value()) return key_is_missing(order.vm);
    TRY(disk::create_disk(folder, fresh, new_disk_key(order.key, *keys.key)));
  }
  TRY(folder.write_text(order.vm + ".vmx", format_vmx(order.vm, wanted.guest)));
  TRY(folder.sync());

  const disk::Descriptor descriptor = TRY(read_descriptor(folder, order.vm));
  const bool is_owed = !order.key.is_none() && !descriptor.encryption.has_value();
  if (!is_owed) return outcome_of(descriptor);
  // An import that shall be encrypted: plain first, then converted like any disk.
  TRY(disk::recover(folder, order.vm, to_string(order.action)));
  std::unique_ptr<disk::DiskFolder> own =
      TRY(disk::OsDiskFolder::open_folder(folder_path(order.vm)));
  std::unique_ptr<disk::DiskEngine> source =
      TRY(disk::DiskEngine::open(*own, order.vm, std::nullopt));
  return convert(std::move(own), order, std::move(source), std::move(keys), committed);
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
  TRY(conversion->prepare());
  const disk::Descriptor descriptor = TRY(conversion->commit());
  committed = {std::move(folder), std::move(conversion), nullptr};
  return outcome_of(descriptor);
}

Result<DiskOutcome> DiskWork::rewrap(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                                     std::unique_ptr<disk::DiskEngine> engine, OrderKeys keys,
                                     Committed& committed) {
  const SecretBytes* new_kek = have(keys.key);
  const SecretBytes* old_kek = have(keys.old_key);
  if (new_kek == nullptr || old_kek == nullptr) return key_is_missing(order.vm);
  const disk::DiskEncryption& encryption = *engine->descriptor().encryption;
  const SecretBytes dek = TRY(unlock(encryption, order.old_key, *old_kek));
  crypto::KeySafe safe = TRY(crypto::parse_key_safe(encryption.key_safe));
  safe.insert(safe.begin(), locked_pair(order.key, *new_kek, dek, random_));
  const disk::Descriptor descriptor =
      TRY(disk::begin_rewrap(*folder, order.vm, *engine, crypto::format_key_safe(safe),
                             order.key.id, to_string(order.action)));
  committed = {std::move(folder), nullptr, std::move(engine)};
  return outcome_of(descriptor);
}

void DiskWork::retire(const std::string& vm) {
  Desk& desk = desk_of(vm);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, vm);
}

void DiskWork::retire_at(Desk& desk, const std::string& vm) {
  const Committed committed = std::exchange(desk.committed, {});
  // Best effort, as overwriting always is; what is left is tried again at the next start or
  // opening.
  if (committed.conversion != nullptr) {
    (void)committed.conversion->retire();
  } else if (committed.engine != nullptr) {
    (void)disk::end_rewrap(*committed.folder, vm, *committed.engine);
  } else if (auto folder = disk::OsDiskFolder::open_folder(folder_path(vm)); folder.ok()) {
    (void)disk::retire_leftovers(**folder, vm);
  }
}

Result<std::unique_ptr<disk::DiskEngine>> DiskWork::open(const std::string& name, const Vm& vm,
                                                         const std::optional<SecretBytes>& kek) {
  Desk& desk = desk_of(name);
  const std::lock_guard lock(desk.mutex);
  retire_at(desk, name);
  return open_at(name, vm, kek);
}

Result<std::unique_ptr<disk::DiskEngine>> DiskWork::open_at(const std::string& name, const Vm& vm,
                                                            const std::optional<SecretBytes>& kek) {
  const std::unique_ptr<disk::DiskFolder> folder =
      TRY(disk::OsDiskFolder::open_folder(folder_path(name)));
  std::optional<SecretBytes> dek;
  if (!vm.key.is_none()) {
    if (!kek.has_value()) return key_is_missing(name);
    const disk::Descriptor descriptor = TRY(read_descriptor(*folder, name));
    if (!descriptor.encryption.has_value() ||
        descriptor.encryption->dek_fingerprint != to_hex(vm.dek_fingerprint)) {
      return Error{ErrorCode::kCorrupt,
                   "the descriptor of " + name +
                       " does not carry the key that the log says its disk was encrypted with; "
                       "restore the descriptor from a backup"};
    }
    dek = TRY(unlock(*descriptor.encryption, vm.key, *kek));
  }
  std::unique_ptr<disk::DiskEngine> engine =
      TRY(disk::DiskEngine::open(*folder, name, std::move(dek)));
  // The second half of a shallow recrypt that a crash interrupted, once its outcome stands on the
  // log.
  if (engine->encrypted() && engine->descriptor().encryption->key_id == vm.key.id) {
    TRY(disk::end_rewrap(*folder, name, *engine));
  }
  return engine;
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
