// Host: what an ESXi host knows from the log, and how each fact changes it.
//
//   vcenter  orders ─────────► orders ── claimed, performed, told (orders.h, disks.h, guests.h)
//   vcenter  KeyObtained ────► keys owed ── asked for, received, erased (keys.h)
//   vcenter  HostModeOrdered ► mode owed ── stated (mode.h)
// `evolve` folds the facts of its vCenter and of all hosts; those of others count only where they
// are about this host's cluster. Everything the host does follows from this state, so a restart
// resumes by itself.
// Values, pure, no thread. Key material is not here: only ids.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "bus/events/fact.h"

namespace keytrail::esxi {

// Who a host is. Configuration, not state.
struct Identity {
  std::string host;     // "host-1"
  std::string vcenter;  // "vc-1"
  bool operator==(const Identity&) const = default;
};

enum class OrderPhase : std::uint8_t {
  kOpen,     // vCenter ordered it
  kClaimed,  // Started: nobody else may end it now
};

// An order of vCenter that this host has not ended yet.
struct Order {
  OrderKind kind = OrderKind::kEncrypt;
  OrderPhase phase = OrderPhase::kOpen;
  ActionId action;
  std::string vm;
  std::string user;
  Position position = 0;         // of the order
  std::uint64_t vm_version = 0;  // of vCenter's stream of the VM at the order: the claim's guard
  KeyId key;                     // needed, or new; none for plain work
  KeyId old_key;                 // recrypt
  RecryptDepth depth = RecryptDepth::kShallow;
  vcenter::VmCreationRequested creation;  // create
  bool operator==(const Order&) const = default;
};

struct Vm {
  std::string host;
  KeyId key;  // none: plain
  DiskState disk;
  Bytes dek_fingerprint;
  PowerState power = PowerState::kOff;
  std::string powered_on_boot;  // the host's boot in which the guest was started
  bool locked = false;
  bool operator==(const Vm&) const = default;
};

// What a key was obtained for.
struct KeyUse {
  std::string vm;
  ActionId action;
  bool operator==(const KeyUse&) const = default;
};

struct State {
  std::string cluster;
  std::string boot;  // of the last HostStarted
  HostMode mode = HostMode::kIncapable;
  KeyId host_key;
  std::optional<vcenter::HostModeOrdered> ordered_mode;  // not stated yet
  ActionId ordered_mode_action;
  std::string ordered_mode_user;
  Position ordered_mode_position = 0;
  std::uint64_t epoch = 0;  // of this host's epoch stream

  std::set<KeyId> held;                                        // this boot
  std::map<KeyId, KeyUse> vm_keys;                             // keys of the cluster's VMs
  std::map<ActionId, Order> orders;                            // of this host, open or claimed
  std::map<std::string, Vm> vms;                               // of the vCenter, all hosts
  std::map<ActionId, vcenter::VmCreationRequested> creations;  // requested, not ordered yet
  std::map<std::string, std::string> clusters;                 // host -> cluster
  // Of own streams, an action's only while its order is open, and of vCenter's VM and host streams.
  std::map<std::string, std::uint64_t> versions;

  bool operator==(const State&) const = default;
  [[nodiscard]] std::uint64_t version_of(const std::string& stream) const;
};

// Streams of this host and of its vCenter.
[[nodiscard]] std::string boot_stream(const Identity& self);
[[nodiscard]] std::string mode_stream(const Identity& self);
[[nodiscard]] std::string epoch_stream(const Identity& self);
[[nodiscard]] std::string vm_stream(const Identity& self, const std::string& vm);
[[nodiscard]] std::string disk_stream(const Identity& self, const std::string& disk);
[[nodiscard]] std::string action_stream(const Identity& self, const ActionId& action);
[[nodiscard]] std::string vcenter_vm_stream(const Identity& self, const std::string& vm);
[[nodiscard]] std::string vcenter_host_stream(const Identity& self);

void evolve(State& state, const Identity& self, const Fact& fact);

// A body of this host's about `order`: same action and user, caused by it.
[[nodiscard]] Body body_for(const Order& order, std::string stream, Event event);

}  // namespace keytrail::esxi
