#include "bus/events/match.h"
#include "bus/events/words.h"
#include "replay/audit/texts.h"

namespace keytrail::replay {
namespace {

using namespace esxi;

std::string_view erasure(ErasureReason reason) {
  switch (reason) {
    case ErasureReason::kOrdered:
      return "ordered";
    case ErasureReason::kModeLeft:
      return "the host is no longer safe";
    case ErasureReason::kNoLongerNeeded:
      return "no longer needed";
  }
  return "";
}

std::string_view order(OrderKind kind) {
  switch (kind) {
    case OrderKind::kCreate:
      return "Create VM";
    case OrderKind::kEncrypt:
      return "Encrypt VM";
    case OrderKind::kDecrypt:
      return "Decrypt VM";
    case OrderKind::kRecrypt:
      return "Recrypt VM";
    case OrderKind::kPowerOn:
      return "Power on VM";
    case OrderKind::kPowerOff:
      return "Power off VM";
    case OrderKind::kMode:
      return "Host mode";
  }
  return "";
}

std::string stop(const GuestStopped& e) {
  std::string_view why;
  switch (e.reason) {
    case StopReason::kGuestPoweredOff:
      why = "powered off by the guest";
      break;
    case StopReason::kOrdered:
      why = "ordered";
      break;
    case StopReason::kGuestFailed:
      why = "the guest failed";
      break;
    case StopReason::kHostRestarted:
      why = "the host restarted";
      break;
  }
  return say({why, e.detail.empty() ? "" : ": ", e.detail});
}

std::string claim(Position order_position) { return "order " + std::to_string(order_position); }

std::string disk(const DiskState& state) {
  return say({std::to_string(state.bytes), " bytes in ", state.file, ", generation ",
              std::to_string(state.generation)});
}

std::string cipher(const std::string& name, const Bytes& fingerprint) {
  if (name.empty()) return "plain, ";
  return say({name, ", DEK fingerprint ", to_hex(fingerprint), ", "});
}

}  // namespace

EventText text_of(const esxi::Event& event) {
  return match(
      event,
      [](const HostStarted& e) {
        return EventText{"Host started", say({"boot ", e.boot, ", with no key in memory"})};
      },
      [](const HostModeChanged& e) {
        return EventText{"Host mode", say({"now ", word_of(e.mode)})};
      },
      [](const KeyReceived& e) {
        return EventText{"Key received", "boot " + e.boot};
      },
      [](const KeyErased& e) {
        return EventText{"Key erased", std::string(erasure(e.reason))};
      },
      [](const VmCreationStarted& e) {
        return EventText{"Create VM: begun", claim(e.order)};
      },
      [](const EncryptionStarted& e) {
        return EventText{"Encrypt VM: begun", claim(e.order)};
      },
      [](const DecryptionStarted& e) {
        return EventText{"Decrypt VM: begun", claim(e.order)};
      },
      [](const RecryptStarted& e) {
        return EventText{"Recrypt VM: begun", claim(e.order)};
      },
      [](const PowerChangeStarted& e) {
        return EventText{say({"Power ", word_of(e.power), " VM: begun"}), claim(e.order)};
      },
      [](const OrderRefused& e) {
        return EventText{say({order(e.kind), ": refused by the host"}),
                         say({word_of(e.reason), e.detail.empty() ? "" : ": ", e.detail})};
      },
      [](const DiskCreated& e) {
        return EventText{"Disk created", cipher(e.cipher, e.dek_fingerprint) + disk(e.disk)};
      },
      [](const DiskEncrypted& e) {
        return EventText{"Disk encrypted", cipher(e.cipher, e.dek_fingerprint) + disk(e.disk)};
      },
      [](const DiskDecrypted& e) {
        return EventText{"Disk decrypted", disk(e.disk)};
      },
      [](const DiskRecrypted& e) {
        return EventText{"Disk recrypted", say({word_of(e.depth), ", from key ", e.old_key.id,
                                                ", DEK fingerprint ", to_hex(e.dek_fingerprint)})};
      },
      [](const DiskUsage& e) {
        return EventText{"Disk usage", say({std::to_string(e.read_bytes), " bytes read, ",
                                            std::to_string(e.written_bytes), " written"})};
      },
      [](const GuestStarted& e) {
        return EventText{"Guest started", "boot " + e.boot};
      },
      [](const GuestStopped& e) {
        return EventText{"Guest stopped", stop(e)};
      },
      [](const VmLocked&) {
        return EventText{"VM locked", "its key is not in the host's memory"};
      },
      [](const VmUnlocked&) {
        return EventText{"VM unlocked", ""};
      });
}

}  // namespace keytrail::replay
