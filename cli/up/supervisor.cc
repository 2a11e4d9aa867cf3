#include "cli/up/supervisor.h"

#include <signal.h>

#include <algorithm>

#include "bus/wire/wake_event.h"

namespace keytrail::cli {
namespace {

constexpr TimeNs kNsPerSecond = 1'000'000'000;
constexpr TimeNs kGraceNs = 15 * kNsPerSecond;  // from SIGTERM to SIGKILL
constexpr TimeNs kKillAgainNs = kNsPerSecond;   // A process that the kernel holds ends when let go.
constexpr TimeNs kProvenNs = 5 * kNsPerSecond;  // since it answered: the back-off begins anew
constexpr std::uint32_t kBackoffMaxS = 30;

}  // namespace

Supervisor::Supervisor(const Clock& clock, Tell tell) : clock_(clock), tell_(std::move(tell)) {}

void Supervisor::add(PartSpec spec) {
  Part part;
  part.spec = std::move(spec);
  parts_.push_back(std::move(part));
}

Result<Supervisor::Part*> Supervisor::find(const std::string& name) {
  std::string names;
  for (Part& part : parts_) {
    if (part.spec.name == name) return &part;
    names += (names.empty() ? "" : ", ") + part.spec.name;
  }
  return Error{ErrorCode::kNotFound, "there is no part '" + name + "'; the parts are " + names};
}

Result<void> Supervisor::start(const std::string& name) {
  Part* part = TRY(find(name));
  part->wish = Wish::kUp;
  part->backoff_s = 0;
  if (part->process.has_value()) return {};
  return launch(*part);
}

Result<void> Supervisor::stop(const std::string& name) {
  Part* part = TRY(find(name));
  part->wish = Wish::kDown;
  ask_to_stop(*part);
  return {};
}

Result<void> Supervisor::kill(const std::string& name) {
  Part* part = TRY(find(name));
  part->wish = Wish::kDown;
  if (part->process.has_value()) part->process->send(SIGKILL);
  return {};
}

std::optional<std::string> Supervisor::next_unheard() {
  Part* next = nullptr;
  for (Part& part : parts_) {
    const bool is_unheard = part.process.has_value() && part.answered_at == 0;
    if (is_unheard && (next == nullptr || part.asked < next->asked)) next = &part;
  }
  if (next == nullptr) return std::nullopt;
  ++next->asked;
  return next->spec.name;
}

void Supervisor::answered(const std::string& name) {
  for (Part& part : parts_) {
    if (part.spec.name == name && part.process.has_value()) part.answered_at = clock_.monotonic();
  }
}

void Supervisor::stop_all() {
  stopping_ = true;
  for (Part& part : parts_) part.wish = Wish::kDown;
  step();
}

bool Supervisor::all_down() const {
  return std::none_of(parts_.begin(), parts_.end(),
                      [](const Part& part) { return part.process.has_value(); });
}

Result<void> Supervisor::launch(Part& part) {
  part.process = TRY(Process::start(part.spec.command, part.spec.log_file));
  part.answered_at = 0;
  part.kill_at = 0;
  ++changes_;
  return {};
}

void Supervisor::ask_to_stop(Part& part) {
  if (!part.process.has_value() || part.kill_at != 0) return;
  part.process->send(SIGTERM);
  part.kill_at = clock_.monotonic() + kGraceNs;
}

void Supervisor::on_end(Part& part) {
  const TimeNs now = clock_.monotonic();
  part.last_end = part.process->reap();
  part.process.reset();
  ++changes_;
  if (stopping_) tell_(part.spec.name + " is down (" + part.last_end + ")");
  if (part.wish == Wish::kDown) return;
  // A part that runs for long and never serves is no better than one that ends at once.
  if (part.answered_at != 0 && now - part.answered_at >= kProvenNs) part.backoff_s = 0;
  part.start_at = now + part.backoff_s * kNsPerSecond;
  tell_(part.spec.name + " " + part.last_end + "; it is started again " +
        (part.backoff_s == 0 ? "now" : "in " + std::to_string(part.backoff_s) + " s") + " (see " +
        part.spec.log_file + ")");
  part.backoff_s = part.backoff_s == 0 ? 1 : std::min(part.backoff_s * 2, kBackoffMaxS);
}

void Supervisor::step() {
  const TimeNs now = clock_.monotonic();
  bool later_part_is_up = false;
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    if (part->process.has_value() && wire::is_readable(part->process->fd())) on_end(*part);
    if (part->process.has_value() && part->kill_at != 0 && now >= part->kill_at) {
      part->process->send(SIGKILL);
      part->kill_at = now + kKillAgainNs;
    }
    if (stopping_ && part->process.has_value()) {
      if (!later_part_is_up) ask_to_stop(*part);
      later_part_is_up = true;
    }
    if (part->wish == Wish::kUp && !part->process.has_value() && now >= part->start_at) {
      if (const Result<void> launched = launch(*part); !launched.ok()) {
        tell_(launched.error().detail);
        part->start_at = now + kBackoffMaxS * kNsPerSecond;
      }
    }
  }
}

std::vector<int> Supervisor::fds() const {
  std::vector<int> fds;
  for (const Part& part : parts_) {
    if (part.process.has_value()) fds.push_back(part.process->fd());
  }
  return fds;
}

int Supervisor::next_timer_ms() const {
  const TimeNs now = clock_.monotonic();
  TimeNs next = 0;
  const auto consider = [&](TimeNs at) { next = next == 0 ? at : std::min(next, at); };
  for (const Part& part : parts_) {
    if (part.process.has_value() && part.kill_at != 0) consider(part.kill_at);
    if (!part.process.has_value() && part.wish == Wish::kUp) consider(part.start_at);
  }
  if (next == 0) return -1;
  return next <= now ? 0 : static_cast<int>((next - now) / 1'000'000 + 1);
}

std::vector<PartStatus> Supervisor::status() const {
  std::vector<PartStatus> rows;
  for (const Part& part : parts_) {
    PartCondition condition = PartCondition::kDown;
    if (part.process.has_value())
      condition = PartCondition::kRunning;
    else if (part.wish == Wish::kUp)
      condition = PartCondition::kWaiting;
    rows.push_back({part.spec.name, condition, part.process.has_value() ? part.process->pid() : 0,
                    part.last_end});
  }
  return rows;
}

}  // namespace keytrail::cli
