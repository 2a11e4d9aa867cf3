// The audit of a simulated log: what must hold of any log, whoever wrote it.
//
// Reads the durable facts alone, folds them anew and says the first thing that is wrong, or
// nothing. Pure.
#pragma once

#include <optional>
#include <string>

#include "tests/support/memory_log.h"

namespace keytrail::simulation {

// Positions without a gap; the chain; log time; versions and previous_in_stream; the units of an
// author's epoch in the order of their numbers, each once.
[[nodiscard]] std::optional<std::string> audit_form(const test::MemoryLog& log);

// No release after destruction or after the client's removal; no leaf in two sealings; no object
// made twice.
[[nodiscard]] std::optional<std::string> audit_keys(const test::MemoryLog& log);

}  // namespace keytrail::simulation
