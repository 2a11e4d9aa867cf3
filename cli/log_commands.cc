#include "cli/log_commands.h"

#include <algorithm>
#include <cstdio>

#include "bus/events/clock.h"
#include "bus/events/codec.h"
#include "cli/event_types.h"
#include "cli/log_sources.h"
#include "cli/output.h"
#include "cli/stop_signals.h"
#include "replay/tool/reports.h"

namespace keytrail::cli {
namespace {

constexpr const char* kInstallation = "keytrail";  // in CloudEvents' `source`

Error not_json(const std::string& format) {
  return {ErrorCode::kInvalid, "--json and --format " + format + " contradict each other"};
}

Result<replay::EventFormat> event_format(const Globals& globals, const LogQuery& query) {
  if (query.format.empty())
    return globals.json ? replay::EventFormat::kJsonl : replay::EventFormat::kText;
  const replay::EventFormat format = TRY(replay::event_format_from(query.format));
  if (globals.json && format == replay::EventFormat::kText) return not_json(query.format);
  return format;
}

Result<replay::AuditFormat> audit_format(const Globals& globals, const LogQuery& query) {
  if (query.format.empty())
    return globals.json ? replay::AuditFormat::kJsonl : replay::AuditFormat::kTable;
  const replay::AuditFormat format = TRY(replay::audit_format_from(query.format));
  if (globals.json && format != replay::AuditFormat::kJsonl) return not_json(query.format);
  return format;
}

replay::StateFormat state_format(const Globals& globals) {
  return globals.json ? replay::StateFormat::kJsonl : replay::StateFormat::kText;
}

// Facts that a newer program wrote are skipped, never silently.
void tell_unknown(std::uint64_t unknown) {
  if (unknown == 0) return;
  std::fprintf(
      stderr,
      "keytrail: %llu facts are of a kind that only a newer program knows; they were skipped\n",
      static_cast<unsigned long long>(unknown));
}

Exit end(const Result<replay::Reported>& reported) {
  if (!reported.ok()) return fail(reported.error());
  tell_unknown(reported->unknown);
  return Exit::kDone;
}

void tell_change(client::FollowChange change, Position position, Position head) {
  const auto at = static_cast<unsigned long long>(position);
  switch (change) {
    case client::FollowChange::kCaughtUp:
      std::fprintf(stderr, "keytrail: caught up at %llu\n", at);
      break;
    case client::FollowChange::kFellBehind:
      std::fprintf(stderr, "keytrail: fell behind: at %llu of %llu\n", at,
                   static_cast<unsigned long long>(head));
      break;
    case client::FollowChange::kLost:
      std::fprintf(stderr, "keytrail: connection lost after %llu; trying again\n", at);
      break;
    case client::FollowChange::kResumed:
      std::fprintf(stderr, "keytrail: connected again; no fact was missed\n");
      break;
  }
}

Result<replay::Selection> selection_of(const LogQuery& query) {
  replay::SelectionTexts texts = query.selection;
  for (std::string& type : texts.filter.types) type = TRY(event_type(type));
  const SystemClock clock;
  return replay::selection_of(texts, clock.now());
}

Result<void> follow(const Globals& globals, const LogQuery& query) {
  const replay::Selection selection = TRY(selection_of(query));
  const replay::EventFormat format = TRY(event_format(globals, query));
  const int stop = stop_signals();  // Before the bus's threads are there.
  const auto log = TRY(LiveLog::open(globals));
  const Position head = TRY(log->head());
  const replay::From& from = selection.from;
  if (from.kind == replay::FromKind::kPosition && from.position > head + 1) {
    return Error{ErrorCode::kNotFound, "there is no fact " + std::to_string(from.position) +
                                           " yet; the log ends at " + std::to_string(head) +
                                           ", and --from end waits for what comes"};
  }
  replay::Report report(
      selection, head,
      [format](const StoredFact& stored, const Fact& fact) {
        return replay::event_text(stored, fact, format, kInstallation);
      },
      print_now);
  Result<void> malformed;
  const Position after = TRY(replay::begin_of(*log, report.selector()));
  TRY(log->reader().follow(
      after, {},
      {.on_fact =
           [&](const client::ReadFact& fact) {
             const Result<bool> goes_on = report.on_fact(fact.stored);
             if (!goes_on.ok()) malformed = goes_on.error();
             return goes_on.ok() && *goes_on && !is_output_lost();
           },
       .on_change =
           [&](client::FollowChange change, Position position, Position durable) {
             tell_change(change, position, durable);
             return change != client::FollowChange::kCaughtUp ||
                    !(selection.until.kind == replay::UntilKind::kCaughtUp ||
                      report.selector().done_at(position));
           }},
      stop));
  tell_unknown(report.reported().unknown);
  return malformed;
}

Result<void> check_is_there(replay::FactSource& log, Position position) {
  const Position head = TRY(log.head());
  if (position <= head) return {};
  return Error{ErrorCode::kNotFound, "there is no fact " + std::to_string(position) +
                                         "; the log ends at " + std::to_string(head)};
}

// Nothing is wrong with asking, and nothing will be printed: that is told, or it reads as "none".
void tell_if_behind_the_end(replay::FactSource& log, const replay::From& from) {
  if (from.kind != replay::FromKind::kPosition) return;
  const Result<Position> head = log.head();
  if (!head.ok() || from.position <= *head) return;  // What cannot be read is told by the reading.
  std::fprintf(stderr, "keytrail: the log ends at %llu, before --from %llu\n",
               static_cast<unsigned long long>(*head),
               static_cast<unsigned long long>(from.position));
}

Result<replay::StateAt> state_of(replay::FactSource& log, const std::string& moment) {
  const SystemClock clock;
  const replay::Until at = TRY(replay::moment_text(moment, clock.now()));
  if (at.kind == replay::UntilKind::kTime && at.time > clock.now()) {
    return Error{ErrorCode::kRefused, "the moment " + moment +
                                          " is yet to come; `end` is the latest there is"};
  }
  if (at.kind == replay::UntilKind::kPosition) TRY(check_is_there(log, at.position));
  return replay::state_at(log, at);
}

Result<void> show_fact(const Globals& globals, const LogQuery& query, Position position) {
  const replay::EventFormat format = TRY(event_format(globals, query));
  const auto log = TRY(open_log(globals, query.log_folder));
  TRY(check_is_there(*log, position));
  Result<void> shown = Error{ErrorCode::kRefused, "fact " + std::to_string(position) +
                                                      " may not be read with this identity"};
  TRY(log->read(position - 1, position, [&](const StoredFact& stored) {
    const Result<Fact> fact = decode_fact(stored);
    if (fact.ok()) print(replay::event_text(stored, *fact, format, kInstallation));
    shown = fact.ok() ? Result<void>() : Result<void>(fact.error());
    return false;
  }));
  return shown;
}

}  // namespace

Exit run_events_follow(const Globals& globals, const LogQuery& query) {
  if (!query.log_folder.empty()) {
    return fail({ErrorCode::kInvalid, "a copy does not grow; use `keytrail events read --log …`"});
  }
  const Result<void> ended = follow(globals, query);
  return ended.ok() ? Exit::kDone : fail(ended.error());
}

Exit run_events_read(const Globals& globals, const LogQuery& query) {
  const auto selection = selection_of(query);
  if (!selection.ok()) return fail(selection.error());
  const auto format = event_format(globals, query);
  if (!format.ok()) return fail(format.error());
  const auto log = open_log(globals, query.log_folder);
  if (!log.ok()) return fail(log.error());
  tell_if_behind_the_end(**log, selection->from);
  return end(replay::report_events(**log, *selection, *format, kInstallation, print));
}

Exit run_events_get(const Globals& globals, const LogQuery& query, std::uint64_t position) {
  const Result<void> shown = show_fact(globals, query, position);
  return shown.ok() ? Exit::kDone : fail(shown.error());
}

Exit run_audit(const Globals& globals, const LogQuery& query) {
  const auto selection = selection_of(query);
  if (!selection.ok()) return fail(selection.error());
  const auto format = audit_format(globals, query);
  if (!format.ok()) return fail(format.error());
  const auto log = open_log(globals, query.log_folder);
  if (!log.ok()) return fail(log.error());
  tell_if_behind_the_end(**log, selection->from);
  return end(replay::report_audit(**log, *selection, *format, print));
}

Exit run_state(const Globals& globals, const std::string& log_folder, const std::string& at) {
  const auto log = open_log(globals, log_folder);
  if (!log.ok()) return fail(log.error());
  const auto state = state_of(**log, at);
  if (!state.ok()) return fail(state.error());
  replay::report_state(state->state, state_format(globals), print);
  tell_unknown(state->unknown);
  return Exit::kDone;
}

Exit run_diff(const Globals& globals, const std::string& log_folder, const std::string& before,
              const std::string& after) {
  const auto log = open_log(globals, log_folder);
  if (!log.ok()) return fail(log.error());
  const auto first = state_of(**log, before);
  if (!first.ok()) return fail(first.error());
  const auto second = state_of(**log, after);
  if (!second.ok()) return fail(second.error());
  replay::report_diff(first->state, second->state, state_format(globals), print);
  tell_unknown(std::max(first->unknown, second->unknown));  // One moment's are the other's too.
  return Exit::kDone;
}

}  // namespace keytrail::cli
