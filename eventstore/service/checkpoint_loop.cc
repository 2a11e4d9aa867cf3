#include "eventstore/service/checkpoint_loop.h"

#include <poll.h>

#include "eventstore/log/checkpoint_file.h"
#include "eventstore/log/fact_rows.h"

namespace keytrail::eventstore {

CheckpointLoop::CheckpointLoop(const EventLog& log, CheckedLog checked, std::string file,
                               const SecretBytes& key, std::function<void(std::string)> on_failure)
    : log_(log),
      tree_(std::move(checked.tree)),
      file_(std::move(file)),
      key_(key),
      on_failure_(std::move(on_failure)),
      thread_([this] { run(); }) {}

CheckpointLoop::~CheckpointLoop() {
  stop_.set();
  thread_.join();
}

void CheckpointLoop::run() {
  pollfd stop{.fd = stop_.fd(), .events = POLLIN, .revents = 0};
  for (bool last = false; !last;) {
    last = ::poll(&stop, 1, kCheckpointPauseMs) == 1;
    const auto written = follow_and_write();
    if (written.ok()) continue;
    on_failure_(written.error().detail);
    return;
  }
}

Result<void> CheckpointLoop::follow_and_write() {
  const LogEnd end = log_.end();
  if (end.position == tree_.size() && written_) return {};
  // The fact at p names the leaf of p - 1; the last leaf is the log's own.
  TRY(log_.read(tree_.size(), end.position, [&](Position position, ByteView stamp, ByteView) {
    if (position > tree_.size() + 1) tree_.append(previous_of(stamp));
    return true;
  }));
  if (end.position > tree_.size()) tree_.append(end.leaf);
  KEYTRAIL_CHECK(tree_.size() == end.position);
  TRY(write_checkpoint_file(file_, proof::sign_checkpoint({.log_id = log_.id(),
                                                    .generation = log_.generation(),
                                                    .size = tree_.size(),
                                                    .root = tree_.root()},
                                                   key_)));
  written_ = true;
  return {};
}

}  // namespace keytrail::eventstore
