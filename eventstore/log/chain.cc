#include "eventstore/log/chain.h"

#include "eventstore/log/fact_rows.h"

namespace keytrail::eventstore {

Error log_was_cut(const std::string& who, Position saw, Position head) {
  return Error{ErrorCode::kCorrupt, "the log was cut: " + who + " saw " + std::to_string(saw) +
                                        ", the head is " + std::to_string(head) +
                                        "; restore the log from a backup"};
}

Result<std::optional<std::string>> contradiction(const EventLog& log, Position head,
                                                 const Sighting& seen) {
  using Sentence = std::optional<std::string>;
  if (seen.generation > log.generation()) {
    return Sentence("this log is an older copy: " + seen.who + " saw generation " +
                    std::to_string(seen.generation) + ", this is " +
                    std::to_string(log.generation()));
  }
  if (seen.position == 0) return Sentence();
  if (seen.position > head) return Sentence(log_was_cut(seen.who, seen.position, head).detail);
  bool is_it = false;
  TRY(log.read(seen.position - 1, seen.position, [&](Position, ByteView stamp, ByteView body) {
    is_it = leaf_of(stamp, body) == seen.leaf;
    return false;
  }));
  if (is_it) return Sentence();
  return Sentence("the log was rewritten: position " + std::to_string(seen.position) +
                  " is not the fact that " + seen.who + " saw");
}

CheckpointCheck::CheckpointCheck(const EventLog& log,
                                 const std::optional<proof::Checkpoint>& checkpoint)
    : log_id_(log.id()), end_(log.end()), checkpoint_(checkpoint) {}

Result<void> CheckpointCheck::before() const {
  if (!checkpoint_) return {};
  if (checkpoint_->log_id != log_id_) {
    return Error{ErrorCode::kCorrupt, "the checkpoint is of log " + to_hex(checkpoint_->log_id) +
                                          ", this is log " + to_hex(log_id_) +
                                          "; put the right pair together"};
  }
  if (checkpoint_->size > end_.position)
    return log_was_cut("the checkpoint", checkpoint_->size, end_.position);
  return {};
}

Result<void> CheckpointCheck::at(const proof::MerkleRange& tree) const {
  if (!checkpoint_ || tree.size() != checkpoint_->size || tree.root() == checkpoint_->root)
    return {};
  return Error{ErrorCode::kCorrupt,
               "the log was rewritten: up to position " + std::to_string(tree.size()) +
                   " it is not what the checkpoint signed; restore it from a backup"};
}

Result<CheckedLog> check_log(const EventLog& log,
                             const std::optional<proof::Checkpoint>& checkpoint,
                             const OnCheckedFact& on_fact) {
  const CheckpointCheck checkpoint_check(log, checkpoint);
  TRY(checkpoint_check.before());
  CheckedLog checked{.end = {.position = 0, .leaf = genesis_of(log.id())}, .tree = {}};
  TRY(checkpoint_check.at(checked.tree));
  Result<void> verdict;
  TRY(log.read(0, log.end().position, [&](Position position, ByteView stamp, ByteView body) {
    if (previous_of(stamp) != checked.end.leaf) {
      verdict = Error{ErrorCode::kCorrupt,
                      "position " + std::to_string(position) +
                          " does not follow from the fact before it: one of the two was changed"};
      return false;
    }
    checked.end = {.position = position, .leaf = leaf_of(stamp, body)};
    checked.tree.append(checked.end.leaf);
    verdict = on_fact(stamp, body, checked.end.leaf);
    if (verdict.ok()) verdict = checkpoint_check.at(checked.tree);
    return verdict.ok();
  }));
  TRY(std::move(verdict));
  return checked;
}

}  // namespace keytrail::eventstore
