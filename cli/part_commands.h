// Parts as a whole: run one alone, start and stop those of an installation, say how they are.
// Threads: one.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace keytrail::cli {

// Runs one part until SIGINT or SIGTERM, from its TOML.
struct StoreRun {
  std::string config_file;
  bool accept_clock = false;  // an operator vouches for a clock far behind the log
};
[[nodiscard]] Exit run_eventstore(const StoreRun& run);
[[nodiscard]] Exit run_kms_replica(const std::string& config_file);
[[nodiscard]] Exit run_vcenter_part(const std::string& config_file);
[[nodiscard]] Exit run_esxi(const std::string& config_file);

enum class PartAction { kStart, kStop, kKill };
// By the supervisor of `globals.data`; start waits until the part answers, stop until it is down.
[[nodiscard]] Exit run_part(const Globals& globals, PartAction action, const std::string& part);
[[nodiscard]] Exit run_status(const Globals& globals);

}  // namespace keytrail::cli
