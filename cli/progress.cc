#include "cli/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>

#include "bus/events/words.h"
#include "bus/secret/fd.h"
#include "bus/secret/file.h"
#include "cli/json_fields.h"

namespace keytrail::cli {
namespace {

constexpr auto kDrawEvery = std::chrono::milliseconds(200);
constexpr std::size_t kBarCells = 30;
constexpr const char* kClearLine = "\r\033[K";

// The generation in VM-flat.G.vmdk; 1 in VM-flat.vmdk; 0: another file.
std::uint64_t generation_of(std::string_view name) {
  constexpr std::string_view kFlat = "-flat.", kEnd = "vmdk";
  const std::size_t flat = name.rfind(kFlat);
  if (flat == std::string_view::npos || !name.ends_with(kEnd)) return 0;
  const std::string_view rest = name.substr(flat + kFlat.size());
  if (rest == kEnd) return 1;
  std::uint64_t generation = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), generation);
  const std::string_view after(read.ptr, static_cast<std::size_t>(rest.end() - read.ptr));
  return read.ec == std::errc() && after == ".vmdk" ? generation : 0;
}

}  // namespace

std::string progress_line(std::optional<double> share, std::chrono::seconds elapsed) {
  std::string line;
  if (share.has_value()) {
    const double whole = std::clamp(*share, 0.0, 1.0);
    const auto cells = static_cast<std::size_t>(whole * kBarCells);
    const std::string percent = std::to_string(static_cast<int>(whole * 100));
    line = "[" + std::string(cells, '=') + std::string(kBarCells - cells, '-') + "] " +
           std::string(3 - percent.size(), ' ') + percent + " %   ";
    if (whole == 1.0) line += "finishing   ";
  }
  return line + std::to_string(elapsed.count()) + " s";
}

std::optional<double> share_converted(const std::string& folder) {
  OsFileSystem files;
  const auto names = files.list(folder);
  if (!names.ok()) return std::nullopt;
  std::uint64_t data_files = 0, newest = 0;
  std::string newest_path;
  for (const std::string& name : *names) {
    const std::uint64_t generation = generation_of(name);
    if (generation == 0) continue;
    ++data_files;
    if (generation < newest) continue;
    newest = generation;
    newest_path = folder + "/" + name;
  }
  if (data_files < 2) return std::nullopt;
  const Fd file(::open(newest_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  // The file has its room from the beginning (its blocks would tell nothing); what of it was not
  // written yet is a hole all the same.
  const off_t written = ::lseek(file.get(), 0, SEEK_HOLE);
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  if (written < 0 || size <= 0) return std::nullopt;
  return static_cast<double>(written) / static_cast<double>(size);
}

Progress::Progress(Share share) : share_(std::move(share)) {
  if (::isatty(STDERR_FILENO) != 0) drawer_ = std::thread([this] { draw_until_end(); });
}

Progress::~Progress() {
  if (!drawer_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_one();
  drawer_.join();
}

std::function<void(const std::string&)> Progress::on_progress() {
  return [this](const std::string& progress) {
    const auto step = parse_object(progress, "progress");
    if (!step.ok()) return;
    const std::lock_guard lock(mutex_);
    std::fprintf(stderr, "%s  %s\n", drawer_.joinable() ? kClearLine : "",
                 printable(text_at(*step, "text")).c_str());
  };
}

void Progress::draw_until_end() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kDrawEvery, [this] { return ended_; })) {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
    const std::optional<double> share = share_ ? share_() : std::nullopt;
    std::fprintf(stderr, "%s  %s", kClearLine, progress_line(share, elapsed).c_str());
    std::fflush(stderr);
  }
  std::fputs(kClearLine, stderr);
}

}  // namespace keytrail::cli
