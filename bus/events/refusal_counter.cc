#include "bus/events/refusal_counter.h"

#include <algorithm>
#include <utility>

#include "bus/events/address.h"

namespace keytrail {

namespace {

constexpr TimeNs kMinuteNs = 60'000'000'000;

bool is_over(const std::optional<TimeNs>& begun, TimeNs now) {
  return !begun || now - *begun >= kMinuteNs;
}

}  // namespace

void RefusalCounter::add(const std::string& socket, const std::string& reason,
                         const std::string& address) {
  count(socket, reason, address);
}

std::optional<part::RefusalsRepeated> RefusalCounter::add_and_take(const std::string& socket,
                                                                   const std::string& reason,
                                                                   const std::string& address,
                                                                   TimeNs now) {
  return take(*count(socket, reason, address), now);
}

std::vector<part::RefusalsRepeated> RefusalCounter::take_due(TimeNs now) {
  std::vector<part::RefusalsRepeated> due;
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    if (kind->second.count == 0 && is_over(kind->second.recorded_at, now)) {
      kind = kinds_.erase(kind);
      continue;
    }
    if (auto fact = take(*kind, now)) due.push_back(std::move(*fact));
    ++kind;
  }
  return due;
}

std::vector<part::RefusalsRepeated> RefusalCounter::take_all() {
  std::vector<part::RefusalsRepeated> all;
  for (Kinds::value_type& kind : kinds_) {
    if (kind.second.count > 0) all.push_back(fact_of(kind));
  }
  return all;
}

RefusalCounter::Kinds::iterator RefusalCounter::count(const std::string& socket,
                                                      const std::string& reason,
                                                      const std::string& address) {
  Key key{socket, reason, without_port(address)};
  if (kinds_.size() >= kRefusalKindsMax && !kinds_.contains(key)) {
    key = {"others", "others", "others"};
  }
  const auto kind = kinds_.try_emplace(std::move(key)).first;
  ++kind->second.count;
  return kind;
}

std::optional<part::RefusalsRepeated> RefusalCounter::take(Kinds::value_type& kind, TimeNs now) {
  while (!recorded_.empty() && is_over(recorded_.front(), now)) recorded_.pop_front();
  Kind& state = kind.second;
  if (state.count == 0 || !is_over(state.recorded_at, now) ||
      recorded_.size() >= kRefusalFactsPerMinute) {
    return std::nullopt;
  }
  recorded_.push_back(now);
  state.recorded_at = now;
  return fact_of(kind);
}

part::RefusalsRepeated RefusalCounter::fact_of(Kinds::value_type& kind) {
  const auto& [socket, reason, address] = kind.first;
  return {.socket = socket,
          .reason = reason,
          .address = address,
          .count = std::exchange(kind.second.count, 0)};
}

}  // namespace keytrail
