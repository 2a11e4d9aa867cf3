#include "cli/vcenter_commands.h"

#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <filesystem>
#include <limits>

#include "bus/secret/random.h"
#include "bus/secret/text.h"
#include "cli/answer.h"
#include "cli/interrupt_notice.h"
#include "cli/json_fields.h"
#include "cli/progress.h"
#include "cli/secret_input.h"
#include "cli/vcenter_session.h"
#include "cli/wait_until.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What a host has to tell of a disk is on the log, and how far it has come is not: the disk itself
// shows that, on this machine.
Progress::Share share_of_disk(const Globals& globals, const std::string& vm) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok() || endpoints->datastores.empty()) return {};
  return [folder = endpoints->datastores[0].path + "/" + vm] { return share_converted(folder); };
}

Result<std::string> call_once(const Globals& globals, const std::string& command,
                              const std::string& arguments) {
  const auto session = TRY(VcenterSession::open(globals));
  Progress progress;
  return session->call(command, arguments, progress.on_progress());
}

// What an action is about: "vm", "vm-1".
struct Subject {
  std::string kind, name;
};

// A command that has vCenter act on something, which takes its time and needs nobody who waits.
Result<std::string> call_action(const Globals& globals, const std::string& command,
                                const std::string& arguments, const Subject& subject) {
  const auto session = TRY(VcenterSession::open(globals));
  const InterruptNotice notice(goes_on_without_us(subject.kind, subject.name));
  Progress progress(subject.kind == "vm" ? share_of_disk(globals, subject.name)
                                         : Progress::Share());
  return session->call(command, arguments, progress.on_progress());
}

// "64M" -> bytes; K, M, G and T are powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text) {
  const Error malformed{ErrorCode::kInvalid,
                        "'" + std::string(text) +
                            "' is not a size; write bytes, or a number with K, M, G or T"};
  constexpr std::string_view kUnits = "KMGT";
  unsigned shift = 0;
  std::string_view digits = text;
  if (!text.empty()) {
    const char unit = static_cast<char>(std::toupper(static_cast<unsigned char>(text.back())));
    if (const std::size_t power = kUnits.find(unit); power != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(power) + 1);
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_decimal<std::uint64_t>(digits);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return malformed;
  return *number << shift;
}

// Local files in the folder of a VM to be, each under a name of its own: a VM that is there already
// has files too. What is not kept is removed again.
class CopiedFiles {
 public:
  explicit CopiedFiles(std::string folder) : folder_(std::move(folder)) {}
  ~CopiedFiles() {
    std::error_code gone;
    for (const std::string& name : names_) fs::remove(folder_ + "/" + name, gone);
    if (!names_.empty()) fs::remove(folder_, gone);  // If nothing else is in it.
  }
  CopiedFiles(const CopiedFiles&) = delete;
  CopiedFiles& operator=(const CopiedFiles&) = delete;

  // The name under which `from` stands in the folder now.
  Result<std::string> add(const std::string& from, const std::string& title) {
    std::array<std::uint8_t, 8> own{};
    OsRandom().fill(own);
    const std::string name = title + "." + to_hex(own);
    std::error_code error;
    fs::create_directories(folder_, error);
    if (!error) fs::permissions(folder_, fs::perms::owner_all, error);
    names_.push_back(name);
    const std::string to = folder_ + "/" + name;
    if (!error) fs::copy_file(from, to, fs::copy_options::none, error);
    // Whoever could read the original, what is in a datastore is the host's alone.
    if (!error) fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
    if (!error) return name;
    return Error{ErrorCode::kRefused,
                 "cannot copy " + from + " into the datastore: " + error.message()};
  }
  void keep() { names_.clear(); }

 private:
  const std::string folder_;
  std::vector<std::string> names_;
};

Result<std::string> folder_of_vm(const Globals& globals, const VmCreate& wanted) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  if (endpoints.datastores.empty())
    return Error{ErrorCode::kNotFound, "the installation has no datastore"};
  if (wanted.vm.empty() || wanted.vm.find('/') != std::string::npos || wanted.vm[0] == '.') {
    return Error{ErrorCode::kInvalid,
                 "'" + wanted.vm + "' cannot be a VM's name: letters, digits, '-', '_', '.'"};
  }
  if (wanted.size.empty() && wanted.import.empty()) {
    return Error{ErrorCode::kInvalid, "a disk needs --size, or a file to --import"};
  }
  return endpoints.datastores[0].path + "/" + wanted.vm;
}

Result<json::object> vm_create_arguments(const VmCreate& wanted, CopiedFiles& files) {
  json::object arguments{{"vm", wanted.vm}, {"encrypted", wanted.encrypted}};
  if (!wanted.host.empty()) arguments["host"] = wanted.host;
  if (!wanted.provider.empty()) arguments["provider"] = wanted.provider;
  if (wanted.sector_bytes != 0) arguments["sector_bytes"] = wanted.sector_bytes;
  if (!wanted.size.empty()) arguments["disk_bytes"] = TRY(parse_size(wanted.size));
  if (!wanted.import.empty()) {
    arguments["import"] = TRY(files.add(wanted.import, "import"));
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(wanted.import, error);
    if (error || bytes == 0)
      return Error{ErrorCode::kInvalid, wanted.import + " is empty: there is no disk in it"};
    arguments["disk_bytes"] = bytes;
    if (wanted.sector_bytes == 0) arguments["sector_bytes"] = 512;
  }
  if (!wanted.guest.empty()) {
    arguments["guest"] = json::object{{"kernel", TRY(files.add(wanted.guest[0], "vmlinuz"))},
                                      {"initrd", TRY(files.add(wanted.guest[1], "initrd"))},
                                      {"command_line", wanted.guest[2]}};
  }
  return arguments;
}

Result<std::string> create_vm(const Globals& globals, const VmCreate& wanted) {
  CopiedFiles files(TRY(folder_of_vm(globals, wanted)));
  const json::object arguments = TRY(vm_create_arguments(wanted, files));
  Result<std::string> created =
      call_action(globals, "vm.create", json::serialize(arguments), {"vm", wanted.vm});
  // Whoever did not answer may have begun.
  if (created.ok() || created.error().code == ErrorCode::kUnavailable) files.keep();
  return created;
}

// An empty list is vCenter's answer for a VM that is not there, or that this user may not see.
Result<json::object> the_vm(const std::string& answer, const std::string& vm) {
  const json::object result = TRY(parse_object(answer, "vCenter's list of VMs"));
  for (const json::object* item : objects_at(result, "vms")) return *item;
  return Error{ErrorCode::kNotFound, "there is no VM '" + vm + "' that this user may see"};
}

Result<std::string> list_vms(const Globals& globals, const std::string& vm) {
  json::object arguments;
  if (!vm.empty()) arguments["vm"] = vm;
  std::string answer = TRY(call_once(globals, "vm.list", json::serialize(arguments)));
  if (!vm.empty()) TRY(the_vm(answer, vm));
  return answer;
}

Result<bool> is_off(VcenterSession& session, const std::string& vm) {
  const std::string answer =
      TRY(session.call("vm.list", json::serialize(json::object{{"vm", vm}})));
  const json::object found = TRY(the_vm(answer, vm));
  return text_at(found, "power") == "off";
}

// Powers on; with `off_within`, until the guest has powered itself off.
Result<std::string> power_on(const Globals& globals, const std::string& vm,
                             std::optional<std::chrono::seconds> off_within) {
  const auto session = TRY(VcenterSession::open(globals));
  const InterruptNotice notice(goes_on_without_us("vm", vm));
  Progress progress;
  std::string answer = TRY(session->call("vm.power-on", json::serialize(json::object{{"vm", vm}}),
                                         progress.on_progress()));
  if (!off_within.has_value()) return answer;
  Result<bool> off = false;
  const bool in_time = wait_until(*off_within, [&] {
    off = is_off(*session, vm);
    return !off.ok() || *off;
  });
  if (!off.ok()) return off.error();
  if (in_time) return answer;
  return Error{ErrorCode::kRefused, vm + " still runs after " +
                                        std::to_string(off_within->count()) +
                                        " s; its console is in the datastore (console.log)"};
}

Result<std::string> add_user(const Globals& globals, const std::string& user,
                             const std::string& password_file) {
  const SecretBytes password = TRY(read_password(password_file));
  std::string arguments = user_and_password(user, password);
  Result<std::string> added = call_once(globals, "user.add", arguments);
  wipe(arguments);
  return added;
}

}  // namespace

Exit run_vcenter(const Globals& globals, const std::string& command, const std::string& arguments,
                 const View& view) {
  const Result<json::object> given = parse_object(arguments, "the arguments");
  if (!given.ok()) return fail(given.error());
  for (const char* kind : {"vm", "host"}) {
    const Subject subject{kind, text_at(*given, kind)};
    if (subject.name.empty()) continue;
    return show(globals, call_action(globals, command, arguments, subject), view);
  }
  return show(globals, call_once(globals, command, arguments), view);
}

Exit run_vm_list(const Globals& globals, const std::string& vm) {
  return show(globals, list_vms(globals, vm),
              {"vms",
               {{"VM", "vm"},
                {"HOST", "host"},
                {"POWER", "power"},
                {"ENCRYPTED", "encrypted"},
                {"KEY", "key"},
                {"STATE", "crypto_state"},
                {"DISK BYTES", "disk_bytes"}}});
}

Exit run_vm_create(const Globals& globals, const VmCreate& wanted) {
  return show(globals, create_vm(globals, wanted));
}

Exit run_power_on(const Globals& globals, const std::string& vm,
                  std::optional<std::chrono::seconds> off_within) {
  return show(globals, power_on(globals, vm, off_within));
}

Exit run_user_add(const Globals& globals, const std::string& user,
                  const std::string& new_password_file) {
  return show(globals, add_user(globals, user, new_password_file));
}

}  // namespace keytrail::cli
