#include "eventstore/log/log_tree.h"

#include <algorithm>
#include <functional>

#include "eventstore/log/fact_rows.h"

namespace keytrail::eventstore {

namespace {

using proof::kTileHeight;
using proof::kTileWidth;
using proof::TileName;

// The leaves of (after, until]: all but the last stand in the fact behind theirs.
Result<void> read_leaves(const EventLog& log, Position after, Position until,
                         const std::function<void(const Hash& leaf)>& on_leaf) {
  Position expected = after + 1;
  TRY(log.read(after, until, [&](Position position, ByteView stamp, ByteView body) {
    if (position != expected) return false;
    if (position > after + 1) on_leaf(previous_of(stamp));
    if (position == until) on_leaf(leaf_of(stamp, body));
    ++expected;
    return true;
  }));
  if (expected == until + 1) return {};
  return Error{ErrorCode::kCorrupt, "position " + std::to_string(expected) + " cannot be read"};
}

void append(Bytes& bytes, const Hash& hash) { bytes.insert(bytes.end(), hash.begin(), hash.end()); }

}  // namespace

Result<LogTree> LogTree::over(const EventLog& log, Position size) {
  if (size == 0 || size > log.end().position) {
    return Error{ErrorCode::kNotFound, "the log has " + std::to_string(log.end().position) +
                                           " facts; there is no tree of " + std::to_string(size)};
  }
  LogTree tree(log, size);
  proof::MerkleRange range;
  proof::MerkleRange in_tile;
  TRY(read_leaves(log, 0, size, [&](const Hash& leaf) {
    range.append(leaf);
    in_tile.append(leaf);
    if (in_tile.size() < kTileWidth) return;
    tree.full_tiles_.push_back(in_tile.root());
    in_tile = {};
  }));
  tree.root_ = range.root();
  return tree;
}

Result<Bytes> LogTree::tile(const TileName& name) const {
  if (name.width == 0 || name.width > proof::width_in(size_, name.level, name.index)) {
    return Error{ErrorCode::kNotFound,
                 "a tree of " + std::to_string(size_) + " facts has no " + proof::path_of(name)};
  }
  if (name.is_entries) return entries(name);
  if (name.level == 0) return leaf_tile(name);
  // Level n: each hash is over 256^(n-1) of the full tiles of leaves.
  Bytes hashes;
  const std::uint64_t span = std::uint64_t{1} << (kTileHeight * (name.level - 1));
  for (std::uint64_t i = 0; i < name.width; ++i) {
    const std::uint64_t first = (name.index * kTileWidth + i) * span;
    proof::MerkleRange over;
    for (std::uint64_t k = first; k < first + span; ++k) over.append(full_tiles_.at(k));
    append(hashes, over.root());
  }
  return hashes;
}

Result<Bytes> LogTree::leaf_tile(const TileName& name) const {
  Bytes hashes;
  const Position after = name.index * kTileWidth;
  TRY(read_leaves(*log_, after, after + name.width,
                  [&](const Hash& leaf) { append(hashes, leaf); }));
  return hashes;
}

Result<Bytes> LogTree::entries(const TileName& name) const {
  Bytes bundle;
  const Position after = name.index * kTileWidth;
  TRY(log_->read(after, after + name.width, [&](Position, ByteView stamp, ByteView body) {
    const std::size_t length = stamp.size() + body.size();
    bundle.push_back(static_cast<std::uint8_t>(length >> 8));
    bundle.push_back(static_cast<std::uint8_t>(length & 0xff));
    bundle.insert(bundle.end(), stamp.begin(), stamp.end());
    bundle.insert(bundle.end(), body.begin(), body.end());
    return true;
  }));
  return bundle;
}

std::vector<TileName> LogTree::tiles() const {
  std::vector<TileName> names;
  for (unsigned level = 0; level < proof::kTileLevelsMax; ++level) {
    for (std::uint64_t index = 0; proof::width_in(size_, level, index) > 0; ++index) {
      const std::uint64_t width = proof::width_in(size_, level, index);
      names.push_back({.level = level, .index = index, .width = width});
      if (level == 0) names.push_back({.is_entries = true, .index = index, .width = width});
    }
  }
  return names;
}

proof::SubtreeHashes LogTree::hashes() const {
  return proof::over_tiles(size_, [this](const TileName& name) { return tile(name); });
}

Result<proof::TlogProof> LogTree::prove(Position position, std::string checkpoint) const {
  if (position == 0 || position > size_) {
    return Error{ErrorCode::kNotFound, "position " + std::to_string(position) +
                                           " is not among the " + std::to_string(size_) +
                                           " facts that the checkpoint covers"};
  }
  proof::TlogProof proven{.entry = {},
                          .index = position - 1,
                          .path = TRY(proof::prove_inclusion(position - 1, size_, hashes())),
                          .checkpoint = std::move(checkpoint)};
  TRY(log_->read(position - 1, position, [&](Position, ByteView stamp, ByteView body) {
    proven.entry.assign(stamp.begin(), stamp.end());
    proven.entry.insert(proven.entry.end(), body.begin(), body.end());
    return false;
  }));
  return proven;
}

Result<proof::Path> LogTree::prove_growth_since(Position old_size) const {
  if (old_size == 0 || old_size > size_) {
    return Error{ErrorCode::kNotFound, "there is no proof of growth from " +
                                           std::to_string(old_size) + " to " +
                                           std::to_string(size_)};
  }
  return proof::prove_consistency(old_size, size_, hashes());
}

}  // namespace keytrail::eventstore
