// The .vmx of a VM: the host's own note of what it runs, in VMware's key = "value" lines.
//
// `guest.*` lines name files of the VM's folder. Values only; no threads.
#pragma once

#include <string>

#include "bus/events/vcenter_events.h"

namespace keytrail::esxi {

[[nodiscard]] std::string format_vmx(const std::string& vm, const vcenter::GuestBoot& guest);

}  // namespace keytrail::esxi
