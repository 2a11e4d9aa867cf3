// A program run to its end, with what it said: no shell, and never longer than it may take.
#pragma once

#include <string>
#include <vector>

namespace keytrail::testing {

struct ProgramEnd {
  int status = -1;     // 124: it took too long and was killed; 127: it is not installed
  std::string output;  // standard output and error
};

ProgramEnd run_program(std::vector<std::string> arguments, int seconds_max = 120);

}  // namespace keytrail::testing
