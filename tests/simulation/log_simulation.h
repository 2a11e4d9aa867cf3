// A run of the log: an orderer, three keepers and their clients, under every fault; then quiet,
// then the audit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/keeper.h"

namespace keytrail::simulation {

struct PlantedBugs {
  StoreBugs store;
  AuthorBugs author;
};

struct Verdict {
  std::optional<std::string> wrong;
  std::string transcript;  // its end
  std::size_t answers = 0;
  Position head = 0;
};

[[nodiscard]] Verdict run_log_simulation(std::uint64_t seed, const PlantedBugs& bugs = {});

}  // namespace keytrail::simulation
