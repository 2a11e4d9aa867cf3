// InstallationUnderTest: a whole installation of real processes, out of a folder of its own.
//
//   InstallationUnderTest installation({.replicas = 1, .hosts = 1});
//   ASSERT_EQ(installation.start(), "");            // `keytrail up`, on free ports of loopback
//   installation.run({"vm", "encrypt", "vm-1"});    // as a user would: exit code and words
//   installation.call("vm.encrypt", …);             // the same command, without a process for it
//   installation.facts({.types = {"DiskEncrypted"}});
// Nothing of it outlives the object: parts die with `up`, and `up` with the test. Threads: one,
// but `call` may be another's meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/events/facets.h"
#include "cli/endpoints.h"
#include "cli/up/process.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

namespace keytrail::testing {

// Waits for a condition, with a bound.
bool until(const std::function<bool()>& holds,
           std::chrono::milliseconds within = std::chrono::seconds(30));

// The program that is tested.
[[nodiscard]] std::string keytrail_program();

class InstallationUnderTest {
 public:
  struct Shape {
    int replicas = 1;
    int hosts = 1;
  };
  explicit InstallationUnderTest(Shape shape);
  ~InstallationUnderTest();

  // `keytrail up`, until it says that everything answers. What it said if it ended instead; "" is
  // success.
  [[nodiscard]] std::string start();
  // SIGTERM; the exit in words ("exited with 0").
  std::string stop();
  [[nodiscard]] bool is_up() const { return up_.has_value(); }

  // The command line that `start` would run.
  [[nodiscard]] std::vector<std::string> up_command() const;
  // `keytrail --data D ARGUMENT…`, to its end.
  [[nodiscard]] ProgramEnd run(std::vector<std::string> arguments, int seconds_max = 60) const;

  // A command to vCenter as the administrator, the RESULT's JSON. One session for all; any thread,
  // one at a time.
  [[nodiscard]] Result<std::string> call(const std::string& command, const std::string& arguments);
  // The replicas as the default provider "prod".
  [[nodiscard]] ProgramEnd add_provider() const;

  // The facts that pass the filter, from the log itself.
  [[nodiscard]] std::vector<Fact> facts(const Filter& filter) const;

  [[nodiscard]] std::uint16_t port_base() const { return port_base_; }
  [[nodiscard]] const std::string& data() const { return data_; }
  [[nodiscard]] std::string file(const std::string& name) const { return data_ + "/" + name; }
  // What a part wrote to its log file.
  [[nodiscard]] std::string log_of(const std::string& part) const;
  [[nodiscard]] std::string datastore() const { return file("datastore/ds-1"); }
  [[nodiscard]] cli::Endpoints endpoints() const;
  // By name; 0: it is not running.
  [[nodiscard]] int pid_of(const std::string& part) const;
  [[nodiscard]] const TempFolder& folder() const { return folder_; }

 private:
  struct Session;
  TempFolder folder_;
  Shape shape_;
  std::uint16_t port_base_;
  std::string data_;
  std::optional<cli::Process> up_;
  std::unique_ptr<Session> session_;
};

// The text of a file; "" if there is none.
[[nodiscard]] std::string contents(const std::string& path);

}  // namespace keytrail::testing
