// The arguments of `events`, `audit`, `state`, `diff`, `log` and `subscribers`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/checks.h"
#include "cli/log_commands.h"

namespace keytrail::cli {
namespace {

void add_log_folder(CLI::App& command, std::string& folder) {
  command
      .add_option("--log", folder, "Read this copy of an event store's folder, not the running one")
      ->check(CLI::ExistingDirectory);
}

void add_selection(CLI::App& command, LogQuery& query, const std::string& from) {
  replay::SelectionTexts& texts = query.selection;
  texts.from = from;
  command.add_option("--from", texts.from, "start, end, N, -N (the last N), @TIME, @-1h")
      ->capture_default_str();
  command.add_option("--until", texts.until, "N, @TIME, @-1h, end, caught-up");
  command.add_option("-n", texts.count, "At most so many")
      ->check(counts_from_one("a count"), "");
  command.add_option("--type", texts.filter.types,
                     "Event, e.g. KeyReleased, or kms.* (repeat: or)");
  command.add_option("--user", texts.filter.users, "On whose behalf");
  command.add_option("--key", texts.filter.keys, "Key id, or PROVIDER/ID");
  command.add_option("--vm", texts.filter.vms, "VM");
  command.add_option("--host", texts.filter.hosts, "Host");
  command.add_option("--action", texts.filter.actions,
                     "Action id: all that one user action caused");
  command.add_option("--outcome", texts.filter.outcomes,
                     "succeeded, refused, failed, started, none");
  add_log_folder(command, query.log_folder);
}

void add_events(CLI::App& app, Run& run) {
  CLI::App* events = app.add_subcommand("events", "The facts of the log, as they are");
  events->require_subcommand(1);
  const std::string formats = "text, jsonl, cloudevents";

  auto follow = std::make_shared<LogQuery>();
  CLI::App* follow_app = events->add_subcommand("follow", "Show facts as they come, until Ctrl-C");
  add_selection(*follow_app, *follow, "end");
  follow_app->add_option("--format", follow->format, formats);
  follow_app->callback([follow, &run] {
    run = [follow](const Globals& g) { return run_events_follow(g, *follow); };
  });

  auto read = std::make_shared<LogQuery>();
  CLI::App* read_app = events->add_subcommand("read", "Show facts that are there");
  add_selection(*read_app, *read, "start");
  read_app->add_option("--format", read->format, formats);
  read_app->callback(
      [read, &run] { run = [read](const Globals& g) { return run_events_read(g, *read); }; });

  auto get = std::make_shared<LogQuery>();
  auto position = std::make_shared<std::uint64_t>();
  CLI::App* get_app = events->add_subcommand("get", "Show one fact");
  get_app->add_option("POSITION", *position, "Its position")
      ->required()
      ->check(counts_from_one("a position"), "");
  get_app->add_option("--format", get->format, formats);
  add_log_folder(*get_app, get->log_folder);
  get_app->callback([get, position, &run] {
    run = [get, position](const Globals& g) { return run_events_get(g, *get, *position); };
  });
}

void add_audit(CLI::App& app, Run& run) {
  auto query = std::make_shared<LogQuery>();
  CLI::App* audit = app.add_subcommand(
      "audit", "The audit trail: time, user, from where, operation, key, object, outcome");
  add_selection(*audit, *query, "start");
  audit->add_option("--format", query->format, "table, csv, jsonl");
  audit->callback(
      [query, &run] { run = [query](const Globals& g) { return run_audit(g, *query); }; });
}

void add_state(CLI::App& app, Run& run) {
  auto folder = std::make_shared<std::string>();
  auto at = std::make_shared<std::string>("end");
  CLI::App* state = app.add_subcommand(
      "state", "Keys, providers, rights, hosts, VMs at a moment, from the log alone");
  state->add_option("--at", *at, "Position, @TIME, or end")->capture_default_str();
  add_log_folder(*state, *folder);
  state->callback([folder, at, &run] {
    run = [folder, at](const Globals& g) { return run_state(g, *folder, *at); };
  });

  auto moments = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* diff = app.add_subcommand("diff", "What changed between two moments");
  diff->add_option("BEFORE", moments->first, "Position, @TIME, or end")->required();
  diff->add_option("AFTER", moments->second, "Position, @TIME, or end")->required();
  add_log_folder(*diff, *folder);
  diff->callback([folder, moments, &run] {
    run = [folder, moments](const Globals& g) {
      return run_diff(g, *folder, moments->first, moments->second);
    };
  });
}

void add_proofs(CLI::App& log, Run& run) {
  auto order = std::make_shared<ProofOrder>();
  CLI::App* prove =
      log.add_subcommand("prove", "Write one fact with the proof that it stands in the log");
  prove->add_option("POSITION", order->position, "Its position")
      ->required()
      ->check(counts_from_one("a position"), "");
  prove->add_option("-o,--out", order->file, "The file, e.g. fact.tlog-proof")->required();
  add_log_folder(*prove, order->log_folder);
  prove->callback(
      [order, &run] { run = [order](const Globals& g) { return run_log_prove(g, *order); }; });

  auto check = std::make_shared<ProofCheck>();
  CLI::App* check_app =
      log.add_subcommand("check", "Check such a file; needs the log's public key, not the log");
  check_app->add_option("FILE", check->file, "The file")->required()->check(CLI::ExistingFile);
  check_app->add_option("--policy", check->policy_file, "Whom to trust (a C2SP tlog-policy file)")
      ->check(CLI::ExistingFile);
  check_app->add_option("--log-key", check->log_key,
                        "The log's key, name+id+base64 (default: this installation's)");
  check_app->callback(
      [check, &run] { run = [check](const Globals& g) { return run_log_check(g, *check); }; });

  auto folder = std::make_shared<std::string>();
  auto into = std::make_shared<std::string>();
  CLI::App* tiles =
      log.add_subcommand("tiles", "Write tree and facts as tiles, for any web server to offer");
  tiles->add_option("DIR", *into, "Where to; what is there is kept")->required();
  add_log_folder(*tiles, *folder);
  tiles->callback([folder, into, &run] {
    run = [folder, into](const Globals& g) { return run_log_tiles(g, *folder, *into); };
  });
}

void add_log(CLI::App& app, Run& run) {
  CLI::App* log = app.add_subcommand("log", "The log as a file: is it whole, how long is it");
  log->require_subcommand(1);
  struct Verify {
    std::string folder, checkpoint_key;
  };
  auto asked = std::make_shared<Verify>();
  CLI::App* verify = log->add_subcommand(
      "verify", "Check every byte, hash and attachment, the checkpoint, and what other parts know");
  add_log_folder(*verify, asked->folder);
  verify->add_option("--checkpoint-key", asked->checkpoint_key,
                     "The store's Ed25519 key in hexadecimal (default for the installation's own "
                     "log: that of endpoints.json)");
  verify->callback([asked, &run] {
    run = [asked](const Globals& g) {
      return run_log_verify(g, asked->folder, asked->checkpoint_key);
    };
  });
  auto folder = std::make_shared<std::string>();
  CLI::App* info = log->add_subcommand("info", "Its id, generation, head and size");
  add_log_folder(*info, *folder);
  info->callback(
      [folder, &run] { run = [folder](const Globals& g) { return run_log_info(g, *folder); }; });
  add_proofs(*log, run);
}

void add_subscribers(CLI::App& app, Run& run) {
  CLI::App* subscribers =
      app.add_subcommand("subscribers", "Identities for third parties on the bus");
  subscribers->require_subcommand(1);
  struct Add {
    std::string name, key_file;
    std::vector<std::string> topics;
  };
  auto add = std::make_shared<Add>();
  CLI::App* add_app =
      subscribers->add_subcommand("add", "Make an identity that may subscribe and read");
  add_app->add_option("NAME", add->name, "PART/INSTANCE, e.g. siem/splunk")->required();
  add_app->add_option("--topics", add->topics, "Topics, e.g. kms.change,vcenter.note,head")
      ->required()
      ->delimiter(',');
  add_app->add_option("--key-file", add->key_file,
                      "Where to write its key (default: client/NAME.key)");
  add_app->callback([add, &run] {
    run = [add](const Globals& g) {
      return run_subscribers_add(g, add->name, add->topics, add->key_file);
    };
  });
  subscribers->add_subcommand("list", "Identities and what they may")->callback([&run] {
    run = run_subscribers_list;
  });
  auto name = std::make_shared<std::string>();
  CLI::App* revoke = subscribers->add_subcommand("revoke", "Turn an identity away from now on");
  revoke->add_option("NAME", *name, "Its name")->required();
  revoke->callback([name, &run] {
    run = [name](const Globals& g) { return run_subscribers_revoke(g, *name); };
  });
}

}  // namespace

void add_log_commands(CLI::App& app, Run& run) {
  add_events(app, run);
  add_audit(app, run);
  add_state(app, run);
  add_log(app, run);
  add_subscribers(app, run);
}

}  // namespace keytrail::cli
