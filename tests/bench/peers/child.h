// Child: a server that is started for a bench, and ended with it by its process id.
//
// Its folder is its own and goes with it; it lies below TMPDIR, so on the disk of the store's. What
// it says is in its folder until then. One thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace keytrail::bench {

class Child {
 public:
  explicit Child(std::unique_ptr<testing::TempFolder> folder,
                 const std::vector<std::string>& command);
  ~Child();  // SIGTERM, and SIGKILL to who does not hear
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] bool alive();
  [[nodiscard]] std::string output() const;

 private:
  std::unique_ptr<testing::TempFolder> folder_;
  pid_t pid_ = -1;
};

// A port of loopback that nobody has now.
[[nodiscard]] int free_port();
// What `command` prints; empty if it cannot be run or fails.
[[nodiscard]] std::string output_of(const std::string& command);

}  // namespace keytrail::bench
