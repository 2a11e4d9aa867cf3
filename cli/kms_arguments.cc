// The arguments of `keytrail kms …`: operating the key servers of an installation.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "cli/kms_commands.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

// What a person asks for; with --json the certificates come too.
const View kStatus{"",
                   {{"state", "state"},
                    {"followed", "followed"},
                    {"keys", "keys"},
                    {"clients", "clients"},
                    {"punctured through", "punctured_through"},
                    {"cluster", "cluster"},
                    {"members", "members.replica"},
                    {"certificate", "certificate_fingerprint"}}};

void add_clients(CLI::App& kms, Run& run) {
  CLI::App* client = kms.add_subcommand("client", "KMIP clients that are enrolled");
  client->require_subcommand(1);
  struct Add {
    std::string client, group, certificate;
  };
  auto add = std::make_shared<Add>();
  CLI::App* add_app = client->add_subcommand("add", "Enrol a client: pin its certificate");
  add_app->add_option("NAME", add->client, "Name of the client")->required();
  add_app->add_option("--certificate", add->certificate, "PEM file of its certificate")
      ->required()
      ->check(CLI::ExistingFile);
  add_app->add_option("--group", add->group, "Group, whose members share their objects");
  add_app->callback([add, &run] {
    run = [add](const Globals& g) {
      return run_client_add(g, add->client, add->group, add->certificate);
    };
  });

  client->add_subcommand("list", "Enrolled clients")->callback([&run] {
    run = [](const Globals& g) {
      return run_kms(
          g, "", "client.list", "{}",
          {"clients",
           {{"CLIENT", "client"}, {"GROUP", "group"}, {"CERTIFICATES", "certificates"}}});
    };
  });
  auto name = std::make_shared<std::string>();
  CLI::App* remove = client->add_subcommand("remove", "Turn a client away from now on");
  remove->add_option("NAME", *name, "Name of the client")->required();
  remove->callback([name, &run] {
    run = [name](const Globals& g) {
      return run_kms(g, "", "client.remove", json::serialize(json::object{{"client", *name}}));
    };
  });
}

void add_admission(CLI::App& kms, Run& run) {
  auto request = std::make_shared<std::string>();
  CLI::App* sign =
      kms.add_subcommand("sign-csr", "Sign a certificate request with the cluster's CA");
  sign->add_option("FILE", *request, "PEM file of the request")
      ->required()
      ->check(CLI::ExistingFile);
  sign->callback(
      [request, &run] { run = [request](const Globals& g) { return run_sign_csr(g, *request); }; });

  auto admit = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* admit_app =
      kms.add_subcommand("admit", "Admit a replica to the cluster: it may fetch the keyring");
  admit_app->add_option("REPLICA", admit->first, "Name of the replica")->required();
  admit_app
      ->add_option("--fingerprint", admit->second,
                   "SHA-256 of its certificate, as `keytrail kms status` shows it there")
      ->required();
  admit_app->callback([admit, &run] {
    run = [admit](const Globals& g) {
      const json::object arguments{{"replica", admit->first}, {"fingerprint", admit->second}};
      return run_kms(g, "", "admit", json::serialize(arguments));
    };
  });

  auto retire = std::make_shared<std::string>();
  CLI::App* retire_app = kms.add_subcommand(
      "retire", "Retire a replica: it serves no more, until it is admitted again");
  retire_app->add_option("REPLICA", *retire, "Name of the replica")->required();
  retire_app->callback([retire, &run] {
    run = [retire](const Globals& g) {
      return run_kms(g, "", "retire", json::serialize(json::object{{"replica", *retire}}));
    };
  });
}

void add_shredded(CLI::App& kms, Run& run) {
  struct Shredded {
    std::string key;
    bool wait = false;
    std::uint32_t timeout_s = 60;
  };
  auto wanted = std::make_shared<Shredded>();
  CLI::App* shredded =
      kms.add_subcommand("shredded", "Whether a destroyed key can still be derived anywhere");
  shredded->add_option("KEY", wanted->key, "Unique identifier")->required();
  shredded->add_flag("--wait", wanted->wait, "Wait until no replica can derive it");
  shredded->add_option("--timeout", wanted->timeout_s, "Seconds to wait at most")
      ->capture_default_str();
  shredded->callback([wanted, &run] {
    run = [wanted](const Globals& g) {
      std::optional<std::chrono::seconds> within;
      if (wanted->wait) within = std::chrono::seconds(wanted->timeout_s);
      return run_shredded(g, wanted->key, within);
    };
  });
}

}  // namespace

void add_kms_commands(CLI::App& app, Run& run) {
  CLI::App* kms = app.get_subcommand("kms");  // `kms run` is declared with the parts.
  auto replica = std::make_shared<std::string>();
  CLI::App* keys = kms->add_subcommand("keys", "Managed objects: state, owner, algorithm");
  keys->add_option("--replica", *replica, "Ask this one (default: the first that answers)");
  keys->callback([replica, &run] {
    run = [replica](const Globals& g) {
      return run_kms(g, *replica, "keys", "{}",
                     {"keys",
                      {{"KEY", "key"},
                       {"TYPE", "type"},
                       {"STATE", "state"},
                       {"OWNER", "owner"},
                       {"BITS", "length_bits"},
                       {"FINGERPRINT", "fingerprint"}}});
    };
  });
  CLI::App* status = kms->add_subcommand("status", "What a replica says of itself");
  status->add_option("REPLICA", *replica, "Replica (default: the first that answers)");
  status->callback([replica, &run] {
    run = [replica](const Globals& g) { return run_kms(g, *replica, "status", "{}", kStatus); };
  });
  add_clients(*kms, run);
  add_admission(*kms, run);
  add_shredded(*kms, run);
}

}  // namespace keytrail::cli
