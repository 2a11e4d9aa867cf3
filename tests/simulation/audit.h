// The audit of a simulated log: what must hold of any log, whoever wrote it.
//
// Reads the durable facts alone, folds them anew and says the first thing that is wrong, or
// nothing. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/store_twin.h"

namespace keytrail::simulation {

// Positions without a gap; the chain; log time; versions and previous_in_stream; the units of an
// author's epoch in the order of their numbers, each once.
[[nodiscard]] std::optional<std::string> audit_form(const test::MemoryLog& log);

// Each request that was acknowledged stands on the log once, where its author was told.
[[nodiscard]] std::optional<std::string> audit_acknowledged(
    const test::MemoryLog& log, const std::vector<StoreTwin::Acknowledged>& acknowledged);

// No release after destruction or after the client's removal; no leaf in two sealings; no object
// made or destroyed twice.
[[nodiscard]] std::optional<std::string> audit_keys(const test::MemoryLog& log);

// Leaves of destroyed objects that `replica` has said on the log it cannot derive any more.
[[nodiscard]] std::vector<std::uint64_t> shredded_leaves(const test::MemoryLog& log,
                                                         const std::string& replica);

}  // namespace keytrail::simulation
