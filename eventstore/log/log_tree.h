// LogTree: the Merkle tree of a log up to one of its sizes, as tiles and as proofs.
//
// Made by one walk over the stamps (each names the leaf before it); 32 bytes are kept for every 256
// facts, the rest is read from the log when it is asked for. Borrows the log. Immutable after
// over(); any thread that may read the log.
#pragma once

#include <string>
#include <vector>

#include "bus/proof/tiles.h"
#include "bus/proof/tlog_proof.h"
#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

class LogTree {
 public:
  // The tree of the first `size` facts. kNotFound: the log is shorter; kCorrupt names the position.
  [[nodiscard]] static Result<LogTree> over(const EventLog& log, Position size);

  [[nodiscard]] Position size() const { return size_; }
  [[nodiscard]] const Hash& root() const { return root_; }

  // The content of a tile's file: hashes, or facts. kNotFound: this tree has no such tile.
  [[nodiscard]] Result<Bytes> tile(const proof::TileName& name) const;
  // Every tile of the tree, entries too, in the order of their levels.
  [[nodiscard]] std::vector<proof::TileName> tiles() const;

  // The fact at `position`, proven under `checkpoint`, which is the note of a checkpoint of this
  // size. kNotFound: there is no such fact.
  [[nodiscard]] Result<proof::TlogProof> prove(Position position, std::string checkpoint) const;
  [[nodiscard]] Result<proof::Path> prove_growth_since(Position old_size) const;

 private:
  LogTree(const EventLog& log, Position size) : log_(&log), size_(size) {}
  [[nodiscard]] proof::SubtreeHashes hashes() const;
  [[nodiscard]] Result<Bytes> leaf_tile(const proof::TileName& name) const;
  [[nodiscard]] Result<Bytes> entries(const proof::TileName& name) const;

  const EventLog* log_;
  Position size_;
  Hash root_{};
  std::vector<Hash> full_tiles_;  // the root of each full tile of leaves
};

}  // namespace keytrail::eventstore
