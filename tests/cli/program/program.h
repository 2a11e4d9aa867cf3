// The program `keytrail` under test: runs it as a shell would, and an installation in a folder of
// its own. One thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace keytrail::cli {

struct Ran {
  int exit = -1;
  std::string out, err;
};
using Words = std::vector<std::string>;

// `keytrail WORD…`, for a minute at most: then `exit` is 124, as timeout(1) has it.
[[nodiscard]] Ran keytrail(const Words& words);

// `keytrail up` with one key server and one host, until destroyed.
class RunningInstallation {
 public:
  RunningInstallation();
  ~RunningInstallation();
  RunningInstallation(const RunningInstallation&) = delete;
  RunningInstallation& operator=(const RunningInstallation&) = delete;

  // Empty, or why it did not come up.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::string data() const { return folder_.file("data"); }
  [[nodiscard]] int kmip_port() const { return port_base_ + 6; }
  // `keytrail --data … WORD…`
  [[nodiscard]] Ran run(Words words) const;
  // How many facts of a type are on the log.
  [[nodiscard]] std::size_t count(const std::string& type) const;

 private:
  bool try_to_start();
  void stop();

  keytrail::testing::TempFolder folder_;
  std::string failure_;
  int port_base_ = 0;
  pid_t pid_ = -1;
  int told_ = -1;  // what `up` says
};

}  // namespace keytrail::cli
