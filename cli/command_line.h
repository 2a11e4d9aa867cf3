// The command line: what every command shares, and where each group of commands is declared.
//
// CLI11 is slow to compile, so each add_…_commands stands in one file that only declares arguments
// and then calls plain functions. A command sets `run`; main parses, then runs it.
#pragma once

#include <functional>
#include <string>

#include "cli/exit.h"

namespace CLI {
class App;
}  // namespace CLI

namespace keytrail::cli {

struct Globals {
  std::string data = "./data";
  bool json = false;
  std::string user;           // vCenter; default: the administrator of endpoints.json
  std::string password_file;  // default: the administrator's
};

using Run = std::function<Exit(const Globals& globals)>;

void add_part_commands(CLI::App& app,
                       Run& run);  // up, part, status, eventstore|kms|vcenter|esxi run
void add_log_commands(CLI::App& app, Run& run);  // events, audit, state, diff, log, subscribers
void add_vcenter_commands(CLI::App& app,
                          Run& run);  // provider, host, vm, user, group, role, permission
void add_kms_commands(CLI::App& app, Run& run);  // kms keys|client|sign-csr|admit|shredded

}  // namespace keytrail::cli
