#include "cli/part_commands.h"

#include <boost/json.hpp>
#include <cstdio>
#include <thread>

#include "cli/endpoints.h"
#include "cli/table.h"
#include "cli/up/bring_up.h"
#include "cli/up/control.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr auto kPollEvery = std::chrono::milliseconds(100);
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
  boost::system::error_code malformed;
  const json::value value = json::parse(answer, malformed);
  if (malformed || !value.is_object())
    return Error{ErrorCode::kCorrupt, "the supervisor's answer is not JSON"};
  const json::object& object = value.as_object();
  if (!object.at("ok").as_bool()) {
    return Error{ErrorCode::kRefused, std::string(object.at("error").as_string())};
  }
  std::vector<PartRow> rows;
  for (const json::value& item : object.at("parts").as_array()) {
    const json::object& row = item.as_object();
    rows.push_back(
        {std::string(row.at("name").as_string()), std::string(row.at("condition").as_string()),
         std::string(row.at("last_end").as_string()), row.at("pid").to_number<std::int64_t>()});
  }
  return rows;
}

bool is_down(const std::vector<PartRow>& rows, const std::string& part) {
  for (const PartRow& row : rows) {
    if (row.name == part) return row.condition == "down";
  }
  return true;
}

// Until `reached` says yes; false when the time is over.
template <class Reached>
bool wait_until(std::chrono::seconds within, Reached reached) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPollEvery);
  }
  return true;
}

}  // namespace

Exit run_part(const Globals& globals, PartAction action, const std::string& part) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok()) return fail(endpoints.error());
  const ReadinessProbe probe(*endpoints);  // Before the start: what comes after is this start's.
  const char* verb = action == PartAction::kStart  ? "start"
                     : action == PartAction::kStop ? "stop"
                                                   : "kill";
  const Result<std::vector<PartRow>> asked = ask(globals.data, verb, part);
  if (!asked.ok()) return fail(asked.error());
  if (action == PartAction::kStart) {
    Readiness readiness;
    const bool ready = wait_until(kStartWithin, [&] {
      readiness = probe.ask(part);
      return readiness.ready;
    });
    if (!ready) {
      return fail({ErrorCode::kUnavailable, part + " was started but does not answer (" +
                                                readiness.state + "); its log is " + globals.data +
                                                "/log/" + part + ".log"});
    }
    std::printf("%s is up: %s\n", part.c_str(), readiness.state.c_str());
    return Exit::kDone;
  }
  const bool down = wait_until(kStopWithin, [&] {
    const auto rows = ask(globals.data, "status", "");
    return !rows.ok() || is_down(*rows, part);
  });
  if (!down) return fail({ErrorCode::kUnavailable, part + " is still running"});
  std::printf("%s is down\n", part.c_str());
  return Exit::kDone;
}

Exit run_status(const Globals& globals) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok()) return fail(endpoints.error());
  const Result<std::vector<PartRow>> rows = ask(globals.data, "status", "");
  if (!rows.ok()) return fail(rows.error());
  const ReadinessProbe probe(*endpoints);
  std::vector<std::vector<std::string>> table;
  json::array list;
  for (const PartRow& row : *rows) {
    const std::string state =
        row.condition == "running" ? probe.ask_now(row.name).state : row.condition;
    table.push_back({row.name, state, row.pid == 0 ? "-" : std::to_string(row.pid), row.last_end});
    list.push_back(json::object{
        {"name", row.name}, {"state", state}, {"pid", row.pid}, {"last_end", row.last_end}});
  }
  const std::string text = globals.json ? json::serialize(json::object{{"parts", list}}) + "\n"
                                        : format_table({"PART", "STATE", "PID", "LAST END"}, table);
  std::fputs(text.c_str(), stdout);
  return Exit::kDone;
}

}  // namespace keytrail::cli
