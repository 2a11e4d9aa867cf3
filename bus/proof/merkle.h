// The RFC 6962 tree over all leaves of a log: its root, and proofs that check without the log.
//
// MerkleRange grows the root, fact by fact. Proofs are made from hashes of full subtrees, wherever
// those come from (tiles, memory), and checked from nothing but the proof. Values; pure; any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bus/secret/bytes.h"

namespace keytrail::proof {

// SHA-256(0x01 || left || right).
[[nodiscard]] Hash node_of(const Hash& left, const Hash& right);

// The tree's full subtrees of falling size, at most 64 hashes, whatever the size of the log.
class MerkleRange {
 public:
  void append(const Hash& leaf);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Of the tree over the leaves so far; SHA-256 of nothing for none.
  [[nodiscard]] Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;  // left to right, one per bit that is set in size_
};

// The hash of the full subtree over the leaves [index << level, (index + 1) << level).
using SubtreeHashes = std::function<Result<Hash>(unsigned level, std::uint64_t index)>;
using Path = std::vector<Hash>;
inline constexpr std::size_t kPathHashesMax = 128;  // two for each level of the largest tree

// The root of the tree over the first `size` leaves. REQUIRES: size > 0.
[[nodiscard]] Result<Hash> root_at(std::uint64_t size, const SubtreeHashes& hashes);

// RFC 6962 section 2.1.1: leaf `index` is in the tree of `size` leaves. REQUIRES: index < size.
[[nodiscard]] Result<Path> prove_inclusion(std::uint64_t index, std::uint64_t size,
                                           const SubtreeHashes& hashes);
[[nodiscard]] bool check_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                   const Path& path, const Hash& root);

// RFC 6962 section 2.1.2: the tree of `old_size` leaves is the beginning of the tree of `size`.
// REQUIRES: 0 < old_size <= size.
[[nodiscard]] Result<Path> prove_consistency(std::uint64_t old_size, std::uint64_t size,
                                             const SubtreeHashes& hashes);
[[nodiscard]] bool check_consistency(std::uint64_t old_size, std::uint64_t size,
                                     const Hash& old_root, const Hash& root, const Path& path);

}  // namespace keytrail::proof
