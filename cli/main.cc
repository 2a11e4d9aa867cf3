// keytrail: one program, a subcommand per part and per thing that one asks of an installation.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "bus/events/words.h"
#include "bus/secret/secret_bytes.h"
#include "cli/command_line.h"
#include "cli/json_fields.h"
#include "cli/kmip_commands.h"
#include "cli/output.h"

namespace {

constexpr const char* kEveryCommand =
    "Every command takes --data DIR and --json; those to vCenter --user and --password-file.\n"
    "Exit codes:  0 done, 1 refused or failed, 2 wrong usage, 3 not reachable";
constexpr const char* kStart =
    "Start with:  keytrail up --data ./data     (then, in another terminal)  keytrail status\n";

constexpr const char* kNotHardened =
    "keytrail: no memory can be locked here, so secrets may reach the swap; raise `ulimit -l` to "
    "64 or more, or turn the swap off\n";

// The command that was come to, and how it was written.
struct Reached {
  const CLI::App* app;
  std::string path = "keytrail";
};

Reached reached(const CLI::App& app) {
  Reached at{&app};
  while (!at.app->get_subcommands().empty()) {
    at.app = at.app->get_subcommands().front();
    at.path += " " + at.app->get_name();
  }
  return at;
}

// What is wrong with the words, in one sentence.
std::string sentence_of(const CLI::App& app, const CLI::ParseError& error) {
  const Reached at = reached(app);
  std::vector<std::string> names;
  for (const CLI::App* command : at.app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  const std::vector<std::string> words = app.remaining(true);
  const std::string where_to_look = " (see `" + at.path + " --help`)";
  if (!names.empty() && !words.empty() && !words.front().starts_with("-")) {
    return "'" + at.path + " " + words.front() + "' is no command; there are " +
           keytrail::list_of(names) + where_to_look;
  }
  if (!names.empty() && words.empty() && dynamic_cast<const CLI::RequiredError*>(&error)) {
    return "'" + at.path + "' needs a command: " + keytrail::list_of(names) + where_to_look;
  }
  return error.what() + where_to_look;
}

// Whether vCenter is asked, as a user: all other commands speak as the operator, or to nobody.
bool is_given_to_vcenter(const CLI::App& app) {
  const auto& given = app.get_subcommands();
  if (given.empty()) return false;
  const std::string& group = given.front()->get_name();
  for (const char* name : {"provider", "host", "vm", "user", "group", "role", "permission"}) {
    if (group == name) return true;
  }
  return false;
}

int wrong_usage(const std::string& sentence) {
  return static_cast<int>(keytrail::cli::fail({keytrail::ErrorCode::kInvalid, sentence}));
}

// Names are sent as JSON, whatever the terminal's letters are.
std::string unless_text(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (keytrail::cli::is_utf8(argv[i])) continue;
    return "word " + std::to_string(i) +
           " of the command is not valid UTF-8 text, as every name must be";
  }
  return "";
}

std::string unless_empty(const std::string& given) {
  return given.empty() ? "must not be empty" : "";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace keytrail::cli;  // NOLINT: this is that program
  hold_standard_descriptors();
  std::signal(SIGPIPE,
              SIG_IGN);  // A reader that went away is an error of the write, not the end of us.
  const bool is_hardened = keytrail::harden_process();
  if (const std::string wrong = unless_text(argc, argv); !wrong.empty()) return wrong_usage(wrong);

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
  // Nothing given is the administrator; an empty text is somebody's variable that was not set.
  app.add_option("--user", globals.user, "vCenter user (default: the administrator)")
      ->check(unless_empty, "");
  app.add_option("--password-file", globals.password_file, "File that holds that user's password")
      ->check(unless_empty, "");

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
    if (!asked_for_text) return wrong_usage(sentence_of(app, error));
    (void)app.exit(error);
    return static_cast<int>(finish_output(Exit::kDone));
  }
  if (!(globals.user + globals.password_file).empty() && !is_given_to_vcenter(app)) {
    return wrong_usage("--user and --password-file are for commands to vCenter, and '" +
                       reached(app).path + "' is none; leave them out");
  }
  if (!is_hardened) std::fputs(kNotHardened, stderr);
  return static_cast<int>(finish_output(run(globals)));
}
