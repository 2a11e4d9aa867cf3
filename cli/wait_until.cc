#include "cli/wait_until.h"

#include <algorithm>
#include <thread>

namespace keytrail::cli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr auto kAskEvery = std::chrono::milliseconds(150);

}  // namespace

bool wait_until(std::chrono::seconds within, const std::function<bool()>& reached) {
  const Steady::time_point end = Steady::now() + within;
  for (;;) {
    const bool is_last = Steady::now() >= end;
    if (reached()) return true;
    if (is_last) return false;
    std::this_thread::sleep_until(std::min(end, Steady::now() + kAskEvery));
  }
}

}  // namespace keytrail::cli
