// Disk look: what the storage says of an order and of a VM's disk, and whether the log agrees.
//
// Stateless; any thread, one at a time per VM.
#pragma once

#include <optional>
#include <string>

#include "esxi/disk/descriptor.h"
#include "esxi/disk/disk_folder.h"
#include "esxi/model/disks.h"
#include "esxi/service/vmx.h"

namespace keytrail::esxi {

[[nodiscard]] Result<DiskOutcome> outcome_of(const disk::Descriptor& descriptor);

using Found = std::optional<DiskOutcome>;

// The outcome of `order` if it stands on the storage, which is then durable. Nothing: nothing of it
// stands there, and what lay beside was removed, as far as the log knows the disk. An error: it
// cannot be told.
[[nodiscard]] Result<Found> look(disk::DiskFolder& folder, const Order& order, const Vm& vm);

// Descriptor and last fact agree: same disk, data file and keys; the descriptor not older. Only
// then is anything else in the folder left over. kCorrupt: they do not.
[[nodiscard]] Result<void> check_told(const disk::Descriptor& descriptor, const std::string& name,
                                      const Vm& vm);

[[nodiscard]] Result<Vmx> read_vmx(disk::DiskFolder& folder, const std::string& vm);
// The folder is this creation's from here on. kInvalid: it holds another VM.
Result<void> claim_folder(disk::DiskFolder& folder, const Order& order);
// Removes what a creation has made, if the folder is its own.
Result<void> unmake(disk::DiskFolder& folder, const Order& order);

}  // namespace keytrail::esxi
