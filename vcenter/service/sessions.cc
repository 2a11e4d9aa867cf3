#include "vcenter/service/sessions.h"

#include <algorithm>

#include "bus/events/address.h"

namespace keytrail::vcenter {

bool Sessions::is_locked_out(const std::string& user, const std::string& address, TimeNs now) {
  const auto found = failures_.find({user, without_port(address)});
  if (found == failures_.end()) {
    // Whoever fills the table with made-up names locks out further ones, and unlocks none.
    if (failures_.size() >= kWatchedMax) forget_old(now);
    return failures_.size() >= kWatchedMax;
  }
  std::deque<TimeNs>& times = found->second;
  while (!times.empty() && now >= times.front() + kMinute) times.pop_front();
  if (times.empty()) {
    failures_.erase(found);
    return false;
  }
  return times.size() >= kFailuresMax;
}

void Sessions::failed(const std::string& user, const std::string& address, TimeNs now) {
  const std::pair<std::string, std::string> pair{user, without_port(address)};
  if (failures_.size() >= kWatchedMax && !failures_.contains(pair)) return;
  std::deque<TimeNs>& times = failures_[pair];
  times.push_back(now);
  if (times.size() > kFailuresMax) times.pop_front();
}

void Sessions::open(const Hash& session, const std::string& user, TimeNs now) {
  if (sessions_.size() >= kSessionsMax) forget_old(now);
  if (sessions_.size() >= kSessionsMax) {
    sessions_.erase(std::min_element(
        sessions_.begin(), sessions_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  sessions_[session] = Session{user, now};
}

std::optional<std::string> Sessions::user_of(const Hash& session, TimeNs now) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return std::nullopt;
  if (now > found->second.used + kIdle) {
    sessions_.erase(found);
    return std::nullopt;
  }
  found->second.used = now;
  return found->second.user;
}

void Sessions::forget_old(TimeNs now) {
  std::erase_if(sessions_, [&](const auto& entry) { return now > entry.second.used + kIdle; });
  std::erase_if(failures_, [&](const auto& entry) {
    return entry.second.empty() || now >= entry.second.back() + kMinute;
  });
}

std::string session_name(const Hash& session) { return to_hex({session.data(), 16}); }

}  // namespace keytrail::vcenter
