// Verify: whether a log, or a copy of one, is whole. On all cores; writes nothing.
//
// Reads every fact, hashes it, compares it with the leaf that the next one names; hashes every
// attachment and compares it with the body that names it, which one must; builds the tree and
// compares its root with the checkpoint's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "eventstore/log/chain.h"

namespace keytrail::eventstore {

// Whether the checkpoint is the log's owner's word.
enum class CheckpointTrust {
  kUnknown,  // no key was given: anybody may have written it
  kSigned,   // with the key that was given
};

struct Verdict {
  LogId log_id{};
  std::uint64_t generation = 0;
  LogEnd end;   // as far as it is whole
  Hash root{};  // of the tree up to there
  std::uint64_t attachments = 0;
  std::optional<proof::Checkpoint> checkpoint;  // what it was compared with
  CheckpointTrust checkpoint_trust = CheckpointTrust::kUnknown;
  std::optional<Position> first_bad;
  bool damaged = false;  // from `first_bad` on nothing could be read: what is missing was not cut
  std::string wrong;     // empty: the log is whole

  [[nodiscard]] bool whole() const { return wrong.empty(); }
};

struct VerifyOptions {
  // Ed25519, of the store: the checkpoint of verify_folder must be signed with it.
  std::optional<Bytes> checkpoint_key;
  std::optional<proof::Checkpoint> checkpoint;
  unsigned threads = 0;                       // 0 = one a core
  std::function<void(Position)> on_progress;  // now and then, on the calling thread
};

[[nodiscard]] Verdict verify(const EventLog& log, const VerifyOptions& options);

// Opens the database of `folder` read-only, salvaging what stands before a damage in its
// write-ahead log, and compares it with `checkpoint_file` (empty or missing: with none). kNotFound,
// kUnavailable: there was nothing to verify.
[[nodiscard]] Result<Verdict> verify_folder(const std::string& folder,
                                            const std::string& checkpoint_file,
                                            VerifyOptions options);

// What a witness has to say against the log of `verdict`: as in chain.h, but what it saw behind a
// damage is told as unreadable. The damage comes first; it is in the verdict.
[[nodiscard]] Result<std::optional<std::string>> contradiction(const EventLog& log,
                                                               const Verdict& verdict,
                                                               const Sighting& seen);

}  // namespace keytrail::eventstore
