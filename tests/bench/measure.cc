#include "tests/bench/measure.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bus/secret/check.h"

namespace keytrail::bench {

namespace {

constexpr double kBareSyncSeconds = 0.3;
constexpr std::size_t kSyncBlockBytes = 4096;
constexpr double kUsPerSecond = 1e6;

// Three digits that count, and thousands apart.
std::string shown(double value) {
  char text[32];
  const double size = std::abs(value);
  std::snprintf(text, sizeof text, size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%.0f", value);
  std::string digits = text;
  if (size < 1000) return digits;
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string shown(const Series& figures) {
  const auto [least, most] = std::ranges::minmax(figures);
  return shown(median(figures)) + " (" + shown(least) + " to " + shown(most) + ")";
}

std::string shown(const Goal& goal) {
  const bool at_least = goal.bound == Bound::kAtLeast;
  const std::string aim = std::string(at_least ? ">= " : "<= ") + shown(goal.goal);
  if (goal.measured.empty()) return aim + " " + goal.of + ": not run";
  const double measured = median(goal.measured);
  const bool met = at_least ? measured >= goal.goal : measured <= goal.goal;
  return shown(measured) + " " + goal.of + " (goal " + aim + (met ? ", met)" : ", **missed**)");
}

}  // namespace

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double percentile(Series values, double part) {
  KEYTRAIL_CHECK(!values.empty());
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

double median(const Series& values) { return percentile(values, 0.5); }

Series ratio(const Series& of, const Series& to) {
  Series ratios;
  for (std::size_t i = 0; i < std::min(of.size(), to.size()); ++i) ratios.push_back(of[i] / to[i]);
  return ratios;
}

Series bare_syncs_us(const std::string& folder, double seconds) {
  const std::string file = folder + "/bare-sync";
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  KEYTRAIL_CHECK(fd >= 0);
  const std::string block(kSyncBlockBytes, 'x');
  Series each;
  for (const auto start = Steady::now(); seconds_since(start) < seconds;) {
    const auto began = Steady::now();
    KEYTRAIL_CHECK(::write(fd, block.data(), block.size()) == ssize_t{kSyncBlockBytes} &&
                   ::fdatasync(fd) == 0);
    each.push_back(seconds_since(began) * kUsPerSecond);
  }
  ::close(fd);
  ::unlink(file.c_str());
  return each;
}

void Rounds::add(std::string name, std::function<double()> run) {
  contenders_.push_back({.name = std::move(name), .run = std::move(run), .figures = {}});
}

void Rounds::run() {
  for (Contender& contender : contenders_) contender.run();  // Warm, and not counted.
  for (int round = 0; round < count_; ++round) {
    const Series syncs = bare_syncs_us(folder_, kBareSyncSeconds);
    sync_us_.push_back(median(syncs));
    syncs_.push_back(static_cast<double>(syncs.size()) / kBareSyncSeconds);
    for (Contender& contender : contenders_) contender.figures.push_back(contender.run());
  }
}

Series Rounds::of(std::string_view name) const {
  const auto found = std::ranges::find(contenders_, name, &Contender::name);
  return found != contenders_.end() ? found->figures : Series{};
}

void print_header() {
  std::printf("| Work | Median (least to most) | Bare fdatasync, beside | Against the goals |\n");
  std::printf("|---|---|---|---|\n");
}

void print_row(const Row& row) {
  std::string goals;
  for (const Goal& goal : row.goals) goals += (goals.empty() ? "" : "; ") + shown(goal);
  std::printf("| %s | %s %s | %s /s | %s |\n", row.work.c_str(), shown(row.figures).c_str(),
              row.unit.c_str(), shown(row.syncs_per_second).c_str(), goals.c_str());
  std::fflush(stdout);
}

void print_beside(const std::string& work, const std::string& unit, const Rounds& rounds,
                  std::string_view name) {
  const Series figures = rounds.of(name);
  if (figures.empty()) return;
  print_row({.work = work,
             .unit = unit,
             .figures = figures,
             .syncs_per_second = rounds.syncs_per_second(),
             .goals = {}});
}

}  // namespace keytrail::bench
