// Create VM: a VM with one disk, plain or encrypted from its first byte.
//
//   vcenter  VmCreationRequested, PrivilegeChecked … --denied--> VmCreationRefused
//            the name is taken from here on
//   vcenter  encrypted: KeyRequested, KeyObtained, the host safe and holding the key, as in
//            encrypt_vm.h
//   vcenter  VmCreationOrdered                    (or OrderExpired)
//   esxi     VmCreationStarted, DiskCreated       (or OrderRefused)
//   vcenter  VmCreated, EntityAdded
#pragma once

#include <string>

#include "vcenter/model/vm_action.h"

namespace keytrail::vcenter {

inline constexpr std::uint64_t kDiskBytesMax = std::uint64_t{62} << 40;  // vSphere's own bound

struct CreateVm {
  std::string vm;
  std::string host;       // empty: the one of the cluster with the fewest VMs
  std::string folder;     // empty: `vm`
  std::string datastore;  // empty: `ds-1`
  std::uint64_t disk_bytes = 0;
  std::uint32_t sector_bytes = 0;  // 0: 4096, an import 512
  std::string import;              // a file of the VM's folder that becomes the disk
  bool encrypted = false;
  std::string provider;  // empty: the default
  GuestBoot guest;
  bool operator==(const CreateVm&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const CreateVm& command);

extern const Words kCreateVmWords;

void evolve(State& state, const About& about, const VmCreationRequested& event);
void evolve(State& state, const About& about, const VmCreationRefused& event);
void evolve(State& state, const About& about, const VmCreationOrdered& event);
void evolve(State& state, const About& about, const VmCreated& event);

}  // namespace keytrail::vcenter
