#include "tests/simulation/installation/key_history.h"

#include <algorithm>

namespace keytrail::simulation {

void KeyHistory::seen(const std::string& key, Span span) {
  TimeNs& last = keys_[key].last_seen;
  last = std::max(last, span.asked);
}

void KeyHistory::missing(const std::string& key, Span span) {
  TimeNs& first = keys_[key].missing_by;
  first = std::min(first, span.answered);
}

void KeyHistory::destruction_asked(const std::string& key, TimeNs when) {
  TimeNs& first = keys_[key].destruction_asked;
  first = std::min(first, when);
}

void KeyHistory::destroyed(const std::string& key, Span span) {
  seen(key, span);     // It was there to be destroyed,
  missing(key, span);  // and then it was not.
}

std::optional<std::string> KeyHistory::check() const {
  for (const auto& [id, key] : keys_) {
    if (key.missing_by == kNever) continue;
    if (key.destruction_asked > key.missing_by) {
      return "key " + id + " was missing although nobody had asked for its destruction";
    }
    if (key.last_seen > key.missing_by) {
      return "key " + id + " was seen after it had been told to be gone";
    }
  }
  return std::nullopt;
}

}  // namespace keytrail::simulation
