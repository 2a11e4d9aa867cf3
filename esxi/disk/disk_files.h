// Which files make up a disk, and how its descriptor is replaced.
//
//   NAME.vmdk            the descriptor; its rename into place commits whatever changes a disk
//   NAME-flat.vmdk       the data
//   NAME-flat.G.vmdk     the data, once the conversion to generation G has replaced it
//   NAME.vmdk.new        a descriptor on its way
//
// Whatever else matches these patterns is left over from a conversion that did not end. Stateless.
#pragma once

#include "esxi/disk/descriptor.h"
#include "esxi/disk/disk_folder.h"

namespace keytrail::disk {

// A disk's name: a plain file name without "-flat", so that no disk's descriptor is another disk's
// data.
[[nodiscard]] Result<void> check_disk_name(std::string_view name);

[[nodiscard]] std::string flat_name(std::string_view disk, std::uint64_t generation);

[[nodiscard]] Result<Descriptor> read_descriptor(DiskFolder& folder, std::string_view disk);

// Written beside, read back as itself, synced.
// kInvalid: a value (a key id from a foreign key server) cannot stand in a descriptor.
Result<void> write_descriptor_beside(DiskFolder& folder, std::string_view disk,
                                     const Descriptor& descriptor);
// The commit: what lies beside becomes the descriptor, durably.
Result<void> commit_descriptor(DiskFolder& folder, std::string_view disk);

// Files of this disk that its descriptor does not name.
[[nodiscard]] Result<std::vector<std::string>> leftovers(DiskFolder& folder, std::string_view disk,
                                                         const Descriptor& descriptor);

// Overwrites the data among `names` with zeros (best effort: a copy-on-write or flash medium may
// keep the old blocks), then removes them all, durably.
Result<void> discard(DiskFolder& folder, const std::vector<std::string>& names);

}  // namespace keytrail::disk
