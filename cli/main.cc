// keytrail: one program, a subcommand per part and per thing that one asks of an installation.
#include <CLI/CLI.hpp>
#include <csignal>

#include "bus/secret/secret_bytes.h"
#include "cli/command_line.h"
#include "cli/kmip_commands.h"

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
  app.footer(
      "Start with:  keytrail up --data ./data     (then, in another terminal)  keytrail status\n"
      "Exit codes:  0 done, 1 refused or failed, 2 wrong usage, 3 not reachable");

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

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_text = error.get_exit_code() == 0;  // --help, --version
    app.exit(error);
    return static_cast<int>(asked_for_text ? Exit::kDone : Exit::kUsage);
  }
  return static_cast<int>(run(globals));
}
