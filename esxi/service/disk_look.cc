#include "esxi/service/disk_look.h"

#include <algorithm>

#include "esxi/disk/conversion.h"
#include "esxi/disk/disk_files.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::esxi {
namespace {

std::string vmx_name(const std::string& vm) { return vm + ".vmx"; }
std::string vmx_beside(const std::string& vm) { return vm + ".vmx.new"; }

// A creation is done when its disk is there as it was ordered: an import is plain before it is
// encrypted.
bool is_created(const disk::Descriptor& descriptor, const Order& order) {
  return descriptor.uuid == to_string(order.action) &&
         (order.key.is_none() || descriptor.encryption.has_value());
}

// The key that wraps the DEK first: the one that a recrypt has put in front.
KeyId first_key_of(const disk::Descriptor& descriptor) {
  if (!descriptor.encryption.has_value()) return {};
  const Result<crypto::KeySafe> safe = crypto::parse_key_safe(descriptor.encryption->key_safe);
  if (!safe.ok() || safe->empty()) return {};
  return {safe->front().locker.provider, safe->front().locker.key};
}

std::string fingerprint_of(const disk::Descriptor& descriptor) {
  return descriptor.encryption.has_value() ? descriptor.encryption->dek_fingerprint : "";
}

Result<Found> look_for_creation(disk::DiskFolder& folder, const Order& order) {
  const Result<disk::Descriptor> descriptor = disk::read_descriptor(folder, order.vm);
  if (descriptor.ok()) {
    if (!is_created(*descriptor, order)) return Found{};
    TRY(folder.sync());
    return Found{TRY(outcome_of(*descriptor))};
  }
  // Ours is renamed into place whole, so one that does not parse is another's.
  if (descriptor.error().code == ErrorCode::kUnavailable) return descriptor.error();
  return Found{};
}

}  // namespace

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

Result<Found> look(disk::DiskFolder& folder, const Order& order, const Vm& vm) {
  if (order.kind == OrderKind::kCreate) return look_for_creation(folder, order);
  const disk::Descriptor descriptor = TRY(disk::read_descriptor(folder, order.vm));
  const std::string action = to_string(order.action);
  if (descriptor.action != action && !check_told(descriptor, order.vm, vm).ok()) {
    return Found{};  // What lies beside is not this order's to judge.
  }
  if (TRY(disk::recover(folder, order.vm, action)) == disk::ActionFound::kNotCommitted) {
    return Found{};
  }
  return Found{TRY(outcome_of(descriptor))};
}

Result<void> check_told(const disk::Descriptor& descriptor, const std::string& name, const Vm& vm) {
  const bool agrees = descriptor.uuid == vm.disk.disk && descriptor.flat == vm.disk.file &&
                      descriptor.generation >= vm.disk.generation &&
                      fingerprint_of(descriptor) == to_hex(vm.dek_fingerprint) &&
                      first_key_of(descriptor) == vm.key;
  if (agrees) return {};
  return Error{ErrorCode::kCorrupt, "the descriptor of " + name +
                                        " is not the one that the log knows (" + vm.disk.file +
                                        ", generation " + std::to_string(vm.disk.generation) +
                                        "); restore the descriptor from a backup"};
}

Result<Vmx> read_vmx(disk::DiskFolder& folder, const std::string& vm) {
  return parse_vmx(TRY(folder.read_text(vmx_name(vm), kVmxBytesMax)));
}

Result<void> claim_folder(disk::DiskFolder& folder, const Order& order) {
  const Error taken{ErrorCode::kInvalid, "the folder of " + order.vm + " already holds another VM"};
  const Vmx wanted{
      .vm = order.vm, .action = to_string(order.action), .guest = order.creation.guest};
  if (const Result<Vmx> there = read_vmx(folder, order.vm); there.ok()) {
    if (there->action != wanted.action) return taken;
    return {};
  } else if (there.error().code != ErrorCode::kNotFound) {
    return there.error();
  }
  std::vector<std::string> disks = TRY(disk::leftovers(folder, order.vm, {}));
  std::erase(disks, order.creation.import);
  const Result<std::string> descriptor =
      folder.read_text(order.vm + ".vmdk", disk::kDescriptorBytesMax);
  if (descriptor.ok() || descriptor.error().code != ErrorCode::kNotFound || !disks.empty()) {
    return taken;
  }
  TRY(folder.write_text(vmx_beside(order.vm), format_vmx(wanted)));
  TRY(folder.rename(vmx_beside(order.vm), vmx_name(order.vm)));
  return folder.sync();
}

Result<void> unmake(disk::DiskFolder& folder, const Order& order) {
  TRY(folder.remove(vmx_beside(order.vm)));
  const Result<Vmx> vmx = read_vmx(folder, order.vm);
  if (!vmx.ok() && vmx.error().code == ErrorCode::kUnavailable) return vmx.error();
  if (!vmx.ok() || vmx->action != to_string(order.action)) return {};
  // The descriptor first, so that no disk is there without its data; the .vmx last, so that a crash
  // leaves the folder this creation's.
  TRY(folder.remove(order.vm + ".vmdk"));
  TRY(folder.sync());
  const std::vector<std::string> made = TRY(disk::leftovers(folder, order.vm, {}));
  TRY(disk::discard(folder, made));
  TRY(folder.remove(vmx_name(order.vm)));
  return folder.sync();
}

}  // namespace keytrail::esxi
