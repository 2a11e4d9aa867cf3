// A run of a whole installation in one thread: an orderer, three replicas, a vCenter, two hosts,
// all of them the real cores; an administrator who has VMs encrypted, recrypted and decrypted, and
// a customer of the key servers; everything fails; then quiet, then the audit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/installation/replica_bugs.h"
#include "tests/simulation/installation/vcenter_node.h"
#include "tests/simulation/store_twin.h"

namespace keytrail::simulation {

struct InstallationBugs {
  StoreBugs store;
  ReplicaBugs replica;
  VCenterBugs vcenter;
};

struct InstallationVerdict {
  std::optional<std::string> wrong;
  std::string transcript;  // its end
  Position head = 0;
  std::size_t encryptions = 0;  // that were completed
  std::size_t releases = 0;
  std::size_t answers = 0;  // to the customer
};

[[nodiscard]] InstallationVerdict run_installation(std::uint64_t seed,
                                                   const InstallationBugs& bugs = {});

}  // namespace keytrail::simulation
