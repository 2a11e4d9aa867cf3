#include "eventstore/service/refusal_counter.h"

namespace keytrail::eventstore {

namespace {
constexpr TimeNs kMinuteNs = 60'000'000'000;
}

void RefusalCounter::add(const std::string& socket, const std::string& reason,
                         const std::string& address) {
  Key key{socket, reason, address};
  if (kinds_.size() >= kRefusalKindsMax && !kinds_.contains(key))
    key = {"others", "others", "others"};
  ++kinds_[key].count;
}

std::vector<part::RefusalsRepeated> RefusalCounter::take_due(TimeNs monotonic) {
  std::vector<part::RefusalsRepeated> due;
  while (!recorded_.empty() && monotonic - recorded_.front() >= kMinuteNs) recorded_.pop_front();
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    auto& [key, state] = *kind;
    const bool rested = state.recorded_at == 0 || monotonic - state.recorded_at >= kMinuteNs;
    if (state.count == 0 && rested) {
      kind = kinds_.erase(kind);
      continue;
    }
    if (state.count > 0 && rested && recorded_.size() < kRefusalFactsPerMinute) {
      const auto& [socket, reason, address] = key;
      due.push_back({.socket = socket, .reason = reason, .address = address, .count = state.count});
      state = {.count = 0, .recorded_at = monotonic};
      recorded_.push_back(monotonic);
    }
    ++kind;
  }
  return due;
}

}  // namespace keytrail::eventstore
