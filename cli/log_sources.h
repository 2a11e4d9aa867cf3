// Where a command reads the log from: the running event store, or a copy of its folder.
//
// Threads: one. Errors: kUnavailable nobody answers; kRefused, kCorrupt as the store or the copy
// says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bus/client/log_reader.h"
#include "cli/command_line.h"
#include "cli/endpoints.h"
#include "replay/tool/fact_source.h"

namespace keytrail::cli {

// The running store, read as the installation's operator.
class LiveLog final : public replay::FactSource {
 public:
  static Result<std::unique_ptr<LiveLog>> open(const Globals& globals);
  ~LiveLog() override;

  [[nodiscard]] Result<Position> head() override;
  [[nodiscard]] Result<void> read(Position after, Position until, const Visitor& visit) override;
  [[nodiscard]] Result<Position> position_before(TimeNs time) override;
  [[nodiscard]] client::LogReader& reader();

 private:
  struct Impl;
  explicit LiveLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// kInvalid where `folder` holds no event log; says which folder would.
[[nodiscard]] Result<void> check_log_folder(const std::string& folder);

// The event store's folder of the installation, or the copy in `log_folder`.
[[nodiscard]] Result<std::string> folder_of_log(const Globals& globals,
                                                const std::string& log_folder);

// The key that signs the checkpoints of the installation's log, as a verifier key
// ("name+id+base64").
[[nodiscard]] Result<std::string> log_vkey_of(const Globals& globals);

// With `log_folder` the copy there (the folder that holds `db`), else the running store.
[[nodiscard]] Result<std::unique_ptr<replay::FactSource>> open_log(const Globals& globals,
                                                                   const std::string& log_folder);

}  // namespace keytrail::cli
