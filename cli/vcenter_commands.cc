#include "cli/vcenter_commands.h"

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "bus/secret/file.h"
#include "bus/secret/secret_bytes.h"
#include "cli/vcenter_session.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t kPasswordBytesMax = 1024;
constexpr auto kPollEvery = std::chrono::milliseconds(200);

void show_progress(const std::string& text) {
  boost::system::error_code malformed;
  const json::value value = json::parse(text, malformed);
  if (malformed || !value.is_object()) return;
  const json::value* sentence = value.as_object().if_contains("text");
  if (sentence == nullptr || !sentence->is_string()) return;
  std::fprintf(stderr, "  %s\n", sentence->as_string().c_str());
}

void show(const Globals& globals, const std::string& result, const View& view) {
  const std::string text =
      globals.json ? result + "\n" : format_json(result, view.list, view.columns);
  std::fputs(text.c_str(), stdout);
}

Result<std::string> call_once(const Globals& globals, const std::string& command,
                              const json::object& arguments) {
  const auto session = TRY(VcenterSession::open(globals));
  return session->call(command, json::serialize(arguments), show_progress);
}

// "64M" -> bytes; K, M, G are powers of 1024.
Result<std::uint64_t> parse_size(const std::string& text) {
  const Error malformed{ErrorCode::kInvalid,
                        "'" + text + "' is not a size; write bytes, or a number with K, M or G"};
  std::uint64_t value = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    if (value > (std::uint64_t{1} << 50)) return malformed;
    value = value * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  if (i == 0 || text.size() > i + 1) return malformed;
  if (i == text.size()) return value;
  switch (text[i]) {
    case 'K':
    case 'k':
      return value << 10;
    case 'M':
    case 'm':
      return value << 20;
    case 'G':
    case 'g':
      return value << 30;
    default:
      return malformed;
  }
}

// Puts a local file into the VM's folder of the datastore, under a name of its own.
Result<std::string> copy_in(const std::string& from, const std::string& folder,
                            const std::string& name) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (!error) fs::copy_file(from, folder + "/" + name, fs::copy_options::overwrite_existing, error);
  if (error) {
    return Error{ErrorCode::kUnavailable,
                 "cannot copy " + from + " into the datastore: " + error.message()};
  }
  return name;
}

Result<json::object> vm_create_arguments(const Globals& globals, const VmCreate& wanted) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  if (endpoints.datastores.empty())
    return Error{ErrorCode::kNotFound, "the installation has no datastore"};
  if (wanted.vm.empty() || wanted.vm.find('/') != std::string::npos || wanted.vm[0] == '.') {
    return Error{ErrorCode::kInvalid,
                 "'" + wanted.vm + "' cannot be a VM's name: letters, digits, '-', '_', '.'"};
  }
  const std::string folder = endpoints.datastores[0].path + "/" + wanted.vm;
  json::object arguments{{"vm", wanted.vm}, {"encrypted", wanted.encrypted}};
  if (!wanted.host.empty()) arguments["host"] = wanted.host;
  if (!wanted.provider.empty()) arguments["provider"] = wanted.provider;
  if (wanted.sector_bytes != 0) arguments["sector_bytes"] = wanted.sector_bytes;
  if (!wanted.size.empty()) arguments["disk_bytes"] = TRY(parse_size(wanted.size));
  if (!wanted.import.empty()) {
    arguments["import"] = TRY(copy_in(wanted.import, folder, "import.raw"));
    std::error_code error;
    arguments["disk_bytes"] = static_cast<std::uint64_t>(fs::file_size(wanted.import, error));
    if (wanted.sector_bytes == 0) arguments["sector_bytes"] = 512;
  }
  if (!wanted.guest.empty()) {
    arguments["guest"] =
        json::object{{"kernel", TRY(copy_in(wanted.guest[0], folder, "vmlinuz"))},
                     {"initrd", TRY(copy_in(wanted.guest[1], folder, "initrd.img"))},
                     {"command_line", wanted.guest[2]}};
  }
  return arguments;
}

Result<bool> is_off(VcenterSession& session, const std::string& vm) {
  const std::string result =
      TRY(session.call("vm.list", json::serialize(json::object{{"vm", vm}})));
  boost::system::error_code malformed;
  const json::value parsed = json::parse(result, malformed);
  if (malformed) return Error{ErrorCode::kCorrupt, "vCenter's list of VMs is not JSON"};
  for (const json::value& item : parsed.as_object().at("vms").as_array()) {
    return item.as_object().at("power").as_string() == "off";
  }
  return Error{ErrorCode::kNotFound, "there is no VM '" + vm + "'"};
}

}  // namespace

Exit run_vcenter(const Globals& globals, const std::string& command, const std::string& arguments,
                 const View& view) {
  const auto session = VcenterSession::open(globals);
  if (!session.ok()) return fail(session.error());
  const Result<std::string> result = (*session)->call(command, arguments, show_progress);
  if (!result.ok()) return fail(result.error());
  show(globals, *result, view);
  return Exit::kDone;
}

Exit run_vm_create(const Globals& globals, const VmCreate& wanted) {
  const Result<json::object> arguments = vm_create_arguments(globals, wanted);
  if (!arguments.ok()) return fail(arguments.error());
  const Result<std::string> result = call_once(globals, "vm.create", *arguments);
  if (!result.ok()) return fail(result.error());
  show(globals, *result, {});
  return Exit::kDone;
}

Exit run_power_on(const Globals& globals, const std::string& vm, bool wait_off,
                  std::uint32_t timeout_s) {
  const auto session = VcenterSession::open(globals);
  if (!session.ok()) return fail(session.error());
  const Result<std::string> result =
      (*session)->call("vm.power-on", json::serialize(json::object{{"vm", vm}}), show_progress);
  if (!result.ok()) return fail(result.error());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (wait_off) {
    const Result<bool> off = is_off(**session, vm);
    if (!off.ok()) return fail(off.error());
    if (*off) break;
    if (std::chrono::steady_clock::now() > deadline) {
      return fail({ErrorCode::kRefused, vm + " still runs after " + std::to_string(timeout_s) +
                                            " s; its console is in the datastore (console.log)"});
    }
    std::this_thread::sleep_for(kPollEvery);
  }
  show(globals, *result, {});
  return Exit::kDone;
}

Exit run_user_add(const Globals& globals, const std::string& user,
                  const std::string& new_password_file) {
  OsFileSystem files;
  Result<Bytes> password = read_file(files, new_password_file, kPasswordBytesMax);
  if (!password.ok()) return fail(password.error());
  std::string text(as_text(*password));
  wipe(*password);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const Result<std::string> result =
      call_once(globals, "user.add", {{"user", user}, {"password", text}});
  wipe(text);
  if (!result.ok()) return fail(result.error());
  show(globals, *result, {});
  return Exit::kDone;
}

}  // namespace keytrail::cli
