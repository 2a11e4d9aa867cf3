#include "cli/part_commands.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/answer.h"
#include "cli/endpoints.h"
#include "cli/json_fields.h"
#include "cli/up/bring_up.h"
#include "cli/up/control.h"
#include "cli/wait_until.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr auto kStartWithin = std::chrono::seconds(30);
constexpr auto kStopWithin = std::chrono::seconds(20);

struct PartRow {
  std::string name, condition, last_end;
  std::int64_t pid = 0;
};

Result<std::vector<PartRow>> ask(const std::string& data, const std::string& command,
                                 const std::string& part) {
  const std::string answer = TRY(
      ask_supervisor(data, json::serialize(json::object{{"command", command}, {"part", part}})));
  const json::object object = TRY(parse_object(answer, "the supervisor's answer"));
  if (!flag_at(object, "ok")) return Error{ErrorCode::kRefused, text_at(object, "error")};
  std::vector<PartRow> rows;
  for (const json::object* row : objects_at(object, "parts")) {
    rows.push_back({text_at(*row, "name"), text_at(*row, "condition"), text_at(*row, "last_end"),
                    number_at(*row, "pid")});
  }
  return rows;
}

// "running", "starting again", "down"; empty: there is no such part.
std::string condition_of(const std::vector<PartRow>& rows, const std::string& part) {
  for (const PartRow& row : rows) {
    if (row.name == part) return row.condition;
  }
  return "";
}

// From whom a part's state is known: a host has no socket, so vCenter says which boot of it is the
// last on the log. It may be one that ended: whether there is a process, the supervisor knows.
std::string who_tells(const Endpoints& endpoints, const PartRow& part) {
  if (part.condition != "running") return "the supervisor";
  return is_host(endpoints, part.name) ? endpoints.vcenter.name + ", from the log" : part.name;
}

Exit tell(const Globals& globals, const std::string& part, const char* now,
          const std::string& state) {
  if (globals.json) {
    return show(globals,
                json::serialize(json::object{{"part", part}, {"is", now}, {"state", state}}));
  }
  std::printf("%s is %s%s%s\n", part.c_str(), now, state.empty() ? "" : ": ", state.c_str());
  return Exit::kDone;
}

Result<std::string> start(const Globals& globals, const std::string& part) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  const auto now = TRY(ask(globals.data, "status", ""));
  // Taken before the start: what comes after is this start's. One that runs keeps the boot it has.
  const bool is_to_boot = is_host(endpoints, part) && condition_of(now, part) != "running";
  const HostBoots before = is_to_boot ? boots_before(endpoints, kPersonWaitsMs) : HostBoots();
  TRY(ask(globals.data, "start", part));
  Readiness readiness;
  const bool is_ready = wait_until(kStartWithin, [&] {
    readiness = ask_now(endpoints, part, kPersonWaitsMs, before);
    return readiness.ready;
  });
  if (is_ready) return readiness.state;
  return Error{ErrorCode::kUnavailable, part + " was started but does not answer (" +
                                            readiness.state + "); its log is " + globals.data +
                                            "/log/" + part + ".log"};
}

// `verb`: "stop" or "kill".
Result<void> take_down(const Globals& globals, const char* verb, const std::string& part) {
  TRY(ask(globals.data, verb, part));
  const bool is_down = wait_until(kStopWithin, [&] {
    const auto rows = ask(globals.data, "status", "");
    return !rows.ok() || condition_of(*rows, part) == kHeldDown;
  });
  if (is_down) return {};
  return Error{ErrorCode::kUnavailable, part + " is still running"};
}

}  // namespace

Exit run_part(const Globals& globals, PartAction action, const std::string& part) {
  if (action == PartAction::kStart) {
    const Result<std::string> state = start(globals, part);
    return state.ok() ? tell(globals, part, "up", *state) : fail(state.error());
  }
  const char* verb = action == PartAction::kStop ? "stop" : "kill";
  const Result<void> down = take_down(globals, verb, part);
  return down.ok() ? tell(globals, part, "down", "") : fail(down.error());
}

Exit run_status(const Globals& globals) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok()) return fail(endpoints.error());
  const Result<std::vector<PartRow>> rows = ask(globals.data, "status", "");
  if (!rows.ok()) return fail(rows.error());
  json::array list;
  for (const PartRow& row : *rows) {
    const std::string state = row.condition == "running"
                                  ? ask_now(*endpoints, row.name, kPersonWaitsMs).state
                                  : row.condition;
    list.push_back(json::object{{"name", row.name},
                                {"address", address_of(*endpoints, row.name)},
                                {"process", row.condition},
                                {"state", state},
                                {"told_by", who_tells(*endpoints, row)},
                                {"pid", row.pid == 0 ? json::value() : json::value(row.pid)},
                                {"last_end", row.last_end}});
  }
  return show(
      globals, json::serialize(json::object{{"parts", list}}),
      {"parts",
       {{"PART", "name"},
        {"ADDRESS", "address"},
        {"PID", "pid"},
        {"STATE", "state"},
        {"TOLD BY", "told_by"},
        {"LAST END", "last_end"}}});
}

}  // namespace keytrail::cli
