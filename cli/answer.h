// How a command's answer reaches the person or the program that asked: the same for every command.
#pragma once

#include <string>

#include "bus/secret/result.h"
#include "cli/command_line.h"
#include "cli/table.h"

namespace keytrail::cli {

// A JSON object on stdout: with --json as it is, else as `view` says. An error goes to stderr.
[[nodiscard]] Exit show(const Globals& globals, const Result<std::string>& answer,
                        const View& view = {});

}  // namespace keytrail::cli
