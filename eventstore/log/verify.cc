#include "eventstore/log/verify.h"

#include <algorithm>
#include <deque>
#include <future>
#include <thread>

#include "bus/events/codec.h"
#include "bus/secret/sha256.h"
#include "eventstore/log/checkpoint_file.h"
#include "eventstore/log/fact_rows.h"
#include "eventstore/log/rocks_log.h"

namespace keytrail::eventstore {

namespace {

constexpr Position kChunkFacts = 4096;

struct Wrong {
  Position position = 0;
  std::string what;
  bool is_damage = false;  // it cannot be read, nor what stands behind it
};

std::string saw_behind_the_damage(const std::string& who, Position saw) {
  return who + " saw position " + std::to_string(saw) + ", which cannot be read";
}

// What one worker found out about (after, until], without knowing what stands before it.
struct Chunk {
  Position after = 0;
  Hash first_previous{};
  std::vector<Hash> leaves;
  std::uint64_t attachments = 0;
  std::optional<Wrong> wrong;
};

// The attachments of a chunk as they lie in the log, in one pass: none is made a fact's by being
// named, so one that was added is seen too.
class StoredAttachments {
 public:
  StoredAttachments(const EventLog& log, Position after, Position until) {
    const auto read = log.read_attachments(after, until, [&](const AttachmentRow& row) {
      rows_.push_back({row.position, row.index, sha256(row.bytes)});
    });
    if (!read.ok()) unreadable_ = read.error().detail;
  }

  // Those of the next fact are those that its body names, none missing, none extra. Facts come in
  // the order of their positions.
  std::optional<Wrong> check(Position position, ByteView body) {
    const auto header = peek_body(body);
    if (!header.ok()) return Wrong{position, "its body is not readable: " + header.error().detail};
    std::uint32_t index = 0;
    for (const Hash& named : header->attachments) {
      if (next_ == rows_.size() && unreadable_) return Wrong{position, *unreadable_, true};
      if (next_ == rows_.size() || rows_[next_].position != position ||
          rows_[next_].index != index) {
        return Wrong{position, "an attachment is missing"};
      }
      if (rows_[next_].hash != named) return Wrong{position, "an attachment was changed"};
      ++next_;
      ++index;
    }
    if (next_ < rows_.size() && rows_[next_].position <= position) {
      return Wrong{position, "an attachment was added that it does not name"};
    }
    return std::nullopt;
  }

  // After the last fact of the chunk: what could not be read belongs to one of them.
  [[nodiscard]] const std::optional<std::string>& unreadable() const { return unreadable_; }
  // Of the facts that were checked.
  [[nodiscard]] std::size_t checked() const { return next_; }

 private:
  struct Row {
    Position position = 0;
    std::uint32_t index = 0;
    Hash hash{};
  };
  std::vector<Row> rows_;
  std::size_t next_ = 0;
  std::optional<std::string> unreadable_;
};

Chunk check_chunk(const EventLog& log, Position after, Position until) {
  Chunk chunk{.after = after, .first_previous = {}, .leaves = {}, .attachments = 0, .wrong = {}};
  chunk.leaves.reserve(until - after);
  StoredAttachments attachments(log, after, until);
  const auto read = log.read(after, until, [&](Position position, ByteView stamp, ByteView body) {
    const Hash previous = previous_of(stamp);
    if (chunk.leaves.empty()) {
      chunk.first_previous = previous;
    } else if (previous != chunk.leaves.back()) {
      // The chain says that this one or the one before was changed. The one before follows from its
      // own predecessor, but its bytes no longer give the leaf that is named here.
      chunk.wrong = Wrong{position - 1, "its hash is not the one that the next fact names"};
      chunk.leaves.pop_back();
      return false;
    }
    if (!decode_stamp(stamp).ok()) {
      chunk.wrong = Wrong{position, "its stamp is not readable"};
      return false;
    }
    chunk.wrong = attachments.check(position, body);
    if (chunk.wrong) return false;
    chunk.leaves.push_back(leaf_of(stamp, body));
    return true;
  });
  if (!read.ok() && !chunk.wrong) {
    chunk.wrong = Wrong{after + chunk.leaves.size() + 1, read.error().detail, true};
  }
  if (!chunk.wrong && attachments.unreadable()) {
    chunk.wrong = Wrong{until, *attachments.unreadable(), true};
  }
  chunk.attachments = attachments.checked();
  return chunk;
}

// Puts the chunks together, in order.
class Assembly {
 public:
  Assembly(const EventLog& log, const std::optional<proof::Checkpoint>& checkpoint)
      : checkpoint_check_(log, checkpoint) {
    verdict_.log_id = log.id();
    verdict_.generation = log.generation();
    verdict_.end = {.position = 0, .leaf = genesis_of(log.id())};
    verdict_.checkpoint = checkpoint;
  }

  // False: something is wrong, the rest does not matter.
  bool add(const Chunk& chunk) {
    if (!chunk.leaves.empty() && chunk.first_previous != verdict_.end.leaf) {
      const bool first = chunk.after == 0;
      return wrong(
          {first ? 1 : chunk.after, first ? "it does not follow from the log's id"
                                          : "its hash is not the one that the next fact names"});
    }
    for (const Hash& leaf : chunk.leaves) {
      tree_.append(leaf);
      verdict_.end = {.position = tree_.size(), .leaf = leaf};
      const auto at_checkpoint = checkpoint_check_.at(tree_);
      if (!at_checkpoint.ok()) return wrong({tree_.size(), at_checkpoint.error().detail});
    }
    verdict_.attachments += chunk.attachments;
    return chunk.wrong ? wrong(*chunk.wrong) : true;
  }

  // `damage`: why the log was opened only up to its end, if there is more.
  Verdict finish(const std::optional<std::string>& damage) {
    verdict_.root = tree_.root();
    const Position behind = verdict_.end.position + 1;
    if (verdict_.whole() && damage) wrong({behind, *damage, true});
    const auto fits = checkpoint_check_.before();
    if (verdict_.whole() && !fits.ok()) wrong({behind, fits.error().detail});
    if (verdict_.damaged) tell_what_the_damage_hides();
    return std::move(verdict_);
  }

 private:
  bool wrong(const Wrong& found) {
    verdict_.first_bad = found.position;
    verdict_.damaged = found.is_damage;
    verdict_.wrong = "position " + std::to_string(found.position) + ": " +
                     (found.is_damage ? "nothing could be read from here on: " : "") + found.what;
    return false;
  }

  // A checkpoint of more facts than can be read is no sign of a cut here.
  void tell_what_the_damage_hides() {
    const auto& checkpoint = verdict_.checkpoint;
    if (checkpoint && checkpoint->log_id == verdict_.log_id &&
        checkpoint->size >= *verdict_.first_bad) {
      verdict_.wrong += "; " + saw_behind_the_damage("the checkpoint", checkpoint->size);
    }
    verdict_.wrong += "; restore the log from a backup";
  }

  const CheckpointCheck checkpoint_check_;
  Verdict verdict_;
  proof::MerkleRange tree_;
};

Verdict walk(const EventLog& log, const VerifyOptions& options,
             const std::optional<std::string>& damage) {
  const std::size_t threads =
      std::max(1U, options.threads != 0 ? options.threads : std::thread::hardware_concurrency());
  const Position end = log.end().position;
  Assembly assembly(log, options.checkpoint);
  std::deque<std::future<Chunk>> running;
  Position next = 0;
  bool good = true;
  while (good && (next < end || !running.empty())) {
    while (next < end && running.size() < 2 * threads) {
      const Position until = std::min(end, next + kChunkFacts);
      running.push_back(std::async(std::launch::async, check_chunk, std::cref(log), next, until));
      next = until;
    }
    const Chunk chunk = running.front().get();
    running.pop_front();
    good = assembly.add(chunk);
    if (options.on_progress) options.on_progress(chunk.after + chunk.leaves.size());
  }
  return assembly.finish(damage);
}

}  // namespace

Verdict verify(const EventLog& log, const VerifyOptions& options) {
  return walk(log, options, std::nullopt);
}

Result<Verdict> verify_folder(const std::string& folder, const std::string& checkpoint_file,
                              VerifyOptions options) {
  std::string damaged_checkpoint;
  if (!checkpoint_file.empty()) {
    const auto checkpoint = read_checkpoint_file(checkpoint_file, options.checkpoint_key);
    if (checkpoint.ok())
      options.checkpoint = *checkpoint;
    else
      damaged_checkpoint = checkpoint.error().detail;
  }
  std::optional<std::string> damage;
  auto log = RocksLog::open_read_only(folder);
  if (!log.ok() && log.error().code == ErrorCode::kCorrupt) {
    damage = log.error().detail;
    log = RocksLog::open_read_only(folder, RocksLog::Recovery::kSalvage);
  }
  if (!log.ok()) return log.error();
  Verdict verdict = walk(**log, options, damage);
  if (options.checkpoint && options.checkpoint_key) {
    verdict.checkpoint_trust = CheckpointTrust::kSigned;
  }
  if (!damaged_checkpoint.empty()) {
    verdict.wrong += (verdict.whole() ? "" : "; ") + damaged_checkpoint;
  }
  return verdict;
}

Result<std::optional<std::string>> contradiction(const EventLog& log, const Verdict& verdict,
                                                 const Sighting& seen) {
  const bool is_hidden = verdict.damaged && seen.generation <= verdict.generation &&
                         seen.position >= *verdict.first_bad;
  if (is_hidden) return std::optional(saw_behind_the_damage(seen.who, seen.position));
  return contradiction(log, log.end().position, seen);
}

}  // namespace keytrail::eventstore
