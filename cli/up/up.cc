#include "cli/up/up.h"

#include <poll.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>

#include "bus/wire/wake_event.h"
#include "cli/answer.h"
#include "cli/json_fields.h"
#include "cli/stop_signals.h"
#include "cli/up/bring_up.h"
#include "cli/up/control.h"
#include "cli/up/supervisor.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

// How far it is, for whoever watches; with --json stdout holds the result alone.
Supervisor::Tell teller(bool json) {
  return [to = json ? stderr : stdout](const std::string& sentence) {
    std::fprintf(to, "%s\n", sentence.c_str());
    std::fflush(to);
  };
}

std::string name_of(PartCondition condition) {
  switch (condition) {
    case PartCondition::kRunning:
      return "running";
    case PartCondition::kWaiting:
      return "starting again";
    case PartCondition::kDown:
      return kHeldDown;
  }
  return "";
}

json::array rows_of(const Supervisor& supervisor) {
  json::array rows;
  for (const PartStatus& part : supervisor.status()) {
    rows.push_back(json::object{{"name", part.name},
                                {"condition", name_of(part.condition)},
                                {"pid", part.pid},
                                {"last_end", part.last_end}});
  }
  return rows;
}

std::string handle(Supervisor& supervisor, const std::string& request) {
  const Result<json::object> asked = parse_object(request, "the request");
  const std::string command = asked.ok() ? text_at(*asked, "command") : "";
  const std::string part = asked.ok() ? text_at(*asked, "part") : "";
  Result<void> done;
  if (command == "start")
    done = supervisor.start(part);
  else if (command == "stop")
    done = supervisor.stop(part);
  else if (command == "kill")
    done = supervisor.kill(part);
  else if (command != "status")
    done = Error{ErrorCode::kInvalid, "commands are start, stop, kill, status"};
  if (!done.ok())
    return json::serialize(json::object{{"ok", false}, {"error", done.error().detail}});
  return json::serialize(json::object{{"ok", true}, {"parts", rows_of(supervisor)}});
}

void set_pids(Endpoints& endpoints, const Supervisor& supervisor) {
  for (const PartStatus& part : supervisor.status()) {
    if (part.name == "eventstore") endpoints.eventstore_pid = part.pid;
    if (part.name == endpoints.vcenter.name) endpoints.vcenter.pid = part.pid;
    for (KmsEndpoint& replica : endpoints.kms) {
      if (part.name == replica.name) replica.pid = part.pid;
    }
    for (HostEndpoint& host : endpoints.hosts) {
      if (part.name == host.name) host.pid = part.pid;
    }
  }
}

std::string parts_of(const Endpoints& endpoints, const Supervisor& supervisor) {
  json::array parts;
  for (const PartStatus& part : supervisor.status()) {
    parts.push_back(json::object{{"name", part.name},
                                 {"address", address_of(endpoints, part.name)},
                                 {"pid", part.pid}});
  }
  return json::serialize(json::object{{"data", endpoints.data}, {"parts", parts}});
}

void print_parts(const Endpoints& endpoints, const Supervisor& supervisor, bool as_json) {
  const Globals globals{.data = {}, .json = as_json, .user = {}, .password_file = {}};
  (void)show(globals, parts_of(endpoints, supervisor),
             {"parts", {{"PART", "name"}, {"ADDRESS", "address"}, {"PID", "pid"}}});
  std::fflush(stdout);
}

// What keeps an installation running: its processes, who asks about them, and the signals to stop.
class Loop final : public Meanwhile {
 public:
  Loop(Supervisor& supervisor, ControlServer& control, int signals, Supervisor::Tell tell)
      : supervisor_(supervisor), control_(control), signals_(signals), tell_(std::move(tell)) {}

  // One turn: sleeps until something happens, `timeout_ms` at most (-1: no bound).
  void turn(int timeout_ms) {
    std::vector<pollfd> items{{signals_, POLLIN, 0}};
    for (const int fd : supervisor_.fds()) items.push_back({fd, POLLIN, 0});
    for (const int fd : control_.fds()) items.push_back({fd, POLLIN, 0});
    const int timer = supervisor_.next_timer_ms();
    const int wait =
        timer < 0 ? timeout_ms : (timeout_ms < 0 ? timer : std::min(timer, timeout_ms));
    (void)poll(items.data(), static_cast<nfds_t>(items.size()), wait);
    supervisor_.step();
    control_.step();
  }

  void turn() override { turn(20); }
  [[nodiscard]] bool is_stopping() const override { return wire::is_readable(signals_); }
  void tell(const std::string& sentence) override { tell_(sentence); }

 private:
  Supervisor& supervisor_;
  ControlServer& control_;
  const int signals_;
  const Supervisor::Tell tell_;
};

bool is_running(const Supervisor& supervisor, const std::string& name) {
  for (const PartStatus& part : supervisor.status()) {
    if (part.name == name) return part.condition == PartCondition::kRunning;
  }
  return false;
}

// Asks one part that was not heard of since its start. How long to wait before the next, in ms.
int hear(Supervisor& supervisor, const Endpoints& endpoints) {
  constexpr int kBetweenQuestionsMs = 1000;
  const std::optional<std::string> part = supervisor.next_unheard();
  if (!part.has_value()) return -1;
  const std::string& who_knows = is_host(endpoints, *part) ? endpoints.vcenter.name : *part;
  if (is_running(supervisor, who_knows) && ask_now(endpoints, *part, kLoopWaitsMs).ready) {
    supervisor.answered(*part);
  }
  return kBetweenQuestionsMs;
}

// Brings all parts up, then keeps them so until a signal.
Result<void> serve(Supervisor& supervisor, Loop& loop, Endpoints endpoints, bool as_json) {
  TRY(bring_up(endpoints, supervisor, loop));
  set_pids(endpoints, supervisor);
  TRY(write_endpoints(endpoints));
  print_parts(endpoints, supervisor, as_json);
  loop.tell("up; the data are in " + endpoints.data + "; stop with Ctrl-C");
  std::uint64_t seen = supervisor.changes();
  while (!loop.is_stopping()) {
    loop.turn(hear(supervisor, endpoints));
    if (supervisor.changes() == seen) continue;
    seen = supervisor.changes();
    set_pids(endpoints, supervisor);
    // Only pids are out of date then; the next change writes them all.
    if (const Result<void> written = write_endpoints(endpoints); !written.ok())
      loop.tell("endpoints.json names old processes: " + written.error().detail);
  }
  return {};
}

// Stops all in order, last first; the supervisor bounds each part's time.
void stop(Supervisor& supervisor, Loop& loop) {
  loop.tell("stopping");
  supervisor.stop_all();
  while (!supervisor.all_down()) loop.turn(100);
}

Result<void> up(const UpOptions& options) {
  OsRandom random;
  SystemClock clock;
  Installation installation = TRY(Installation::open(options, random));
  const int signals = stop_signals();
  const Supervisor::Tell tell = teller(options.json);
  Supervisor supervisor(clock, tell);
  ControlServer control = TRY(ControlServer::listen(
      installation.data() + "/run/up.sock",
      [&supervisor](const std::string& request) { return handle(supervisor, request); }));
  const std::string program = "/proc/self/exe";
  for (const Installation::Part& part : installation.parts()) {
    std::vector<std::string> command{program, part.subcommand, "run", "--config", part.config};
    if (options.accept_clock && part.subcommand == "eventstore")
      command.emplace_back("--accept-clock");
    supervisor.add({part.name, std::move(command), part.log});
  }
  Loop loop(supervisor, control, signals, tell);
  const Result<void> served =
      serve(supervisor, loop, installation.endpoints(), options.json);
  stop(supervisor, loop);
  return served;
}

}  // namespace

Exit run_up(const Globals& globals, const UpOptions& given) {
  UpOptions options = given;
  options.data = globals.data;
  options.json = globals.json;
  const Result<void> ended = up(options);
  if (ended.ok()) return Exit::kDone;
  (void)fail(ended.error());
  return Exit::kFailed;  // What it could not reach is its own.
}

}  // namespace keytrail::cli
