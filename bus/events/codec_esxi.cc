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
    EVENT_ARM(HOST_STARTED, HostStarted);
    EVENT_ARM(HOST_MODE_CHANGED, HostModeChanged);
    EVENT_ARM(KEY_RECEIVED, KeyReceived);
    EVENT_ARM(KEY_ERASED, KeyErased);
    EVENT_ARM(VM_CREATION_STARTED, VmCreationStarted);
    EVENT_ARM(ENCRYPTION_STARTED, EncryptionStarted);
    EVENT_ARM(DECRYPTION_STARTED, DecryptionStarted);
    EVENT_ARM(RECRYPT_STARTED, RecryptStarted);
    EVENT_ARM(POWER_CHANGE_STARTED, PowerChangeStarted);
    EVENT_ARM(ORDER_REFUSED, OrderRefused);
    EVENT_ARM(DISK_CREATED, DiskCreated);
    EVENT_ARM(DISK_ENCRYPTED, DiskEncrypted);
    EVENT_ARM(DISK_DECRYPTED, DiskDecrypted);
    EVENT_ARM(DISK_RECRYPTED, DiskRecrypted);
    EVENT_ARM(DISK_USAGE, DiskUsage);
    EVENT_ARM(GUEST_STARTED, GuestStarted);
    EVENT_ARM(GUEST_STOPPED, GuestStopped);
    EVENT_ARM(VM_LOCKED, VmLocked);
    EVENT_ARM(VM_UNLOCKED, VmUnlocked);
  }
  problem.report(ErrorCode::kNotFound, "an event of esxi that this program does not know");
  return std::nullopt;
}

}  // namespace keytrail::esxi
