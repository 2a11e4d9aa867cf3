// KeyHistory: what a client of the key servers was told of its keys, and when it had asked.
//
// The life of a key is a line: it is made, it is destroyed, it never comes back. So what was seen
// of a key is linearizable exactly if there is one moment of destruction that fits all of it: after
// every look that found the key was asked for, before every answer that it is gone. One thread.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>

#include "bus/events/ids.h"

namespace keytrail::simulation {

class KeyHistory {
 public:
  // From the question to the answer.
  struct Span {
    TimeNs asked = 0;
    TimeNs answered = 0;
  };

  // The client knows a key from the answer on.
  void made(const std::string& key) { keys_[key]; }
  void seen(const std::string& key, Span span);     // it was there
  void missing(const std::string& key, Span span);  // it was destroyed, or unknown
  void destruction_asked(const std::string& key, TimeNs when);
  void destroyed(const std::string& key, Span span);

  // The first key that was seen as it cannot have been.
  [[nodiscard]] std::optional<std::string> check() const;

 private:
  static constexpr TimeNs kNever = std::numeric_limits<TimeNs>::max();
  struct Key {
    TimeNs destruction_asked = kNever;
    TimeNs last_seen = 0;        // asked for then
    TimeNs missing_by = kNever;  // answered then
  };
  std::map<std::string, Key> keys_;
};

}  // namespace keytrail::simulation
