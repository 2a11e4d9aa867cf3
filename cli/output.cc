#include "cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace keytrail::cli {
namespace {

int first_error = 0;  // errno of the first write that failed

void flush() {
  if (std::fflush(stdout) != 0 && first_error == 0) first_error = errno;
}

}  // namespace

void hold_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest that is free, so `fd` itself; for reading alone, so that writing to it fails.
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  }
}

void print(const std::string& line) {
  const bool is_put = std::fputs(line.c_str(), stdout) >= 0 && std::fputc('\n', stdout) != EOF;
  if (!is_put && first_error == 0) first_error = errno;
}

void print_now(const std::string& line) {
  print(line);
  flush();
}

bool is_output_lost() { return first_error != 0; }

Exit finish_output(Exit exit) {
  flush();  // CLI11's help too: std::cout keeps nothing of its own beside stdout.
  if (first_error == 0 && std::ferror(stdout) != 0) first_error = EIO;
  if (first_error == 0 || first_error == EPIPE) return exit;
  return fail({ErrorCode::kRefused, std::string("the output could not be written: ") +
                                        std::strerror(first_error) +
                                        "; what was asked for may be cut short"});
}

}  // namespace keytrail::cli
