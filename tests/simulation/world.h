// World: one thread, one seed, virtual time. What happens next is the earliest thing that was put
// off.
//
// Everything random in a simulation comes from here, so that a seed tells the whole story; the
// transcript keeps its end. A failure is kept, the first one, and ends the run.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace keytrail::simulation {

inline constexpr TimeNs kMs = 1'000'000;
inline constexpr TimeNs kSecond = 1'000 * kMs;

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] TimeNs now() const { return clock_.now(); }
  [[nodiscard]] TimeNs monotonic() const { return clock_.monotonic(); }
  [[nodiscard]] test::SeededRandom& random() { return random_; }

  void after(TimeNs delay, std::function<void()> what);
  // Runs what is due until `done` says so, something failed, or `limit` of virtual time has passed;
  // whether it is done.
  bool run(TimeNs limit, const std::function<bool()>& done);

  void note(const std::string& line);
  void fail(const std::string& what);
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
  [[nodiscard]] std::string transcript() const;

 private:
  struct Due {
    TimeNs at = 0;  // monotonic
    std::uint64_t order = 0;
    std::function<void()> what;
    bool operator>(const Due& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  test::ManualClock clock_;
  test::SeededRandom random_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t next_order_ = 0;
  std::deque<std::string> transcript_;
  std::optional<std::string> failure_;
};

}  // namespace keytrail::simulation
