// What the vCenter commands of the command line do: build the arguments, call, show the result.
//
// The table of commands, their arguments and results is vcenter/README.md. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/table.h"

namespace keytrail::cli {

// One command with `arguments` (a JSON object); progress goes to stderr, the result to stdout.
[[nodiscard]] Exit run_vcenter(const Globals& globals, const std::string& command,
                               const std::string& arguments, const View& view);

struct ProviderAdd {
  std::string provider;
  std::vector<std::string> servers;  // "[NAME=]HOST:PORT"
  std::vector<std::string> accept;   // SHA-256 of servers' certificates, hexadecimal
  bool enrol = false;                // at this installation's own replicas
};
[[nodiscard]] Exit run_provider_add(const Globals& globals, const ProviderAdd& wanted);

// All VMs, or `vm` alone; kNotFound if it is not there.
[[nodiscard]] Exit run_vm_list(const Globals& globals, const std::string& vm);

struct VmCreate {
  std::string vm, host, provider;
  std::string size;                // "64M", bytes, …
  std::string import;              // a local file
  std::uint32_t sector_bytes = 0;  // 0: 4096, or 512 for an import
  std::vector<std::string> guest;  // KERNEL INITRD CMDLINE
  bool encrypted = false;
};
[[nodiscard]] Exit run_vm_create(const Globals& globals, const VmCreate& wanted);

// Powers on; with `off_within`, until the guest has powered itself off.
[[nodiscard]] Exit run_power_on(const Globals& globals, const std::string& vm,
                                std::optional<std::chrono::seconds> off_within);
[[nodiscard]] Exit run_user_add(const Globals& globals, const std::string& user,
                                const std::string& new_password_file);

}  // namespace keytrail::cli
