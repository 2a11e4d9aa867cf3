// Sessions: who is logged in, and who has tried too often.
//
// A session ends after an hour without a request; `failures_max` wrong passwords within a minute
// for one user from one address lock the two out until the minute is over. Kept in memory: after a
// restart everybody logs in again. Times are data. One thread, the core's.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "bus/events/ids.h"

namespace keytrail::vcenter {

class Sessions {
 public:
  static constexpr TimeNs kIdle = TimeNs{3600} * 1'000'000'000;
  static constexpr TimeNs kMinute = TimeNs{60} * 1'000'000'000;
  static constexpr std::size_t kFailuresMax = 5;
  static constexpr std::size_t kSessionsMax = 1024;
  static constexpr std::size_t kWatchedMax = 4096;  // pairs of user and address with failures

  [[nodiscard]] bool is_locked_out(const std::string& user, const std::string& address, TimeNs now);
  void failed(const std::string& user, const std::string& address, TimeNs now);
  // When too many are open, the longest idle makes room: every command of a script may log in.
  void open(const Hash& session, const std::string& user, TimeNs now);
  // The user of the session, which has an hour more from now on.
  [[nodiscard]] std::optional<std::string> user_of(const Hash& session, TimeNs now);
  void forget_old(TimeNs now);
  [[nodiscard]] std::size_t count() const { return sessions_.size(); }

 private:
  struct Session {
    std::string user;
    TimeNs used = 0;
  };
  std::map<Hash, Session> sessions_;
  std::map<std::pair<std::string, std::string>, std::deque<TimeNs>> failures_;
};

// Names a session in facts and is no credential: the first half of its hash.
[[nodiscard]] std::string session_name(const Hash& session);

}  // namespace keytrail::vcenter
