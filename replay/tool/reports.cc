#include "replay/tool/reports.h"

#include <utility>

#include "bus/events/codec.h"
#include "bus/events/json.h"
#include "bus/events/words.h"

namespace keytrail::replay {
namespace {

// The short form of an event: what a script asks for first, then the event's own fields as they
// are.
std::string event_jsonl(const Fact& fact) {
  const Facets facets = facets_of(fact.body);
  std::string line = json_object({{"position", std::to_string(fact.stamp.position)},
                                  {"time", to_rfc3339(fact.stamp.time)},
                                  {"author", fact.stamp.author},
                                  {"type", say({facets.part, ".", facets.type})},
                                  {"user", facets.user},
                                  {"origin", fact.body.origin.address},
                                  {"action", to_string(facets.action)},
                                  {"key", to_string(facets.key)},
                                  {"vm", facets.vm},
                                  {"host", facets.host},
                                  {"provider", facets.provider},
                                  {"object", facets.object},
                                  {"outcome", std::string(to_string(facets.outcome))},
                                  {"severity", std::string(to_string(facets.severity))}});
  line.back() = ',';  // The closing brace makes room for the one member that is no text.
  return line + "\"data\":" + event_to_json(fact.body.event) + "}";
}

Error malformed(const StoredFact& stored, const Error& error) {
  const auto stamp = decode_stamp(stored.stamp);
  const std::string where =
      stamp.ok() ? "fact " + std::to_string(stamp.value().position) : "a fact with a bad stamp";
  return {ErrorCode::kCorrupt, say({where, ": ", error.detail, "; run `keytrail log verify`"})};
}

Result<Reported> run(FactSource& source, const Selection& selection, Report::Line line,
                     const Print& print) {
  const Position head = TRY(source.head());
  Report report(selection, head, std::move(line), print);
  std::optional<Error> failed;
  const Position after = TRY(begin_of(source, report.selector()));
  TRY(source.read(after, report.selector().last().value_or(head), [&](const StoredFact& stored) {
    const auto more = report.on_fact(stored);
    if (!more.ok()) failed = more.error();
    return more.ok() && more.value();
  }));
  if (failed) return *failed;
  return report.reported();
}

}  // namespace

Result<EventFormat> event_format_from(std::string_view text) {
  if (text == "text") return EventFormat::kText;
  if (text == "jsonl") return EventFormat::kJsonl;
  if (text == "cloudevents") return EventFormat::kCloudevents;
  return Error{ErrorCode::kInvalid,
               say({"a format is text, jsonl or cloudevents; not \"", printable(text), "\""})};
}

std::string event_text(const StoredFact& stored, const Fact& fact, EventFormat format,
                       std::string_view installation) {
  switch (format) {
    case EventFormat::kText:
      return event_line(fact);
    case EventFormat::kJsonl:
      return event_jsonl(fact);
    case EventFormat::kCloudevents:
      return to_cloudevent(fact, leaf_of(stored.stamp, stored.body), installation);
  }
  return "";
}

Report::Report(Selection selection, Position head, Line line, Print print)
    : selector_(std::move(selection), head), line_(std::move(line)), print_(std::move(print)) {}

Result<bool> Report::on_fact(const StoredFact& stored) {
  const auto fact = decode_fact(stored);
  if (!fact.ok()) {
    if (fact.error().code != ErrorCode::kNotFound) return malformed(stored, fact.error());
    ++reported_.unknown;
    return true;
  }
  switch (selector_.look(fact.value(), facets_of(fact.value().body))) {
    case Selector::Verdict::kStop:
      return false;
    case Selector::Verdict::kSkip:
      break;
    case Selector::Verdict::kTake:
      print_(line_(stored, fact.value()));
      ++reported_.lines;
      break;
  }
  return !selector_.done_at(fact.value().stamp.position);
}

Result<Position> begin_of(FactSource& source, const Selector& selector) {
  if (const auto since = selector.since()) return source.position_before(*since);
  return selector.after();
}

Result<Reported> report_events(FactSource& source, const Selection& selection, EventFormat format,
                               std::string_view installation, const Print& print) {
  const auto line = [&](const StoredFact& stored, const Fact& fact) {
    return event_text(stored, fact, format, installation);
  };
  return run(source, selection, line, print);
}

Result<Reported> report_audit(FactSource& source, const Selection& selection, AuditFormat format,
                              const Print& print) {
  // Above the first row, or alone where there is none: a trail that could not be read has none.
  std::string header = audit_header(format);
  const auto print_header = [&] {
    if (!header.empty()) print(std::exchange(header, ""));
  };
  const auto line = [&](const StoredFact&, const Fact& fact) {
    return audit_line(audit_row_of(fact), format);
  };
  const Reported reported = TRY(run(source, selection, line, [&](const std::string& row) {
    print_header();
    print(row);
  }));
  print_header();
  return reported;
}

Result<StateAt> state_at(FactSource& source, const Until& moment) {
  const Position head = TRY(source.head());
  const bool by_position = moment.kind == UntilKind::kPosition;
  if (by_position && moment.position > head) {
    return Error{ErrorCode::kInvalid, say({"the log ends at ", std::to_string(head), ", before ",
                                           std::to_string(moment.position)})};
  }
  StateAt at;
  bool begun = false;
  std::optional<Error> failed;
  TRY(source.read(0, by_position ? moment.position : head, [&](const StoredFact& stored) {
    const auto fact = decode_fact(stored);
    if (!fact.ok()) {
      if (fact.error().code == ErrorCode::kNotFound) {
        ++at.unknown;
        return true;
      }
      failed = malformed(stored, fact.error());
      return false;
    }
    if (moment.kind == UntilKind::kTime && fact.value().stamp.time > moment.time) return false;
    begun = true;
    evolve(at.state, fact.value());
    return true;
  }));
  if (failed) return *failed;
  if (moment.kind == UntilKind::kTime && !begun) {
    return Error{ErrorCode::kNotFound,
                 "the log begins after that moment; ask for a later one, or a position from 1 on"};
  }
  return at;
}

void report_state(const State& state, StateFormat format, const Print& print) {
  for (const std::string& line :
       format == StateFormat::kText ? state_lines(state) : state_jsonl(state)) {
    print(line);
  }
}

void report_diff(const State& before, const State& after, StateFormat format, const Print& print) {
  for (const std::string& line :
       format == StateFormat::kText ? diff_lines(before, after) : diff_jsonl(before, after)) {
    print(line);
  }
}

}  // namespace keytrail::replay
