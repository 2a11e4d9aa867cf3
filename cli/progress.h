// Progress: what a command has come to, on stderr.
//
// Each step is a line when it is done. On a terminal a line below them lives: how long the command
// has taken, and a bar where it can be told how much of the work is done. A file gets the steps
// alone. Threads: one uses it; on a terminal a second one draws.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace keytrail::cli {

class Progress {
 public:
  // The share of the work that is done, 0 to 1, if that can be told. Called by the drawing thread.
  using Share = std::function<std::optional<double>()>;

  explicit Progress(Share share = {});
  ~Progress();  // The living line goes.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // For VcenterSession::call: takes PROGRESS as JSON, shows its "text". Borrows this.
  [[nodiscard]] std::function<void(const std::string& json)> on_progress();

 private:
  void draw_until_end();

  const Share share_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  // of the terminal
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread drawer_;  // Last: it uses all the others.
};

// "[==========----------]  50 %   12 s"; without a share the time alone.
[[nodiscard]] std::string progress_line(std::optional<double> share, std::chrono::seconds elapsed);

// How much of a VM's disk a host has converted: of the new data file beside the old one, as much
// as is written, which is from its start to its first hole. Nothing while there is no new one, once
// all is written, or where the file system does not tell holes. `folder`: the VM's, in a datastore
// of this machine.
[[nodiscard]] std::optional<double> share_converted(const std::string& folder);

}  // namespace keytrail::cli
