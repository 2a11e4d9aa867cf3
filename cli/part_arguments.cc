// The arguments of `up`, `part`, `status`, and of a part alone.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/part_commands.h"
#include "cli/up/up.h"

namespace keytrail::cli {
namespace {

constexpr const char* kAcceptClockHelp =
    "Start although the clock is far behind the log's last fact; it is recorded";

void add_up(CLI::App& app, Run& run) {
  auto options = std::make_shared<UpOptions>();
  CLI::App* up =
      app.add_subcommand("up", "Start a whole installation and keep it running until Ctrl-C");
  auto* base = up->add_option("--port-base", options->port_base, "First port; KMIP is at +6")
                   ->check(CLI::Range(1024, int{Ports::kBaseMax}))
                   ->capture_default_str();
  auto* replicas = up->add_option("--replicas", options->replicas, "Key servers")
                       ->check(CLI::Range(1, int{Ports::kReplicasMax}))
                       ->capture_default_str();
  auto* hosts = up->add_option("--hosts", options->hosts, "Hosts")
                    ->check(CLI::Range(1, int{Ports::kHostsMax}))
                    ->capture_default_str();
  up->add_flag("--accept-clock", options->accept_clock, kAcceptClockHelp);
  up->callback([options, base, replicas, hosts, &run] {
    options->is_given = base->count() + replicas->count() + hosts->count() > 0;
    run = [options](const Globals& globals) { return run_up(globals, *options); };
  });
}

void add_part(CLI::App& app, Run& run) {
  CLI::App* part = app.add_subcommand("part", "Start and stop single parts of an installation");
  part->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, PartAction action) {
    auto which = std::make_shared<std::string>();
    CLI::App* command = part->add_subcommand(name, help);
    command->add_option("NAME", *which, "Part, e.g. kms-1 (see `keytrail status`)")->required();
    command->callback([which, action, &run] {
      run = [which, action](const Globals& globals) { return run_part(globals, action, *which); };
    });
  };
  add("start", "Start it, and wait until it answers", PartAction::kStart);
  add("stop", "Stop it in order; it stays down", PartAction::kStop);
  add("kill", "SIGKILL, as a crash would; it stays down until `part start`", PartAction::kKill);
}

void add_run(CLI::App& app, Run& run, const char* part, const char* help,
             Exit (*run_alone)(const std::string&)) {
  auto config = std::make_shared<std::string>();
  CLI::App* group = app.add_subcommand(part, help);
  group->require_subcommand(1);
  CLI::App* alone = group->add_subcommand("run", "Run one part alone, e.g. under systemd");
  alone->add_option("--config", *config, "Its TOML file")->required()->check(CLI::ExistingFile);
  alone->callback([config, run_alone, &run] {
    run = [config, run_alone](const Globals&) { return run_alone(*config); };
  });
}

void add_run_eventstore(CLI::App& app, Run& run) {
  auto store = std::make_shared<StoreRun>();
  CLI::App* group =
      app.add_subcommand("eventstore", "The event store: orders, makes durable, publishes");
  group->require_subcommand(1);
  CLI::App* alone = group->add_subcommand("run", "Run it alone, e.g. under systemd");
  alone->add_option("--config", store->config_file, "Its TOML file")
      ->required()
      ->check(CLI::ExistingFile);
  alone->add_flag("--accept-clock", store->accept_clock, kAcceptClockHelp);
  alone->callback(
      [store, &run] { run = [store](const Globals&) { return run_eventstore(*store); }; });
}

}  // namespace

void add_part_commands(CLI::App& app, Run& run) {
  add_up(app, run);
  app.add_subcommand("status", "How the parts of the installation are")->callback([&run] {
    run = run_status;
  });
  add_part(app, run);
  add_run_eventstore(app, run);
  add_run(app, run, "kms", "Key servers: operate those of the installation, or run one",
          run_kms_replica);
  add_run(app, run, "vcenter", "The vCenter", run_vcenter_part);
  add_run(app, run, "esxi", "A host", run_esxi);
}

}  // namespace keytrail::cli
