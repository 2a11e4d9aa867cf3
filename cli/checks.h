// What the words of a command line must be, for CLI11's `check`: "" or what is wrong.
#pragma once

#include <functional>
#include <string>

namespace keytrail::cli {

// A whole number from 1 on that fits 64 bits. `what` is told: "a position".
[[nodiscard]] std::function<std::string(const std::string&)> counts_from_one(std::string what);

}  // namespace keytrail::cli
