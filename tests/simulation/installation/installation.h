// A run of a whole installation in one thread: an orderer, three replicas, a vCenter, two hosts,
// all of them the real cores, and an administrator who encrypts, recrypts and decrypts VMs while
// everything fails; then quiet, then the audit.
#pragma once

#include <cstdint>

#include "tests/simulation/log_simulation.h"

namespace keytrail::simulation {

struct InstallationVerdict {
  std::optional<std::string> wrong;
  std::string transcript;
  Position head = 0;
  std::size_t encryptions = 0;  // that were completed
  std::size_t releases = 0;
};

[[nodiscard]] InstallationVerdict run_installation(std::uint64_t seed, const StoreBugs& bugs = {});

}  // namespace keytrail::simulation
