// Chain: the log's own proof that nothing in it was changed, walked fact by fact.
//
// At start the store walks the whole chain while it replays the facts to the orderer: each must
// name the leaf of the one before, and the checkpoint's root must be the tree's at its size. The
// same walk, on all cores and with attachments, is `verify` (verify.h). Values; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bus/proof/merkle.h"
#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

// What is known of a log after all of it was walked.
struct CheckedLog {
  LogEnd end;
  proof::MerkleRange tree;
};

using OnCheckedFact = std::function<Result<void>(ByteView stamp, ByteView body, const Hash& leaf)>;

// kCorrupt: the first position that is damaged and what is wrong; "the log was cut"; "the log is
// another one". An error of `on_fact` ends the walk and is returned.
[[nodiscard]] Result<CheckedLog> check_log(const EventLog& log,
                                           const std::optional<proof::Checkpoint>& checkpoint,
                                           const OnCheckedFact& on_fact);

// The sentence for a log whose end somebody knows to be further.
[[nodiscard]] Error log_was_cut(const std::string& who, Position saw, Position head);

// What somebody saw of a log, at its end of then.
struct Sighting {
  std::string who;  // "kms/kms-1"
  std::uint64_t generation = 0;
  Position position = 0;  // 0: no fact
  Hash leaf{};
};
// What was seen must be there, up to `head`; a sentence that says how it is not. An error: the log
// could not be read there, so nobody knows.
[[nodiscard]] Result<std::optional<std::string>> contradiction(const EventLog& log, Position head,
                                                               const Sighting& seen);

// Compares a log with the checkpoint, if there is one, while the log is walked. Borrows the
// checkpoint.
class CheckpointCheck {
 public:
  CheckpointCheck(const EventLog& log, const std::optional<proof::Checkpoint>& checkpoint);
  // Before the walk: another log's, or one that is longer than this log.
  [[nodiscard]] Result<void> before() const;
  // After each leaf: at the checkpoint's size the tree's root must be its.
  [[nodiscard]] Result<void> at(const proof::MerkleRange& tree) const;

 private:
  const LogId log_id_;
  const LogEnd end_;
  const std::optional<proof::Checkpoint>& checkpoint_;
};

}  // namespace keytrail::eventstore
