#include "esxi/model/disks.h"

#include <cstdlib>

namespace keytrail::esxi {
namespace {

constexpr const char* kCipher = "XTS-AES-256";

esxi::Event told(const Order& order, const DiskOutcome& outcome) {
  switch (order.kind) {
    case OrderKind::kCreate:
      return DiskCreated{.vm = order.vm,
                         .disk = outcome.disk,
                         .cipher = order.key.is_none() ? "" : kCipher,
                         .key = order.key,
                         .dek_fingerprint = outcome.dek_fingerprint};
    case OrderKind::kEncrypt:
      return DiskEncrypted{.vm = order.vm,
                           .disk = outcome.disk,
                           .cipher = kCipher,
                           .key = order.key,
                           .dek_fingerprint = outcome.dek_fingerprint};
    case OrderKind::kDecrypt:
      return DiskDecrypted{.vm = order.vm, .disk = outcome.disk};
    case OrderKind::kRecrypt:
      return DiskRecrypted{.vm = order.vm,
                           .disk = outcome.disk,
                           .depth = order.depth,
                           .old_key = order.old_key,
                           .new_key = order.key,
                           .dek_fingerprint = outcome.dek_fingerprint};
    case OrderKind::kPowerOn:
    case OrderKind::kPowerOff:
    case OrderKind::kMode:
      break;  // These change no disk.
  }
  std::abort();
}

}  // namespace

Decision decide_disk_done(const State& state, const Identity& self, const ActionId& action,
                          const DiskOutcome& outcome) {
  const auto found = state.orders.find(action);
  if (found == state.orders.end() || found->second.phase != OrderPhase::kClaimed) return {};
  const Order& order = found->second;
  const std::string disk = disk_stream(self, outcome.disk.disk);
  return {.facts = {body_for(order, disk, told(order, outcome))},
          .guards = {{disk, state.version_of(disk)},
                     {action_stream(self, action), state.version_of(action_stream(self, action))},
                     {boot_stream(self), state.version_of(boot_stream(self))}}};
}

}  // namespace keytrail::esxi
