// Standard output: it may be a disk that is full, or a pipe whose reader has gone. Threads: one.
#pragma once

#include <string>

#include "cli/exit.h"

namespace keytrail::cli {

// A standard descriptor that whoever started us left closed would be given to the next file that
// is opened, and what is printed would go there. Called first in main.
void hold_standard_descriptors();

void print(const std::string& line);
// For those who watch: a line is there when it happened.
void print_now(const std::string& line);
// Nothing that is printed arrives any more.
[[nodiscard]] bool is_output_lost();

// The last word of main: `exit`, unless what was printed could not be written; says so. A reader
// that went away, as `head` does, had enough.
[[nodiscard]] Exit finish_output(Exit exit);

}  // namespace keytrail::cli
