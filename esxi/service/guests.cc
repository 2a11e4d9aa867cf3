#include "esxi/service/guests.h"

#include <spdlog/spdlog.h>

#include "esxi/service/console_log.h"

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

DiskUsage summary_of(const std::string& vm, const std::string& disk, const disk::DiskUsage& from,
                     const disk::DiskUsage& to) {
  return {.vm = vm,
          .disk = disk,
          .read_bytes = to.bytes_read - from.bytes_read,
          .written_bytes = to.bytes_written - from.bytes_written,
          .reads = to.reads - from.reads,
          .writes = to.writes - from.writes};
}

}  // namespace

Guests::Guests(DiskWork& disks, Options options, OnEnd on_end)
    : disks_(disks),
      options_(std::move(options)),
      datastore_(options_.datastore),
      on_end_(std::move(on_end)) {}

Guests::~Guests() { power_off_all(); }

Result<void> Guests::power_on(const std::string& name, const Vm& vm,
                              const std::optional<SecretBytes>& kek) {
  {
    const std::lock_guard lock(mutex_);
    if (running_.contains(name)) return {};  // Performed again: it runs.
    if (running_.size() >= kGuestsMax) {
      return Error{ErrorCode::kInvalid, "this host runs as many guests as it may"};
    }
  }
  Running running;
  running.disk = vm.disk.disk;
  running.engine = TRY(disks_.open(name, vm, kek));
  GuestSpec spec = TRY(spec_of(name, running.engine->sector_bytes()));
  running.server = TRY(
      disk::NbdServer::start(spec.disk_socket, name, *running.engine, [name](const Error& error) {
        spdlog::error("{}: serving the disk failed: {}", name, error.detail);
      }));
  std::unique_ptr<disk::OsDiskFolder> folder = TRY(datastore_.folder_of(name));
  // Shared, for a std::function must be copyable.
  const auto console = std::make_shared<ConsoleLog>(TRY(ConsoleLog::open(std::move(folder))));
  const auto on_console = [console, name](ByteView said) {
    if (const Result<void> kept = console->append(said); !kept.ok()) {
      spdlog::error("{}: what it says is kept no longer: {}", name, kept.error().detail);
    }
  };
  // Under the lock: the guest may end before it is in the map.
  const std::lock_guard lock(mutex_);
  running.process = TRY(GuestProcess::start(
      std::move(spec), on_console, [this, name](const GuestExit& exit) { on_exit(name, exit); }));
  running_.emplace(name, std::move(running));
  return {};
}

Result<GuestSpec> Guests::spec_of(const std::string& name, std::uint32_t sector_bytes) {
  const vcenter::GuestBoot guest = TRY(disks_.guest_of(name));
  if (guest.kernel.empty()) {
    return Error{ErrorCode::kInvalid, name + " has no guest to boot; create it with --guest"};
  }
  const std::unique_ptr<disk::OsDiskFolder> folder = TRY(datastore_.folder_of(name));
  return GuestSpec{.kernel = TRY(folder->open_to_read(guest.kernel)),
                   .initrd = TRY(folder->open_to_read(guest.initrd)),
                   .command_line = guest.command_line,
                   .disk_socket = options_.run_folder + "/" + name + ".nbd",
                   .sector_bytes = sector_bytes,
                   .program = options_.program};
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
  std::unique_lock lock(mutex_);
  exited_.wait(lock, [this] { return exits_ == 0; });
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
    ++exits_;
  }
  GuestEnd end = end_of(name, exit);
  end.usage = close(name, std::move(running));
  on_end_(std::move(end));
  const std::lock_guard lock(mutex_);
  --exits_;
  exited_.notify_all();  // Under the lock: this object may be gone right after it.
}

std::vector<DiskUsage> Guests::summarize() {
  std::vector<DiskUsage> summaries;
  const std::lock_guard lock(mutex_);
  for (auto& [name, running] : running_) {
    const disk::DiskUsage now = running.engine->usage();
    if (now == running.summarized) continue;
    summaries.push_back(summary_of(name, running.disk, running.summarized, now));
    running.summarized = now;
  }
  return summaries;
}

std::optional<DiskUsage> Guests::close(const std::string& name, Running running) {
  running.server->stop();
  return summary_of(name, running.disk, running.summarized, running.engine->usage());
}

}  // namespace keytrail::esxi
