#include "kms/service/strangers.h"

namespace keytrail::kms {
namespace {

constexpr TimeNs kMinuteNs = 60'000'000'000;
constexpr int kStatedPerMinuteMax = 60;
constexpr std::size_t kKindsMax = 1024;

// Without the port, which changes with every connection.
std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

}  // namespace

std::optional<part::RefusalsRepeated> Strangers::refuse(const std::string& socket,
                                                        const std::string& reason,
                                                        const std::string& address, TimeNs now) {
  Key key{.socket = socket, .reason = reason, .address = host_of(address)};
  if (!counts_.contains(key) && counts_.size() >= kKindsMax) key.address = "elsewhere";
  Count& count = counts_[key];
  ++count.untold;
  const bool first = count.told == 0 || now - count.told >= kMinuteNs;
  if (!first || !may_state(now)) return std::nullopt;
  count.told = now;
  return part::RefusalsRepeated{.socket = key.socket,
                                .reason = key.reason,
                                .address = key.address,
                                .count = std::exchange(count.untold, 0)};
}

std::vector<part::RefusalsRepeated> Strangers::due(TimeNs now) {
  std::vector<part::RefusalsRepeated> due;
  for (auto entry = counts_.begin(); entry != counts_.end();) {
    auto& [key, count] = *entry;
    if (now - count.told < kMinuteNs) {
      ++entry;
    } else if (count.untold == 0) {
      entry = counts_.erase(entry);
    } else if (may_state(now)) {
      count.told = now;
      due.push_back({.socket = key.socket,
                     .reason = key.reason,
                     .address = key.address,
                     .count = std::exchange(count.untold, 0)});
      ++entry;
    } else {
      break;
    }
  }
  return due;
}

bool Strangers::may_state(TimeNs now) {
  if (now - minute_ >= kMinuteNs) {
    minute_ = now;
    stated_ = 0;
  }
  if (stated_ >= kStatedPerMinuteMax) return false;
  ++stated_;
  return true;
}

}  // namespace keytrail::kms
