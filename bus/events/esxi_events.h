// What a host states: its mode, the keys it holds, and what it did to its VMs' disks.
//
// Streams are esxi/HOST/{boot,mode} and esxi/HOST/{vm,disk,action}/ID; a host writes only its own.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "bus/events/ids.h"
#include "bus/events/vcenter_events.h"

namespace keytrail::esxi {

using vcenter::HostMode;
using vcenter::PowerState;
using vcenter::RecryptDepth;
using vcenter::Refusal;

// Why a host no longer has a key.
enum class ErasureReason : std::uint8_t { kOrdered, kModeLeft, kNoLongerNeeded };

// Which of vCenter's orders an answer is about.
enum class OrderKind : std::uint8_t {
  kCreate, kEncrypt, kDecrypt, kRecrypt, kPowerOn, kPowerOff, kMode
};

// Stream esxi/HOST/boot. Begins with an empty key cache: ends each possession of the boot before.
struct HostStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string boot;    // random, per process start
  Hash boot_key{};     // X25519 public key to which pushed keys are sealed
  bool operator==(const HostStarted&) const = default;
};
// Stream esxi/HOST/mode: only this fact is the host's mode.
struct HostModeChanged {
  static constexpr Effect kEffect = Effect::kChange;
  HostMode mode = HostMode::kIncapable;
  KeyId key;  // the host key
  bool operator==(const HostModeChanged&) const = default;
};
// Stream esxi/HOST/boot. Possession begins; without this fact the host does not use the key.
struct KeyReceived {
  static constexpr Effect kEffect = Effect::kChange;
  std::string boot;
  KeyId key;
  bool operator==(const KeyReceived&) const = default;
};
struct KeyErased {
  static constexpr Effect kEffect = Effect::kChange;
  std::string boot;
  KeyId key;
  ErasureReason reason = ErasureReason::kOrdered;
  bool operator==(const KeyErased&) const = default;
};

// --- orders: stream esxi/HOST/action/ACTION ------------------------------------------------------
// Started is the claim: guarded by the order's stream and by the boot, so it excludes OrderExpired.

struct VmCreationStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Position order = 0;
  bool operator==(const VmCreationStarted&) const = default;
};
struct EncryptionStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Position order = 0;
  bool operator==(const EncryptionStarted&) const = default;
};
struct DecryptionStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Position order = 0;
  bool operator==(const DecryptionStarted&) const = default;
};
struct RecryptStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Position order = 0;
  bool operator==(const RecryptStarted&) const = default;
};
// The claim of a power order; GuestStarted or GuestStopped follows.
struct PowerChangeStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  Position order = 0;
  PowerState power = PowerState::kOff;
  bool operator==(const PowerChangeStarted&) const = default;
};
// The host could not, or would not: what it had begun is undone.
struct OrderRefused {
  static constexpr Effect kEffect = Effect::kChange;
  OrderKind kind = OrderKind::kEncrypt;
  std::string vm;
  Position order = 0;
  Refusal reason = Refusal::kInvalid;
  std::string detail;
  bool operator==(const OrderRefused&) const = default;
};

// --- disks: stream esxi/HOST/disk/DISK -----------------------------------------------------------

struct DiskState {
  std::string disk;  // UUID
  std::string file;  // of the flat extent, in the VM's folder
  std::uint64_t bytes = 0;
  std::uint32_t sector_bytes = 0;
  std::uint64_t generation = 0;
  bool operator==(const DiskState&) const = default;
};
struct DiskCreated {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  DiskState disk;
  std::string cipher;        // empty: plain
  KeyId key;                 // that wraps the DEK
  Bytes dek_fingerprint;     // 16 bytes
  bool operator==(const DiskCreated&) const = default;
};
struct DiskEncrypted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  DiskState disk;
  std::string cipher;  // "XTS-AES-256"
  KeyId key;
  Bytes dek_fingerprint;
  bool operator==(const DiskEncrypted&) const = default;
};
struct DiskDecrypted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  DiskState disk;
  bool operator==(const DiskDecrypted&) const = default;
};
struct DiskRecrypted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  DiskState disk;
  RecryptDepth depth = RecryptDepth::kShallow;
  KeyId old_key;
  KeyId new_key;
  Bytes dek_fingerprint;
  bool operator==(const DiskRecrypted&) const = default;
};
// A periodic summary: no guest I/O is a fact.
struct DiskUsage {
  static constexpr Effect kEffect = Effect::kNote;
  std::string vm;
  std::string disk;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  bool operator==(const DiskUsage&) const = default;
};

// --- guests: stream esxi/HOST/vm/VM --------------------------------------------------------------

struct GuestStarted {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  std::string boot;
  bool operator==(const GuestStarted&) const = default;
};
enum class StopReason : std::uint8_t { kGuestPoweredOff, kOrdered, kGuestFailed, kHostRestarted };
struct GuestStopped {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  StopReason reason = StopReason::kGuestPoweredOff;
  std::string detail;
  bool operator==(const GuestStopped&) const = default;
};
// The key of the VM is not in the cache: its disk cannot be opened.
struct VmLocked {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  KeyId key;
  bool operator==(const VmLocked&) const = default;
};
struct VmUnlocked {
  static constexpr Effect kEffect = Effect::kChange;
  std::string vm;
  KeyId key;
  bool operator==(const VmUnlocked&) const = default;
};

using Event =
    std::variant<HostStarted, HostModeChanged, KeyReceived, KeyErased, VmCreationStarted,
                 EncryptionStarted, DecryptionStarted, RecryptStarted, PowerChangeStarted,
                 OrderRefused, DiskCreated, DiskEncrypted, DiskDecrypted, DiskRecrypted, DiskUsage,
                 GuestStarted, GuestStopped, VmLocked, VmUnlocked>;

}  // namespace keytrail::esxi
