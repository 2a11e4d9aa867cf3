// Supervisor: keeps the parts of an installation running, each as a process of its own.
//
//   a part ends by itself   told; started again at once, then after 1, 2, 4 … 30 s; 5 s after it
//                           answered, that begins anew
//   stop NAME               SIGTERM, SIGKILL after 15 s; stays down
//   kill NAME               SIGKILL; stays down
//   start NAME              up again
// Threads: one, which calls step() when one of fds() is readable or next_timer_ms() is over.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/events/clock.h"
#include "cli/up/process.h"

namespace keytrail::cli {

struct PartSpec {
  std::string name;  // "kms-1"
  std::vector<std::string> command;
  std::string log_file;
};

enum class PartCondition {
  kRunning,
  kWaiting,
  kDown
};  // kWaiting: ended by itself, starts again soon

struct PartStatus {
  std::string name;
  PartCondition condition = PartCondition::kDown;
  int pid = 0;
  std::string last_end;  // "" or "killed by signal 9"
};

class Supervisor {
 public:
  using Tell = std::function<void(const std::string& sentence)>;

  Supervisor(const Clock& clock, Tell tell);

  // Parts are started in the order they are added, and stopped in the reverse.
  void add(PartSpec spec);
  Result<void> start(const std::string& name);
  Result<void> stop(const std::string& name);  // begins; condition kDown tells the end
  Result<void> kill(const std::string& name);
  // A part that runs and was not heard of yet: who can, asks it. Another one each time.
  [[nodiscard]] std::optional<std::string> next_unheard();
  void answered(const std::string& name);
  void stop_all();  // begins, last first; a part is asked once those after it are down
  [[nodiscard]] bool all_down() const;

  void step();
  [[nodiscard]] std::vector<int> fds() const;
  [[nodiscard]] int next_timer_ms() const;  // -1: none
  [[nodiscard]] std::vector<PartStatus> status() const;
  // Rises whenever a pid changes.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  enum class Wish { kUp, kDown };
  struct Part {
    PartSpec spec;
    Wish wish = Wish::kDown;
    std::optional<Process> process;
    TimeNs answered_at = 0;  // 0: not yet
    std::uint64_t asked = 0;
    TimeNs start_at = 0;  // kWaiting
    TimeNs kill_at = 0;   // 0: not asked to stop
    std::uint32_t backoff_s = 0;
    std::string last_end;
  };

  Result<Part*> find(const std::string& name);
  Result<void> launch(Part& part);
  void on_end(Part& part);
  void ask_to_stop(Part& part);

  const Clock& clock_;
  const Tell tell_;
  std::vector<Part> parts_;
  bool stopping_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace keytrail::cli
