#include "vcenter/model/create_vm.h"

#include <algorithm>

#include "vcenter/model/inventory.h"
#include "vcenter/model/privileges.h"
#include "vcenter/model/rights.h"

namespace keytrail::vcenter {
namespace {

constexpr std::size_t kCommandLineBytesMax = 2048;

// The host of the cluster that runs and has the fewest VMs; the first by name among equals.
std::string choose_host(const State& state) {
  std::string chosen;
  std::size_t fewest = 0;
  for (const auto& [name, host] : state.hosts) {
    if (host.cluster.empty() || host.boot.empty()) continue;
    const auto count = static_cast<std::size_t>(
        std::count_if(state.vms.begin(), state.vms.end(),
                      [&](const auto& vm) { return vm.second.host == name; }));
    if (chosen.empty() || count < fewest) {
      chosen = name;
      fewest = count;
    }
  }
  return chosen;
}

VmCreationRequested request_of(Draft& draft, const CreateVm& command) {
  const auto sector = command.sector_bytes != 0 ? command.sector_bytes
                      : command.import.empty()  ? 4096U
                                                : 512U;
  return VmCreationRequested{
      .vm = command.vm,
      .host = command.host.empty() ? choose_host(draft.state()) : command.host,
      .folder = command.folder.empty() ? kVmFolder : command.folder,
      .datastore = command.datastore.empty() ? kDatastore : command.datastore,
      .disk_bytes = command.disk_bytes,
      .sector_bytes = sector,
      .import = command.import,
      .encrypted = command.encrypted,
      .provider = command.encrypted ? provider_for(draft, command.provider) : "",
      .guest = command.guest};
}

// A file of the VM's own folder: never a path that leads out of it.
bool is_own_file(const std::string& file) { return file.empty() || name_fault(file).empty(); }

std::optional<Obstacle> obstacle_of_disk(const VmCreationRequested& request) {
  if (request.sector_bytes != 512 && request.sector_bytes != 4096) {
    return Obstacle{Refusal::kInvalid, "a sector has 512 or 4096 bytes"};
  }
  if (request.disk_bytes == 0 && request.import.empty()) {
    return Obstacle{Refusal::kInvalid, "a disk needs a size, or a file to import"};
  }
  if (request.disk_bytes > kDiskBytesMax || request.disk_bytes % request.sector_bytes != 0) {
    return Obstacle{Refusal::kInvalid, "a disk has a whole number of sectors, at most 62 TiB"};
  }
  if (!is_own_file(request.import) || !is_own_file(request.guest.kernel) ||
      !is_own_file(request.guest.initrd)) {
    return Obstacle{Refusal::kInvalid,
                    "import, kernel and initrd are names of files in the VM's "
                    "folder"};
  }
  if (request.guest.kernel.empty() != request.guest.initrd.empty()) {
    return Obstacle{Refusal::kInvalid, "a guest boots a kernel and an initrd: name both"};
  }
  if (request.guest.command_line.size() > kCommandLineBytesMax) {
    return Obstacle{Refusal::kInvalid, "the guest's command line is longer than 2048 bytes"};
  }
  return std::nullopt;
}

std::optional<Obstacle> obstacle_of_place(Draft& draft, const VmCreationRequested& request) {
  const State& state = draft.state();
  if (const std::string fault = name_fault(request.vm); !fault.empty()) {
    return Obstacle{Refusal::kInvalid, fault};
  }
  if (exists(state, request.vm) || state.vms.contains(request.vm)) {
    return Obstacle{Refusal::kAlreadyExists, "there is a VM named " + request.vm};
  }
  if (!is_of_kind(state, request.folder, EntityKind::kFolder)) {
    return Obstacle{Refusal::kNotFound, "there is no folder " + request.folder};
  }
  if (!is_of_kind(state, request.datastore, EntityKind::kDatastore)) {
    return Obstacle{Refusal::kNotFound, "there is no datastore " + request.datastore};
  }
  const auto host = state.hosts.find(request.host);
  draft.read(host_stream(state, request.host));
  if (host == state.hosts.end() || host->second.cluster.empty()) {
    return Obstacle{Refusal::kNotFound,
                    request.host.empty() ? "no host runs" : "there is no host " + request.host};
  }
  return std::nullopt;
}

std::optional<Obstacle> obstacle(Draft& draft, const VmCreationRequested& request) {
  if (!require(draft, privilege::kCreateVm, request.folder)) {
    return Obstacle{Refusal::kNoPrivilege,
                    lacks(draft.caller(), privilege::kCreateVm, request.folder)};
  }
  if (request.encrypted && !require(draft, privilege::kEncryptNew, request.folder)) {
    return Obstacle{Refusal::kNoPrivilege,
                    lacks(draft.caller(), privilege::kEncryptNew, request.folder)};
  }
  if (auto found = obstacle_of_place(draft, request)) return found;
  if (auto found = obstacle_of_disk(request)) return found;
  if (!request.encrypted) return std::nullopt;
  if (auto found = obstacle_of_provider(draft, request.provider)) return found;
  return obstacle_of_host(draft, request.host);
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const CreateVm& command) {
  Draft draft(state, caller);
  draft.read(vm_stream(state, command.vm)).read(inventory_stream(state));
  const VmCreationRequested request = request_of(draft, command);
  // A name that is taken, or is none, gets no stream from this.
  const bool is_free = name_fault(request.vm).empty() && !exists(state, request.vm) &&
                       !state.vms.contains(request.vm);
  const std::string stream =
      is_free ? vm_stream(state, request.vm) : action_stream(state, caller.action);
  if (is_free) draft.say(stream, request);
  if (auto found = obstacle(draft, request)) {
    draft.say(stream, VmCreationRefused{request.vm, found->reason, found->detail});
  } else if (request.encrypted) {
    ask_for_vm_key(draft, request.provider, request.vm);
  }
  return draft.take();
}

const Words kCreateVmWords = {
    .ordered = [](const Action& action) -> vcenter::Event {
      return VmCreationOrdered{action.vm, action.host, action.key};
    },
    .completed = [](const Action& action) -> vcenter::Event {
      return VmCreated{action.vm, action.host, action.key};
    },
    .refused = [](const Action& action, Refusal reason, std::string detail) -> vcenter::Event {
      return VmCreationRefused{action.vm, reason, std::move(detail)};
    },
};

void evolve(State& state, const About& about, const VmCreationRequested& event) {
  state.vms[event.vm] = Vm{.host = event.host,
                           .folder = event.folder,
                           .datastore = event.datastore,
                           .disk_bytes = event.disk_bytes,
                           .sector_bytes = event.sector_bytes};
  begin(state, about,
        Action{.kind = ActionKind::kCreateVm,
               .vm = event.vm,
               .host = event.host,
               .provider = event.provider});
}

void evolve(State& state, const About& about, const VmCreationRefused& event) {
  const auto vm = state.vms.find(event.vm);
  const bool is_its_own = vm != state.vms.end() && vm->second.holder == about.body.action;
  end(state, about);
  if (is_its_own) state.vms.erase(vm);
}

void evolve(State& state, const About& about, const VmCreationOrdered& event) {
  ordered(state, about, event.host);
}

void evolve(State& state, const About& about, const VmCreated& event) {
  Vm& vm = state.vms[event.vm];
  vm.created = true;
  vm.host = event.host;
  vm.key = event.key;
  end(state, about);
}

}  // namespace keytrail::vcenter
