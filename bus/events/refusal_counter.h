// RefusalCounter: refusals of those whom we have no reason to trust, in aggregate, so that knocking
// on a door cannot fill the log.
//
// The first of its kind (socket, reason, address) is due at once, the others are counted and due
// together a minute later; at most kRefusalFactsPerMinute facts in any minute, and at most
// kRefusalKindsMax kinds are told apart: what exceeds that is counted under "others". Every refusal
// is in some count. Pure; one thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bus/events/part_events.h"

namespace keytrail {

inline constexpr std::size_t kRefusalFactsPerMinute = 60;
inline constexpr std::size_t kRefusalKindsMax = 256;

class RefusalCounter {
 public:
  // Counts one. `reason` is a text of ours, not of the peer's making; `address` may have a port,
  // which is left out: a peer has another one for each try.
  void add(const std::string& socket, const std::string& reason, const std::string& address);
  // Counts one that is to be recorded before it is told: the fact, if one is due for its kind.
  [[nodiscard]] std::optional<part::RefusalsRepeated> add_and_take(const std::string& socket,
                                                                   const std::string& reason,
                                                                   const std::string& address,
                                                                   TimeNs now);
  // What is to be recorded now. `now` never goes back.
  [[nodiscard]] std::vector<part::RefusalsRepeated> take_due(TimeNs now);
  // All that is counted and not yet recorded, due or not, for the end: at most kRefusalKindsMax + 1
  // facts.
  [[nodiscard]] std::vector<part::RefusalsRepeated> take_all();

 private:
  struct Kind {
    std::uint64_t count = 0;            // not yet recorded
    std::optional<TimeNs> recorded_at;  // the last time
  };
  using Key = std::tuple<std::string, std::string, std::string>;  // socket, reason, address
  using Kinds = std::map<Key, Kind>;

  Kinds::iterator count(const std::string& socket, const std::string& reason,
                        const std::string& address);
  [[nodiscard]] std::optional<part::RefusalsRepeated> take(Kinds::value_type& kind, TimeNs now);
  [[nodiscard]] static part::RefusalsRepeated fact_of(Kinds::value_type& kind);

  Kinds kinds_;
  std::deque<TimeNs> recorded_;  // in the last minute
};

}  // namespace keytrail
