// The vCenter commands' arguments: provider, host, vm, user, group, role, permission.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "cli/vcenter_commands.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

// What a simple command's options fill: arguments by their vCenter name. Empty ones are left out.
struct Simple {
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> flags;
  std::map<std::string, std::vector<std::string>> lists;

  [[nodiscard]] std::string to_json() const {
    json::object object;
    for (const auto& [name, value] : texts) {
      if (!value.empty()) object[name] = value;
    }
    for (const auto& [name, value] : flags) object[name] = value;
    for (const auto& [name, value] : lists) object[name] = json::array(value.begin(), value.end());
    return json::serialize(object);
  }
};

// A command that sends what its options say and shows the answer.
class SimpleCommand {
 public:
  SimpleCommand(CLI::App& parent, const std::string& name, const std::string& help,
                std::string command, View view, Run& run)
      : app_(parent.add_subcommand(name, help)), values_(std::make_shared<Simple>()) {
    app_->callback([values = values_, command = std::move(command), view = std::move(view), &run] {
      run = [=](const Globals& globals) {
        return run_vcenter(globals, command, values->to_json(), view);
      };
    });
  }
  SimpleCommand& text(const std::string& option, const std::string& name, const std::string& help,
                      bool required = false) {
    app_->add_option(option, values_->texts[name], help)->required(required);
    return *this;
  }
  SimpleCommand& list(const std::string& option, const std::string& name, const std::string& help,
                      bool required = false) {
    app_->add_option(option, values_->lists[name], help)->required(required);
    return *this;
  }
  SimpleCommand& flag(const std::string& option, const std::string& name, const std::string& help,
                      bool initially = false) {
    values_->flags[name] = initially;
    app_->add_flag(option, values_->flags[name], help);
    return *this;
  }

 private:
  CLI::App* app_;
  std::shared_ptr<Simple> values_;
};

CLI::App& group(CLI::App& app, const std::string& name, const std::string& help) {
  CLI::App* made = app.add_subcommand(name, help);
  made->require_subcommand(1);
  return *made;
}

void add_provider(CLI::App& app, Run& run) {
  CLI::App& provider =
      group(app, "provider", "Key providers: clusters of KMIP servers that vCenter trusts");
  CLI::App* add = provider.add_subcommand(
      "add", "Add a key provider: trust in both directions, then a probe key");
  auto wanted = std::make_shared<ProviderAdd>();
  add->add_option("NAME", wanted->provider, "Name of the provider; part of every key's id")
      ->required();
  add->add_option("--server", wanted->servers,
                  "[NAME=]HOST:PORT of a KMIP server, in the order of failover")
      ->required();
  add->add_option("--accept", wanted->accept,
                  "SHA-256 of a server certificate that you have verified");
  add->add_flag("--enrol", wanted->enrol,
                "Enrol vCenter at this installation's own replicas, and trust them");
  add->callback([wanted, &run] {
    run = [wanted](const Globals& g) { return run_provider_add(g, *wanted); };
  });

  SimpleCommand(provider, "list", "Providers, their servers and the default", "provider.list",
                {"providers",
                 {{"PROVIDER", "provider"},
                  {"DEFAULT", "is_default"},
                  {"STATE", "state"},
                  {"VENDOR", "vendor"},
                  {"SERVER", "server"},
                  {"ADDRESS", "address"},
                  {"PORT", "port"}},
                 "servers"},
                run);
  SimpleCommand(provider, "default", "Use this provider where none is named", "provider.default",
                {}, run)
      .text("NAME", "provider", "Provider", true);
  SimpleCommand(provider, "status", "Ask each server whether it answers", "provider.status",
                {"providers",
                 {{"PROVIDER", "provider"},
                  {"DEFAULT", "is_default"},
                  {"SERVER", "server"},
                  {"STATUS", "status"},
                  {"DETAIL", "detail"}},
                 "servers"},
                run)
      .text("NAME", "provider", "Only this provider");
  SimpleCommand(provider, "remove", "Forget a provider; its keys stay at the key servers",
                "provider.remove", {}, run)
      .text("NAME", "provider", "Provider", true);
}

void add_host(CLI::App& app, Run& run) {
  CLI::App& host = group(app, "host", "Hosts and their crypto modes");
  SimpleCommand(host, "list", "Hosts, modes, how many keys each holds", "host.list",
                {"hosts",
                 {{"HOST", "host"},
                  {"CLUSTER", "cluster"},
                  {"MODE", "mode"},
                  {"HOST KEY", "key"},
                  {"KEYS HELD", "keys_held"},
                  {"BOOT", "boot"}}},
                run);
  SimpleCommand(host, "prepare", "Let a host receive keys", "host.prepare", {}, run)
      .text("HOST", "host", "Host", true);
  SimpleCommand(host, "enable", "Give a host its host key: mode safe", "host.enable", {}, run)
      .text("HOST", "host", "Host", true)
      .text("--provider", "provider", "Key provider (default: the default one)");
  SimpleCommand(host, "rekey", "Give a host a new host key", "host.rekey", {}, run)
      .text("HOST", "host", "Host", true)
      .text("--provider", "provider", "Key provider (default: the default one)");
}

void add_vm_lifecycle(CLI::App& vm, Run& run) {
  CLI::App* create = vm.add_subcommand("create", "Create a VM with one disk");
  auto wanted = std::make_shared<VmCreate>();
  create->add_option("NAME", wanted->vm, "Name of the VM")->required();
  create->add_option("--host", wanted->host, "Host (default: vCenter chooses)");
  auto* size =
      create->add_option("--size", wanted->size, "Size of the disk: bytes, or with K, M, G, T");
  create->add_option("--import", wanted->import, "A raw disk image, copied into the datastore")
      ->check(CLI::ExistingFile)
      ->excludes(size);
  create->add_option("--sector", wanted->sector_bytes, "Sector size (default 4096; imports 512)")
      ->check(CLI::IsMember({512, 4096}));
  create->add_option("--guest", wanted->guest, "KERNEL INITRD CMDLINE: what power-on boots")
      ->expected(3);
  auto* encrypted =
      create->add_flag("--encrypted", wanted->encrypted, "Encrypt it from the first byte");
  create
      ->add_option("--provider", wanted->provider,
                   "Key provider for --encrypted (default: the default one)")
      ->needs(encrypted);
  create->callback(
      [wanted, &run] { run = [wanted](const Globals& g) { return run_vm_create(g, *wanted); }; });

  struct PowerOn {
    std::string vm, wait;
    std::uint32_t timeout_s = 120;
  };
  CLI::App* on = vm.add_subcommand("power-on", "Start the VM's guest");
  auto power = std::make_shared<PowerOn>();
  on->add_option("VM", power->vm, "VM")->required();
  on->add_option("--wait", power->wait, "'off': until the guest has powered itself off")
      ->check(CLI::IsMember({"off"}));
  on->add_option("--timeout", power->timeout_s, "Seconds to wait at most")->capture_default_str();
  on->callback([power, &run] {
    run = [power](const Globals& g) {
      std::optional<std::chrono::seconds> off_within;
      if (power->wait == "off") off_within = std::chrono::seconds(power->timeout_s);
      return run_power_on(g, power->vm, off_within);
    };
  });
  SimpleCommand(vm, "power-off", "Stop the VM's guest", "vm.power-off", {}, run)
      .text("VM", "vm", "VM", true);
}

void add_vm(CLI::App& app, Run& run) {
  CLI::App& vm = group(app, "vm", "Virtual machines and their encryption");
  auto only = std::make_shared<std::string>();
  CLI::App* list =
      vm.add_subcommand("list", "VMs, where they are, with which key they are encrypted");
  list->add_option("VM", *only, "Only this VM");
  list->callback(
      [only, &run] { run = [only](const Globals& g) { return run_vm_list(g, *only); }; });
  add_vm_lifecycle(vm, run);
  SimpleCommand(vm, "encrypt",
                "Encrypt a powered-off VM: a new key, a new disk file, the old one overwritten",
                "vm.encrypt", {}, run)
      .text("VM", "vm", "VM", true)
      .text("--provider", "provider", "Key provider (default: the default one)");
  SimpleCommand(vm, "decrypt", "Decrypt a powered-off VM", "vm.decrypt", {}, run)
      .text("VM", "vm", "VM", true);
  SimpleCommand(vm, "unlock", "Get the keys of a locked VM again", "vm.unlock", {}, run)
      .text("VM", "vm", "VM", true);

  struct Recrypt {
    std::string vm, provider;
    bool deep = false;
  };
  CLI::App* recrypt =
      vm.add_subcommand("recrypt", "A new KEK (shallow), or new KEK and DEK (deep)");
  auto wanted = std::make_shared<Recrypt>();
  recrypt->add_option("VM", wanted->vm, "VM")->required();
  recrypt->add_flag("--deep", wanted->deep, "Re-encrypt the data too");
  recrypt->add_option("--provider", wanted->provider, "Key provider of the new key");
  recrypt->callback([wanted, &run] {
    run = [wanted](const Globals& g) {
      json::object arguments{{"vm", wanted->vm}, {"depth", wanted->deep ? "deep" : "shallow"}};
      if (!wanted->provider.empty()) arguments["provider"] = wanted->provider;
      return run_vcenter(g, "vm.recrypt", json::serialize(arguments), {});
    };
  });
}

void add_principals(CLI::App& app, Run& run) {
  CLI::App& user = group(app, "user", "Users of vCenter");
  CLI::App* add = user.add_subcommand("add", "Add a user");
  auto wanted = std::make_shared<std::pair<std::string, std::string>>();
  add->add_option("NAME", wanted->first, "User name")->required();
  add->add_option("--password-file", wanted->second, "File that holds the new user's password")
      ->required()
      ->check(CLI::ExistingFile);
  add->callback([wanted, &run] {
    run = [wanted](const Globals& g) { return run_user_add(g, wanted->first, wanted->second); };
  });
  SimpleCommand(
      user, "list", "Users and groups", "user.list",
      {"users", {{"USER", "user"}}, "", {{"groups", {{"GROUP", "group"}, {"MEMBERS", "members"}}}}},
      run);

  CLI::App& groups = group(app, "group", "Groups of users");
  SimpleCommand(groups, "add", "Add a group", "group.add", {}, run)
      .text("NAME", "group", "Group", true);
  SimpleCommand(groups, "join", "Put a user into a group", "group.join", {}, run)
      .text("GROUP", "group", "Group", true)
      .text("USER", "user", "User", true);
}

void add_rights(CLI::App& app, Run& run) {
  CLI::App& role = group(app, "role", "Roles: sets of privileges");
  SimpleCommand(role, "list", "Roles and their privileges", "role.list",
                {"roles", {{"ROLE", "role"}, {"PRIVILEGES", "privileges"}}}, run);
  SimpleCommand(role, "create", "Create a role", "role.create", {}, run)
      .text("NAME", "role", "Role", true)
      .list("--privilege", "privileges", "A privilege, e.g. Cryptographer.Encrypt (repeat)")
      .text("--clone", "clone", "Begin with the privileges of this role");

  CLI::App& permission = group(app, "permission", "Permissions: who has which role where");
  SimpleCommand(permission, "set", "Give a principal a role on an entity and below",
                "permission.set",
                {"",
                 {{"action", "action"},
                  {"entity", "entity", "(root)"},
                  {"principal", "principal"},
                  {"role", "role"}}},
                run)
      .text("PRINCIPAL", "principal", "User, or group with --group", true)
      .text("ROLE", "role", "Role", true)
      .text("--entity", "entity", "Entity (default: the root)")
      .flag("--group", "is_group", "PRINCIPAL is a group")
      .flag("--propagate,!--no-propagate", "propagates", "Also for what is below (default)", true);
  SimpleCommand(permission, "remove", "Take a permission away", "permission.remove",
                {"",
                 {{"action", "action"},
                  {"entity", "entity", "(root)"},
                  {"principal", "principal"}}},
                run)
      .text("PRINCIPAL", "principal", "User, or group with --group", true)
      .text("--entity", "entity", "Entity (default: the root)")
      .flag("--group", "is_group", "PRINCIPAL is a group");
  SimpleCommand(permission, "list", "Permissions", "permission.list",
                {"permissions",
                 {{"ENTITY", "entity", "(root)"},
                  {"PRINCIPAL", "principal"},
                  {"GROUP", "is_group"},
                  {"ROLE", "role"},
                  {"PROPAGATES", "propagates"}}},
                run)
      .text("--entity", "entity", "Only on this entity");
}

}  // namespace

void add_vcenter_commands(CLI::App& app, Run& run) {
  add_provider(app, run);
  add_host(app, run);
  add_vm(app, run);
  add_principals(app, run);
  add_rights(app, run);
}

}  // namespace keytrail::cli
