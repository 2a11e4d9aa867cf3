#include "vcenter/service/refused_peers.h"

namespace keytrail::vcenter {

void RefusedPeers::refused(const std::string& socket, const std::string& address) {
  const auto colon = address.rfind(':');  // A peer has a new port for each try.
  std::pair<std::string, std::string> key{socket, address.substr(0, colon)};
  if (counts_.size() >= kAddressesMax && !counts_.contains(key)) key.second = "others";
  ++counts_[std::move(key)].untold;
}

std::vector<part::RefusalsRepeated> RefusedPeers::due(TimeNs now) {
  std::vector<part::RefusalsRepeated> facts;
  if (now >= minute_ + kMinute) {
    minute_ = now;
    stated_ = 0;
  }
  for (auto it = counts_.begin(); it != counts_.end();) {
    Count& count = it->second;
    const bool waits = count.told != 0 && now < count.told + kMinute;
    if (!waits && count.untold == 0) {
      it = counts_.erase(it);
      continue;
    }
    if (!waits && stated_ < kFactsAMinuteMax) {
      ++stated_;
      facts.push_back({.socket = it->first.first,
                       .reason = "its key is not on the list for this socket",
                       .address = it->first.second,
                       .count = count.untold});
      count = Count{.untold = 0, .told = now};
    }
    ++it;
  }
  return facts;
}

}  // namespace keytrail::vcenter
