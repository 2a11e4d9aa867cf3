// CheckpointLoop: the thread behind the head that grows the Merkle tree and signs what it has seen.
//
// Every kCheckpointPauseMs while the head moves, and at the end, it writes the checkpoint file:
// what the next start will not go below. It reads the leaves from the log (each fact names the one
// before), so nothing of this is on the append path.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "bus/wire/wake_event.h"
#include "eventstore/log/chain.h"

namespace keytrail::eventstore {

inline constexpr int kCheckpointPauseMs = 1000;

class CheckpointLoop {
 public:
  // `on_failure` is called once, on this thread, if the file cannot be written or the log not be
  // read.
  CheckpointLoop(const EventLog& log, CheckedLog checked, std::string file, const SecretBytes& key,
                 std::function<void(std::string)> on_failure);
  ~CheckpointLoop();  // after a last checkpoint
  CheckpointLoop(const CheckpointLoop&) = delete;
  CheckpointLoop& operator=(const CheckpointLoop&) = delete;

 private:
  void run();
  [[nodiscard]] Result<void> follow_and_write();

  const EventLog& log_;
  proof::MerkleRange tree_;
  const std::string file_;
  const SecretBytes& key_;
  const std::function<void(std::string)> on_failure_;
  bool written_ = false;  // since the start
  wire::WakeEvent stop_;
  std::thread thread_;
};

}  // namespace keytrail::eventstore
