// The .vmx of a VM: what it is and what it runs, in VMware's key = "value" lines.
//
// It is the host's truth: written once, beside and renamed, before the disk's descriptor; a guest
// boots what stands here. `guest.*` lines name files of the VM's folder, and `keytrail.action` is
// the action that made the VM, so that a folder which is another's is never taken for one that a
// crash left half made. A datastore can be written by others, so parsing trusts nothing: kCorrupt
// is text that is no vmx. Values; pure.
#pragma once

#include <string>
#include <string_view>

#include "bus/events/vcenter_events.h"
#include "bus/secret/result.h"

namespace keytrail::esxi {

inline constexpr std::size_t kVmxBytesMax = 64 * 1024;

struct Vmx {
  std::string vm;
  std::string action;  // 32 hexadecimal digits
  vcenter::GuestBoot guest;
  bool operator==(const Vmx&) const = default;
};

[[nodiscard]] std::string format_vmx(const Vmx& vmx);
// Keys that are not ours are skipped.
[[nodiscard]] Result<Vmx> parse_vmx(std::string_view text);

}  // namespace keytrail::esxi
