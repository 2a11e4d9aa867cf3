#include "vcenter/service/parse_command.h"

#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "bus/secret/sha256.h"
#include "bus/secret/text.h"
#include "vcenter/model/privileges.h"

namespace keytrail::vcenter {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 8;
// Half of what a text in a fact may have: a refusal says it again in a sentence.
constexpr std::size_t kTextBytesMax = 2048;
constexpr const char* kAtMost = " of at most 2048 bytes";
constexpr std::uint16_t kKmipPort = 5696;

// The arguments of one command: each may be taken once, and what was not taken is an error.
class Arguments {
 public:
  explicit Arguments(const json::object& object) : object_(object) {}

  std::string text(const char* name) { return optional_text(name, true); }
  std::string text_or_none(const char* name) { return optional_text(name, false); }

  SecretBytes password(const char* name) {
    const json::value* const found = take(name);
    if (found == nullptr || !found->is_string()) {
      fail(std::string(name) + " is missing");
      return {};
    }
    const json::string& text = found->get_string();
    if (text.empty() || text.size() > kPasswordBytesMax) {
      fail("a password has 1 to 1024 bytes");
      return {};
    }
    return SecretBytes::copy_of(as_bytes({text.data(), text.size()}));
  }

  std::uint64_t number_or(const char* name, std::uint64_t fallback) {
    const json::value* const found = take(name);
    if (found == nullptr || found->is_null()) return fallback;
    if (found->is_uint64()) return found->get_uint64();
    if (found->is_int64() && found->get_int64() >= 0) {
      return static_cast<std::uint64_t>(found->get_int64());
    }
    fail(std::string(name) + " is not a whole number");
    return fallback;
  }

  bool flag_or(const char* name, bool fallback) {
    const json::value* const found = take(name);
    if (found == nullptr || found->is_null()) return fallback;
    if (found->is_bool()) return found->get_bool();
    fail(std::string(name) + " is neither true nor false");
    return fallback;
  }

  std::optional<std::vector<std::string>> texts(const char* name, std::size_t count_max) {
    const json::value* const found = take(name);
    if (found == nullptr || found->is_null()) return std::nullopt;
    std::vector<std::string> values;
    if (!found->is_array() || found->get_array().size() > count_max) {
      fail(std::string(name) + " is not a list of at most " + std::to_string(count_max) + " texts");
      return values;
    }
    for (const json::value& value : found->get_array()) {
      if (!value.is_string() || value.get_string().size() > kTextBytesMax) {
        fail(std::string(name) + " is not a list of texts" + kAtMost);
        return values;
      }
      values.emplace_back(value.get_string());
    }
    return values;
  }

  const json::object* object(const char* name) {
    const json::value* const found = take(name);
    if (found == nullptr || found->is_null()) return nullptr;
    if (found->is_object()) return &found->get_object();
    fail(std::string(name) + " is not an object");
    return nullptr;
  }

  void fail(std::string why) {
    if (fault_.empty()) fault_ = std::move(why);
  }
  // What was wrong, or an argument that nobody asked for.
  [[nodiscard]] std::string fault() const {
    if (!fault_.empty()) return fault_;
    for (const auto& member : object_) {
      if (!taken_.contains(std::string(member.key()))) {
        return "there is no argument " + std::string(member.key().substr(0, 64));
      }
    }
    return {};
  }

 private:
  const json::value* take(const char* name) {
    taken_.insert(name);
    return object_.if_contains(name);
  }
  std::string optional_text(const char* name, bool is_needed) {
    const json::value* const found = take(name);
    if (found == nullptr || found->is_null()) {
      if (is_needed) fail(std::string(name) + " is missing");
      return {};
    }
    if (!found->is_string() || found->get_string().size() > kTextBytesMax) {
      fail(std::string(name) + " is not a text" + kAtMost);
      return {};
    }
    return std::string(found->get_string());
  }

  const json::object& object_;
  std::set<std::string> taken_;
  std::string fault_;
};

std::optional<Hash> hash_from(const std::string& text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != ':'; });
  const auto bytes = from_hex(digits);
  if (!bytes.ok() || bytes->size() != Hash{}.size()) return std::nullopt;
  Hash hash{};
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

Ask add_provider(Arguments& arguments) {
  AddProviderRequest adding{.provider = arguments.text("provider")};
  const auto servers = arguments.texts("servers", kServersMax);
  if (!servers.has_value()) arguments.fail("servers is missing");
  for (const std::string& text : servers.value_or(std::vector<std::string>{})) {
    auto server = parse_server(text);
    if (server.ok()) {
      adding.servers.push_back(std::move(*server));
    } else {
      arguments.fail(server.error().detail);
    }
  }
  const auto accepted = arguments.texts("accept", kServersMax);
  adding.accepts = accepted.has_value();
  for (const std::string& text : accepted.value_or(std::vector<std::string>{})) {
    const auto hash = hash_from(text);
    if (hash.has_value()) {
      adding.accepted.push_back(*hash);
    } else {
      arguments.fail("accept is a list of SHA-256 fingerprints in hexadecimal");
    }
  }
  return adding;
}

Ask create_vm(Arguments& arguments) {
  CreateVm command{.vm = arguments.text("vm"),
                   .host = arguments.text_or_none("host"),
                   .folder = arguments.text_or_none("folder"),
                   .datastore = arguments.text_or_none("datastore"),
                   .disk_bytes = arguments.number_or("disk_bytes", 0),
                   .sector_bytes = static_cast<std::uint32_t>(
                       std::min<std::uint64_t>(arguments.number_or("sector_bytes", 0), 1U << 20)),
                   .import = arguments.text_or_none("import"),
                   .encrypted = arguments.flag_or("encrypted", false),
                   .provider = arguments.text_or_none("provider")};
  // Whoever names a key provider expects ciphertext: a plain VM would be the worst answer.
  if (!command.encrypted && !command.provider.empty()) {
    arguments.fail("a provider is for an encrypted VM: say encrypted too, or leave it out");
  }
  if (const json::object* const guest = arguments.object("guest")) {
    Arguments of_guest(*guest);
    command.guest = GuestBoot{.kernel = of_guest.text("kernel"),
                              .initrd = of_guest.text_or_none("initrd"),
                              .command_line = of_guest.text_or_none("command_line")};
    if (const std::string fault = of_guest.fault(); !fault.empty()) arguments.fail(fault);
  }
  return Command(std::move(command));
}

Ask recrypt_vm(Arguments& arguments) {
  RecryptVm command{.vm = arguments.text("vm")};
  const std::string depth = arguments.text_or_none("depth");
  if (depth == "deep") {
    command.depth = RecryptDepth::kDeep;
  } else if (!depth.empty() && depth != "shallow") {
    arguments.fail("depth is shallow or deep");
  }
  command.provider = arguments.text_or_none("provider");
  return Command(std::move(command));
}

Principal principal(Arguments& arguments) {
  Principal who{arguments.text("principal")};
  who.is_group = arguments.flag_or("is_group", false);
  return who;
}

Ask set_permission(Arguments& arguments) {
  SetPermission command{.entity = arguments.text_or_none("entity"),
                        .principal = principal(arguments),
                        .role = role_from(arguments.text("role"))};
  command.propagates = arguments.flag_or("propagates", true);
  return Command(std::move(command));
}

Ask create_role(Arguments& arguments) {
  CreateRole command{
      .role = arguments.text("role"),
      .privileges =
          arguments.texts("privileges", kRolePrivilegesMax).value_or(std::vector<std::string>{}),
      .clone = role_from(arguments.text_or_none("clone"))};
  return Command(std::move(command));
}

Ask ask_about(Question::About about, std::string name = {}) {
  return Question{about, std::move(name)};
}

using Maker = std::function<Ask(Arguments&)>;

template <class C>
Maker of_vm() {
  return [](Arguments& a) { return Ask(Command(C{a.text("vm")})); };
}
template <class C>
Maker of_provider() {
  return [](Arguments& a) { return Ask(Command(C{a.text("provider")})); };
}
template <class C>
Maker of_host_and_provider() {
  return [](Arguments& a) {
    std::string host = a.text("host");
    return Ask(Command(C{std::move(host), a.text_or_none("provider")}));
  };
}

// Every command there is, but for the two with a password, which parse_command itself reads.
const std::map<std::string, Maker, std::less<>>& makers() {
  using About = Question::About;
  static const std::map<std::string, Maker, std::less<>> kMakers = {
      {"status", [](Arguments&) { return Ask(StatusRequest{}); }},
      {"stop", [](Arguments&) { return Ask(StopRequest{}); }},
      {"provider.add", add_provider},
      {"provider.list", [](Arguments&) { return ask_about(About::kProviders); }},
      {"provider.default", of_provider<SetDefaultProvider>()},
      {"provider.remove", of_provider<RemoveProvider>()},
      {"provider.status",
       [](Arguments& a) { return Ask(CheckProviders{a.text_or_none("provider")}); }},
      {"host.list", [](Arguments& a) { return ask_about(About::kHosts, a.text_or_none("host")); }},
      {"host.prepare", [](Arguments& a) { return Ask(Command(PrepareHost{a.text("host")})); }},
      {"host.enable", of_host_and_provider<EnableHost>()},
      {"host.rekey", of_host_and_provider<RekeyHost>()},
      {"vm.list", [](Arguments& a) { return ask_about(About::kVms, a.text_or_none("vm")); }},
      {"vm.create", create_vm},
      {"vm.encrypt",
       [](Arguments& a) {
         std::string vm = a.text("vm");
         return Ask(Command(EncryptVm{std::move(vm), a.text_or_none("provider")}));
       }},
      {"vm.decrypt", of_vm<DecryptVm>()},
      {"vm.recrypt", recrypt_vm},
      {"vm.unlock", of_vm<UnlockVm>()},
      {"vm.power-on",
       [](Arguments& a) {
         return Ask(Command(PowerVm{a.text("vm"), PowerState::kOn}));
       }},
      {"vm.power-off",
       [](Arguments& a) {
         return Ask(Command(PowerVm{a.text("vm"), PowerState::kOff}));
       }},
      {"user.list", [](Arguments&) { return ask_about(About::kPrincipals); }},
      {"group.add", [](Arguments& a) { return Ask(Command(AddGroup{a.text("group")})); }},
      {"group.join",
       [](Arguments& a) {
         std::string group = a.text("group");
         return Ask(Command(JoinGroup{std::move(group), a.text("user")}));
       }},
      {"role.list", [](Arguments&) { return ask_about(About::kRoles); }},
      {"role.create", create_role},
      {"permission.set", set_permission},
      {"permission.remove",
       [](Arguments& a) {
         std::string entity = a.text_or_none("entity");
         return Ask(Command(RemovePermission{std::move(entity), principal(a)}));
       }},
      {"permission.list",
       [](Arguments& a) { return ask_about(About::kPermissions, a.text_or_none("entity")); }},
  };
  return kMakers;
}

Error invalid(std::string why) { return Error{ErrorCode::kInvalid, std::move(why)}; }

Result<ParsedCommand> read_command(const json::value& value) {
  if (!value.is_object()) return invalid("a command is a JSON object");
  const json::object& object = value.get_object();
  const json::value* const name = object.if_contains("command");
  if (name == nullptr || !name->is_string()) return invalid("command is missing");
  const std::string command(name->get_string());
  const json::value* const given = object.if_contains("arguments");
  if (given != nullptr && !given->is_object()) return invalid("arguments is not an object");
  const json::object none;
  Arguments arguments(given == nullptr ? none : given->get_object());

  ParsedCommand parsed;
  if (const json::value* const session = object.if_contains("session")) {
    if (!session->is_string()) return invalid("session is not a text");
    const json::string& text = session->get_string();
    parsed.session = sha256(as_bytes({text.data(), text.size()}));
  }
  if (command == "login") {
    parsed.ask = Login{arguments.text("user"), {}};
    parsed.password = arguments.password("password");
  } else if (command == "user.add") {
    parsed.ask = Command(AddUser{arguments.text("user"), ""});
    parsed.password = arguments.password("password");
  } else {
    const auto maker = makers().find(command);
    if (maker == makers().end()) return invalid("there is no command " + command.substr(0, 64));
    parsed.ask = maker->second(arguments);
  }
  if (std::string fault = arguments.fault(); !fault.empty()) {
    return invalid(command + ": " + fault);
  }
  return parsed;
}

// Memory of the parser, wiped when it goes: a password passes through it.
class WipedMemory final : public json::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return ::operator new(bytes, std::align_val_t(alignment));
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    wipe({static_cast<std::uint8_t*>(memory), bytes});
    ::operator delete(memory, std::align_val_t(alignment));
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace

Result<ParsedCommand> parse_command(std::string text) {
  if (text.size() > kCommandBytesMax) return invalid("a command has at most 1 MiB");
  WipedMemory memory;
  Result<ParsedCommand> parsed = invalid("");
  {
    json::parse_options options;
    options.max_depth = kDepthMax;
    json::error_code error;
    json::stream_parser parser(&memory, options);
    parser.write(text, error);
    if (!error) parser.finish(error);
    wipe(text);
    if (error) return invalid("this is not JSON: " + error.message());
    const json::value value = parser.release();
    parsed = read_command(value);
  }
  return parsed;
}

Result<KmipServer> parse_server(const std::string& text) {
  KmipServer server;
  const auto equals = text.find('=');
  const std::string place = equals == std::string::npos ? text : text.substr(equals + 1);
  server.name = equals == std::string::npos ? place : text.substr(0, equals);
  server.port = kKmipPort;
  const auto bracket = place.rfind(']');
  const auto colon = place.rfind(':');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  server.address = has_port ? place.substr(0, colon) : place;
  if (server.address.size() > 2 && server.address.front() == '[') {
    server.address = server.address.substr(1, server.address.size() - 2);
  }
  if (has_port) {
    server.port = parse_decimal<std::uint16_t>(place.substr(colon + 1)).value_or(0);
    if (server.port == 0) {
      return invalid("a server is [NAME=]HOST:PORT, not " + text.substr(0, 128));
    }
  }
  if (server.address.empty() || server.name.empty()) {
    return invalid("a server is [NAME=]HOST:PORT, not " + text.substr(0, 128));
  }
  return server;
}

}  // namespace keytrail::vcenter
