#include "esxi/service/guests.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "esxi/disk/nbd_server.h"

namespace keytrail::esxi {
namespace {

GuestEnd end_of(const std::string& vm, const GuestExit& exit) {
  GuestEnd end{.vm = vm};
  end.detail = exit.detail;
  switch (exit.kind) {
    case GuestExitKind::kPoweredOff:
      end.reason = StopReason::kGuestPoweredOff;
      break;
    case GuestExitKind::kEnded:
      end.reason = StopReason::kOrdered;
      break;
    case GuestExitKind::kFailed:
      end.reason = StopReason::kGuestFailed;
      break;
  }
  return end;
}

}  // namespace

Guests::Guests(DiskWork& disks, std::string datastore, std::string run_folder, OnEnd on_end)
    : disks_(disks),
      datastore_(std::move(datastore)),
      run_folder_(std::move(run_folder)),
      on_end_(std::move(on_end)) {}

Guests::~Guests() { power_off_all(); }

Result<void> Guests::power_on(const std::string& name, const Vm& vm,
                              const std::optional<SecretBytes>& kek) {
  {
    const std::lock_guard lock(mutex_);
    if (running_.contains(name)) return {};  // Performed again: it runs.
  }
  const vcenter::GuestBoot guest = TRY(disks_.guest_of(name));
  if (guest.kernel.empty()) {
    return Error{ErrorCode::kInvalid, name + " has no guest to boot; create it with --guest"};
  }
  Running running;
  running.disk = vm.disk.disk;
  running.engine = TRY(disks_.open(name, vm, kek));
  const std::string socket = run_folder_ + "/" + name + ".nbd";
  running.server =
      TRY(disk::NbdServer::start(socket, name, *running.engine, [name](const Error& error) {
        spdlog::error("{}: the disk failed: {}", name, error.detail);
      }));
  const std::string folder = datastore_ + "/" + name + "/";
  // Under the lock: the guest may end before it is in the map.
  const std::lock_guard lock(mutex_);
  running.process =
      TRY(GuestProcess::start({.kernel = folder + guest.kernel,
                               .initrd = folder + guest.initrd,
                               .command_line = guest.command_line,
                               .disk_socket = socket,
                               .sector_bytes = running.engine->sector_bytes(),
                               .console_log = folder + "console.log"},
                              [this, name](const GuestExit& exit) { on_exit(name, exit); }));
  running_.emplace(name, std::move(running));
  return {};
}

std::optional<DiskUsage> Guests::power_off(const std::string& name) {
  GuestProcess* process = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(name);
    // Somebody else may be ending it already: then it is theirs to tell.
    if (found == running_.end() || found->second.ordered_off) return std::nullopt;
    found->second.ordered_off = true;
    process = found->second.process.get();
  }
  process->end();
  Running running;
  {
    const std::lock_guard lock(mutex_);
    running = std::move(running_.extract(name).mapped());
  }
  return close(name, std::move(running));
}

void Guests::power_off_all() {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, running] : running_) names.push_back(name);
  }
  for (const std::string& name : names) {
    std::optional<DiskUsage> usage = power_off(name);
    if (!usage.has_value()) continue;
    on_end_({.vm = name,
             .reason = StopReason::kOrdered,
             .detail = "the host stopped",
             .usage = std::move(usage)});
  }
}

// On the guest's own thread.
void Guests::on_exit(const std::string& name, const GuestExit& exit) {
  Running running;
  {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(name);
    if (found == running_.end() || found->second.ordered_off) return;  // power_off tells it.
    running = std::move(found->second);
    running_.erase(found);
  }
  GuestEnd end = end_of(name, exit);
  end.usage = close(name, std::move(running));
  on_end_(std::move(end));
}

std::optional<DiskUsage> Guests::close(const std::string& name, Running running) {
  running.server->stop();
  const disk::DiskUsage used = running.engine->usage();
  return DiskUsage{.vm = name,
                   .disk = running.disk,
                   .read_bytes = used.bytes_read,
                   .written_bytes = used.bytes_written,
                   .reads = used.reads,
                   .writes = used.writes};
}

}  // namespace keytrail::esxi
