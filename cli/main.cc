// keytrail: one program, a subcommand per part and per thing that one asks of an installation.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "bus/secret/secret_bytes.h"
#include "cli/command_line.h"
#include "cli/kmip_commands.h"

namespace {

constexpr const char* kEveryCommand =
    "Every command takes --data DIR and --json; those to vCenter --user and --password-file.\n"
    "Exit codes:  0 done, 1 refused or failed, 2 wrong usage, 3 not reachable";
constexpr const char* kStart =
    "Start with:  keytrail up --data ./data     (then, in another terminal)  keytrail status\n";

// A word where a command should stand. False: that was not what was wrong.
bool tell_unknown_command(const CLI::App& app) {
  const CLI::App* group = &app;
  std::string path = "keytrail";
  while (!group->get_subcommands().empty()) {
    group = group->get_subcommands().front();
    path += " " + group->get_name();
  }
  const std::vector<std::string> words = app.remaining(true);
  const std::vector<const CLI::App*> commands =
      group->get_subcommands([](const CLI::App*) { return true; });
  if (words.empty() || words.front().starts_with("-") || commands.empty()) return false;
  std::string names;
  for (const CLI::App* command : commands) {
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  std::fprintf(stderr, "keytrail: '%s %s' is no command; there are %s (see `%s --help`)\n",
               path.c_str(), words.front().c_str(), names.c_str(), path.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace keytrail::cli;  // NOLINT: this is that program
  std::signal(SIGPIPE,
              SIG_IGN);  // A reader that went away is an error of the write, not the end of us.
  (void)keytrail::harden_process();

  CLI::App app{
      "Keytrail: vSphere Virtual Machine Encryption, re-created on an immutable log.\n"
      "Key servers, a vCenter and hosts really encrypt; everything they do is an event.",
      "keytrail"};
  app.set_version_flag("--version", std::string("keytrail ") + KEYTRAIL_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kEveryCommand);  // Those that are added take it over.

  Globals globals;
  app.add_option("--data", globals.data, "Folder of the installation")
      ->envname("KEYTRAIL_DATA")
      ->capture_default_str();
  app.add_flag("--json", globals.json, "Print JSON, for programs");
  app.add_option("--user", globals.user, "vCenter user (default: the administrator)");
  app.add_option("--password-file", globals.password_file, "File that holds that user's password");

  Run run;
  add_part_commands(app, run);
  add_log_commands(app, run);
  add_vcenter_commands(app, run);
  add_kms_commands(app, run);
  add_kmip_commands(app, run);

  app.footer(std::string(kStart) + kEveryCommand);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_text = error.get_exit_code() == 0;  // --help, --version
    if (asked_for_text || !tell_unknown_command(app)) app.exit(error);
    return static_cast<int>(asked_for_text ? Exit::kDone : Exit::kUsage);
  }
  return static_cast<int>(run(globals));
}
