#include "tests/simulation/world.h"

namespace keytrail::simulation {
namespace {

constexpr std::size_t kTranscriptLinesMax = 400;

}  // namespace

void World::after(TimeNs delay, std::function<void()> what) {
  due_.push({clock_.monotonic() + delay, next_order_++, std::move(what)});
}

bool World::run(TimeNs limit, const std::function<bool()>& done) {
  const TimeNs end = clock_.monotonic() + limit;
  while (!failure_ && !done()) {
    if (due_.empty() || due_.top().at > end) return false;
    const std::function<void()> what = due_.top().what;
    clock_.advance(due_.top().at - clock_.monotonic());
    due_.pop();
    what();
  }
  return !failure_;
}

void World::note(const std::string& line) {
  transcript_.push_back(std::to_string(clock_.monotonic() / 1000) + " us  " + line);
  if (transcript_.size() > kTranscriptLinesMax) transcript_.pop_front();
}

void World::fail(const std::string& what) {
  if (failure_) return;
  failure_ = what;
  note("FAILED: " + what);
}

std::string World::transcript() const {
  std::string text;
  for (const std::string& line : transcript_) text += line + "\n";
  return text;
}

}  // namespace keytrail::simulation
