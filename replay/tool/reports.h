// Reports: the forensic commands, from a fact source to lines.
//
//   events   each selected fact, as text, JSON or CloudEvents
//   audit    the same facts as audit rows
//   state    what was so at a moment
//   diff     what changed between two
// Facts that this program is too old to know are skipped and counted; malformed ones are kCorrupt
// and named. Nothing here prints: lines go to `print`, without line feeds. One thread; sources are
// borrowed for the call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "replay/audit/audit.h"
#include "replay/state/items.h"
#include "replay/tool/fact_source.h"
#include "replay/tool/selection.h"

namespace keytrail::replay {

using Print = std::function<void(const std::string& line)>;

enum class EventFormat : std::uint8_t { kText, kJsonl, kCloudevents };
// "text", "jsonl", "cloudevents".
[[nodiscard]] Result<EventFormat> event_format_from(std::string_view text);

// One fact as a line of `format`. kJsonl is the short form: position, time, author, type, facets,
// data.
[[nodiscard]] std::string event_text(const StoredFact& stored, const Fact& fact, EventFormat format,
                                     std::string_view installation);

struct Reported {
  std::uint64_t lines = 0;
  std::uint64_t unknown = 0;  // facts that only a newer program knows
  bool operator==(const Reported&) const = default;
};

// A selection over facts as they come, for a source that goes on (events follow) and for one that
// ends.
class Report {
 public:
  using Line = std::function<std::string(const StoredFact&, const Fact&)>;

  Report(Selection selection, Position head, Line line, Print print);

  [[nodiscard]] const Selector& selector() const { return selector_; }
  // False: the selection wants no more. kCorrupt: the fact is malformed.
  [[nodiscard]] Result<bool> on_fact(const StoredFact& stored);
  [[nodiscard]] Reported reported() const { return reported_; }

 private:
  Selector selector_;
  Line line_;
  Print print_;
  Reported reported_;
};

// Where to begin to read: no fact up to there can be selected.
[[nodiscard]] Result<Position> begin_of(FactSource& source, const Selector& selector);

[[nodiscard]] Result<Reported> report_events(FactSource& source, const Selection& selection,
                                             EventFormat format, std::string_view installation,
                                             const Print& print);
[[nodiscard]] Result<Reported> report_audit(FactSource& source, const Selection& selection,
                                            AuditFormat format, const Print& print);

struct StateAt {
  State state;
  std::uint64_t unknown = 0;  // as in Reported: what they changed is not in the state
};
// The fold up to `moment` (moment_text). kInvalid: a position behind the end of the log; kNotFound:
// a time before its first fact. A time behind the end is the end: nothing is on the log in between.
[[nodiscard]] Result<StateAt> state_at(FactSource& source, const Until& moment);
enum class StateFormat : std::uint8_t { kText, kJsonl };
void report_state(const State& state, StateFormat format, const Print& print);
void report_diff(const State& before, const State& after, StateFormat format, const Print& print);

}  // namespace keytrail::replay
