// The arguments of `keytrail kmip …`: a KMIP client for any key server.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/checks.h"
#include "cli/kmip_commands.h"

namespace keytrail::cli {
namespace {

// What every command of the group is declared with.
struct Group {
  CLI::App& kmip;
  Run& run;
  std::shared_ptr<KmipSession> session;
};

void add_session_options(CLI::App& kmip, KmipSession& session) {
  kmip.add_option("--server", session.server,
                  "HOST:PORT (default: the installation's first key server)");
  kmip.add_option("--cert", session.certificate_file, "PEM file of the client's certificate");
  kmip.add_option("--key", session.key_file, "PEM file of its private key");
  CLI::Option* ca =
      kmip.add_option("--ca", session.ca_file, "PEM file of the authority behind the server");
  kmip.add_option("--pin", session.pin, "SHA-256 of the server's certificate, instead of --ca")
      ->excludes(ca);
  kmip.add_option("--server-name", session.name,
                  "Name that the server's certificate must bear (default: HOST)");
  kmip.add_option("--username", session.username, "User name of a KMIP credential");
  kmip.add_option("--credential-file", session.password_file, "File that holds its password");
  kmip.add_option("--kmip-version", session.version,
                  "1.0 to 1.4 (default: the highest that both speak)");
  kmip.add_option("--timeout-ms", session.timeout_ms, "Longest wait for the server")
      ->check(CLI::Range(1, 600'000))
      ->capture_default_str();
}

// A command that names one object and nothing else.
void add_on_one_object(const Group& group, const char* name, const char* description,
                       Exit (*perform)(const Globals&, const KmipSession&, const std::string&)) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = group.kmip.add_subcommand(name, description);
  command->add_option("ID", *id, "Unique identifier")->required();
  command->callback([group, id, perform] {
    group.run = [group, id, perform](const Globals& g) { return perform(g, *group.session, *id); };
  });
}

void add_questions(const Group& group) {
  group.kmip.add_subcommand("discover", "Versions that the server speaks")->callback([group] {
    group.run = [group](const Globals& g) { return run_kmip_discover(g, *group.session); };
  });
  group.kmip.add_subcommand("query", "Operations, objects and vendor of the server")
      ->callback([group] {
        group.run = [group](const Globals& g) { return run_kmip_query(g, *group.session); };
      });

  auto of = std::make_shared<std::pair<std::string, std::vector<std::string>>>();
  CLI::App* attributes = group.kmip.add_subcommand("attributes", "Attributes of an object");
  attributes->add_option("ID", of->first, "Unique identifier")->required();
  attributes->add_option("NAME", of->second, "Names (default: all)");
  attributes->callback([group, of] {
    group.run = [group, of](const Globals& g) {
      return run_kmip_attributes(g, *group.session, of->first, of->second);
    };
  });

  auto wanted = std::make_shared<KmipLocate>();
  CLI::App* locate = group.kmip.add_subcommand("locate", "Identifiers of objects that match");
  locate->add_option("--name", wanted->name, "Name");
  locate->add_option("--state", wanted->state, "PreActive, Active, Deactivated, Compromised, …");
  locate->add_option("--type", wanted->type, "SymmetricKey, SecretData, OpaqueObject");
  locate->add_option("--group", wanted->group, "Object group");
  locate->add_option("--attribute", wanted->attributes, "x-NAME=TEXT, as often as needed");
  locate->add_option("--max", wanted->maximum, "At most so many")
      ->check(counts_from_one("a count"), "");
  locate->callback([group, wanted] {
    group.run = [group, wanted](const Globals& g) {
      return run_kmip_locate(g, *group.session, *wanted);
    };
  });
}

void add_makers(const Group& group) {
  auto key = std::make_shared<KmipCreate>();
  CLI::App* create = group.kmip.add_subcommand("create", "Make a symmetric key on the server");
  create->add_option("--algorithm", key->algorithm, "Algorithm")->capture_default_str();
  create->add_option("--bits", key->length_bits, "Length")->capture_default_str();
  create->add_option("--usage", key->usage, "Usage mask")->capture_default_str();
  create->add_option("--name", key->name, "Name");
  create->add_option("--attribute", key->attributes, "x-NAME=TEXT, as often as needed");
  create->add_flag("--activate", key->activate, "Activate it at once");
  create->callback([group, key] {
    group.run = [group, key](const Globals& g) { return run_kmip_create(g, *group.session, *key); };
  });

  auto object = std::make_shared<KmipRegister>();
  CLI::App* enter = group.kmip.add_subcommand("register", "Give the server material to keep");
  enter->add_option("FILE", object->file, "File that holds the material, as it is")
      ->required()
      ->check(CLI::ExistingFile);
  enter->add_option("--type", object->type, "SymmetricKey, SecretData, OpaqueObject")
      ->capture_default_str();
  enter->add_option("--algorithm", object->algorithm, "Algorithm of a key")->capture_default_str();
  enter->add_option("--usage", object->usage, "Usage mask")->capture_default_str();
  enter->add_option("--name", object->name, "Name");
  enter->add_option("--attribute", object->attributes, "x-NAME=TEXT, as often as needed");
  enter->callback([group, object] {
    group.run = [group, object](const Globals& g) {
      return run_kmip_register(g, *group.session, *object);
    };
  });
}

void add_life_cycle(const Group& group) {
  auto wanted = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* get = group.kmip.add_subcommand("get", "Fetch an object; its bytes go to a file");
  get->add_option("ID", wanted->first, "Unique identifier")->required();
  get->add_option("--out", wanted->second,
                  "New file (mode 0600) for the bytes; never the terminal");
  get->callback([group, wanted] {
    group.run = [group, wanted](const Globals& g) {
      return run_kmip_get(g, *group.session, wanted->first, wanted->second);
    };
  });

  add_on_one_object(group, "activate", "Let a key be used", run_kmip_activate);
  auto revoked = std::make_shared<KmipRevoke>();
  CLI::App* revoke = group.kmip.add_subcommand("revoke", "End a key's use");
  revoke->add_option("ID", revoked->id, "Unique identifier")->required();
  revoke
      ->add_option("--reason", revoked->reason,
                   "Unspecified, KeyCompromise, Superseded, CessationOfOperation, …")
      ->capture_default_str();
  revoke->add_option("--message", revoked->message, "Why, in words");
  revoke->callback([group, revoked] {
    group.run = [group, revoked](const Globals& g) {
      return run_kmip_revoke(g, *group.session, *revoked);
    };
  });
  add_on_one_object(group, "destroy", "Destroy an object for ever", run_kmip_destroy);
}

}  // namespace

void add_kmip_commands(CLI::App& app, Run& run) {
  CLI::App* kmip = app.add_subcommand("kmip", "A KMIP client for any key server");
  kmip->require_subcommand(1);
  kmip->fallthrough();
  kmip->footer(
      "Which server, and as whom: --server, --cert, --key, --ca and the others that `keytrail "
      "kmip\n"
      "--help` lists; what is left out is the installation's. Every command takes --json.");
  const Group group{*kmip, run, std::make_shared<KmipSession>()};
  add_session_options(*kmip, *group.session);
  add_questions(group);
  add_makers(group);
  add_life_cycle(group);
}

}  // namespace keytrail::cli
