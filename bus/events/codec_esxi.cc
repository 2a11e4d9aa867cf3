#include "bus/events/codec_fields.h"
#include "bus/events/esxi_events.h"
#include "bus/events/event.capnp.h"
#include "bus/events/match.h"

namespace keytrail::esxi {

FIELDS(HostStarted) {
  FIELD(boot, Boot);
  FIELD(boot_key, BootKey);
}
FIELDS(HostModeChanged) {
  FIELD(mode, Mode);
  FIELD(key, Key);
}
FIELDS(KeyReceived) {
  FIELD(boot, Boot);
  FIELD(key, Key);
}
FIELDS(KeyErased) {
  FIELD(boot, Boot);
  FIELD(key, Key);
  FIELD(reason, Reason);
}
FIELDS(VmCreationStarted) {
  FIELD(vm, Vm);
  FIELD(order, Order);
}
FIELDS(EncryptionStarted) {
  FIELD(vm, Vm);
  FIELD(order, Order);
}
FIELDS(DecryptionStarted) {
  FIELD(vm, Vm);
  FIELD(order, Order);
}
FIELDS(RecryptStarted) {
  FIELD(vm, Vm);
  FIELD(order, Order);
}
FIELDS(PowerChangeStarted) {
  FIELD(vm, Vm);
  FIELD(order, Order);
  FIELD(power, Power);
}
FIELDS(OrderRefused) {
  FIELD(kind, Kind);
  FIELD(vm, Vm);
  FIELD(order, Order);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(DiskState) {
  FIELD(disk, Disk);
  FIELD(file, File);
  FIELD(bytes, Bytes);
  FIELD(sector_bytes, SectorBytes);
  FIELD(generation, Generation);
}
FIELDS(DiskCreated) {
  FIELD(vm, Vm);
  FIELD(disk, Disk);
  FIELD(cipher, Cipher);
  FIELD(key, Key);
  FIELD(dek_fingerprint, DekFingerprint);
}
FIELDS(DiskEncrypted) {
  FIELD(vm, Vm);
  FIELD(disk, Disk);
  FIELD(cipher, Cipher);
  FIELD(key, Key);
  FIELD(dek_fingerprint, DekFingerprint);
}
FIELDS(DiskDecrypted) {
  FIELD(vm, Vm);
  FIELD(disk, Disk);
}
FIELDS(DiskRecrypted) {
  FIELD(vm, Vm);
  FIELD(disk, Disk);
  FIELD(depth, Depth);
  FIELD(old_key, OldKey);
  FIELD(new_key, NewKey);
  FIELD(dek_fingerprint, DekFingerprint);
}
FIELDS(DiskUsage) {
  FIELD(vm, Vm);
  FIELD(disk, Disk);
  FIELD(read_bytes, ReadBytes);
  FIELD(written_bytes, WrittenBytes);
  FIELD(reads, Reads);
  FIELD(writes, Writes);
}
FIELDS(GuestStarted) {
  FIELD(vm, Vm);
  FIELD(boot, Boot);
}
FIELDS(GuestStopped) {
  FIELD(vm, Vm);
  FIELD(reason, Reason);
  FIELD(detail, Detail);
}
FIELDS(VmLocked) {
  FIELD(vm, Vm);
  FIELD(key, Key);
}
FIELDS(VmUnlocked) {
  FIELD(vm, Vm);
  FIELD(key, Key);
}

void write(const Event& event, encoded::Esxi::Builder to) {
  match(
      event, [&](const HostStarted& x) { codec::write(x, to.initHostStarted()); },
      [&](const HostModeChanged& x) { codec::write(x, to.initHostModeChanged()); },
      [&](const KeyReceived& x) { codec::write(x, to.initKeyReceived()); },
      [&](const KeyErased& x) { codec::write(x, to.initKeyErased()); },
      [&](const VmCreationStarted& x) { codec::write(x, to.initVmCreationStarted()); },
      [&](const EncryptionStarted& x) { codec::write(x, to.initEncryptionStarted()); },
      [&](const DecryptionStarted& x) { codec::write(x, to.initDecryptionStarted()); },
      [&](const RecryptStarted& x) { codec::write(x, to.initRecryptStarted()); },
      [&](const PowerChangeStarted& x) { codec::write(x, to.initPowerChangeStarted()); },
      [&](const OrderRefused& x) { codec::write(x, to.initOrderRefused()); },
      [&](const DiskCreated& x) { codec::write(x, to.initDiskCreated()); },
      [&](const DiskEncrypted& x) { codec::write(x, to.initDiskEncrypted()); },
      [&](const DiskDecrypted& x) { codec::write(x, to.initDiskDecrypted()); },
      [&](const DiskRecrypted& x) { codec::write(x, to.initDiskRecrypted()); },
      [&](const DiskUsage& x) { codec::write(x, to.initDiskUsage()); },
      [&](const GuestStarted& x) { codec::write(x, to.initGuestStarted()); },
      [&](const GuestStopped& x) { codec::write(x, to.initGuestStopped()); },
      [&](const VmLocked& x) { codec::write(x, to.initVmLocked()); },
      [&](const VmUnlocked& x) { codec::write(x, to.initVmUnlocked()); });
}

std::optional<Event> read(encoded::Esxi::Reader from, codec::Problem& problem) {
  using Arm = encoded::Esxi::Which;
  switch (from.which()) {
    case Arm::HOST_STARTED:
      return codec::read<HostStarted>(from.getHostStarted(), problem);
    case Arm::HOST_MODE_CHANGED:
      return codec::read<HostModeChanged>(from.getHostModeChanged(), problem);
    case Arm::KEY_RECEIVED:
      return codec::read<KeyReceived>(from.getKeyReceived(), problem);
    case Arm::KEY_ERASED:
      return codec::read<KeyErased>(from.getKeyErased(), problem);
    case Arm::VM_CREATION_STARTED:
      return codec::read<VmCreationStarted>(from.getVmCreationStarted(), problem);
    case Arm::ENCRYPTION_STARTED:
      return codec::read<EncryptionStarted>(from.getEncryptionStarted(), problem);
    case Arm::DECRYPTION_STARTED:
      return codec::read<DecryptionStarted>(from.getDecryptionStarted(), problem);
    case Arm::RECRYPT_STARTED:
      return codec::read<RecryptStarted>(from.getRecryptStarted(), problem);
    case Arm::POWER_CHANGE_STARTED:
      return codec::read<PowerChangeStarted>(from.getPowerChangeStarted(), problem);
    case Arm::ORDER_REFUSED:
      return codec::read<OrderRefused>(from.getOrderRefused(), problem);
    case Arm::DISK_CREATED:
      return codec::read<DiskCreated>(from.getDiskCreated(), problem);
    case Arm::DISK_ENCRYPTED:
      return codec::read<DiskEncrypted>(from.getDiskEncrypted(), problem);
    case Arm::DISK_DECRYPTED:
      return codec::read<DiskDecrypted>(from.getDiskDecrypted(), problem);
    case Arm::DISK_RECRYPTED:
      return codec::read<DiskRecrypted>(from.getDiskRecrypted(), problem);
    case Arm::DISK_USAGE:
      return codec::read<DiskUsage>(from.getDiskUsage(), problem);
    case Arm::GUEST_STARTED:
      return codec::read<GuestStarted>(from.getGuestStarted(), problem);
    case Arm::GUEST_STOPPED:
      return codec::read<GuestStopped>(from.getGuestStopped(), problem);
    case Arm::VM_LOCKED:
      return codec::read<VmLocked>(from.getVmLocked(), problem);
    case Arm::VM_UNLOCKED:
      return codec::read<VmUnlocked>(from.getVmUnlocked(), problem);
  }
  problem.report(ErrorCode::kNotFound, "an event of esxi that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::esxi
