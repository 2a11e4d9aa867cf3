#include "bus/proof/merkle.h"

#include <bit>

#include "bus/secret/sha256.h"

namespace keytrail::proof {

namespace {

// The largest power of two below `size`: where RFC 6962 splits a tree. REQUIRES: size > 1.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

// The hash over the leaves [begin, end): begin is a multiple of the size of every full subtree in
// it, since all ranges here come from splitting at powers of two.
Result<Hash> hash_of(std::uint64_t begin, std::uint64_t end, const SubtreeHashes& hashes) {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size)) {
    const auto level = static_cast<unsigned>(std::countr_zero(size));
    return hashes(level, begin >> level);
  }
  const std::uint64_t middle = begin + split_of(size);
  const Hash left = TRY(hash_of(begin, middle, hashes));
  const Hash right = TRY(hash_of(middle, end, hashes));
  return node_of(left, right);
}

// Paths go from the leaf to the root, splitting from the root to the leaf: the recursion turns it
// round.
Result<void> add_inclusion(std::uint64_t index, std::uint64_t begin, std::uint64_t end,
                           const SubtreeHashes& hashes, Path& path) {
  if (end - begin == 1) return {};
  const std::uint64_t middle = begin + split_of(end - begin);
  const bool is_left = index < middle;
  TRY(is_left ? add_inclusion(index, begin, middle, hashes, path)
              : add_inclusion(index, middle, end, hashes, path));
  path.push_back(TRY(is_left ? hash_of(middle, end, hashes) : hash_of(begin, middle, hashes)));
  return {};
}

// `is_whole`: the old tree is known whole up to here, so its own hash need not be told.
Result<void> add_consistency(std::uint64_t old_end, std::uint64_t begin, std::uint64_t end,
                             bool is_whole, const SubtreeHashes& hashes, Path& path) {
  if (old_end == end) {
    if (!is_whole) path.push_back(TRY(hash_of(begin, end, hashes)));
    return {};
  }
  const std::uint64_t middle = begin + split_of(end - begin);
  if (old_end <= middle) {
    TRY(add_consistency(old_end, begin, middle, is_whole, hashes, path));
    path.push_back(TRY(hash_of(middle, end, hashes)));
    return {};
  }
  TRY(add_consistency(old_end, middle, end, false, hashes, path));
  path.push_back(TRY(hash_of(begin, middle, hashes)));
  return {};
}

}  // namespace

Hash node_of(const Hash& left, const Hash& right) {
  static constexpr std::uint8_t kNodePrefix = 1;
  return sha256({ByteView(&kNodePrefix, 1), left, right});
}

void MerkleRange::append(const Hash& leaf) {
  Hash subtree = leaf;
  // Each 1 bit at the low end is a full subtree of the size that now is complete twice.
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    subtree = node_of(subtrees_.back(), subtree);
    subtrees_.pop_back();
  }
  subtrees_.push_back(subtree);
  ++size_;
}

Hash MerkleRange::root() const {
  if (subtrees_.empty()) return sha256(ByteView());
  Hash root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i > 0; --i) root = node_of(subtrees_[i - 1], root);
  return root;
}

Result<Hash> root_at(std::uint64_t size, const SubtreeHashes& hashes) {
  KEYTRAIL_CHECK(size > 0);
  return hash_of(0, size, hashes);
}

Result<Path> prove_inclusion(std::uint64_t index, std::uint64_t size, const SubtreeHashes& hashes) {
  KEYTRAIL_CHECK(index < size);
  Path path;
  TRY(add_inclusion(index, 0, size, hashes, path));
  return path;
}

bool check_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, const Path& path,
                     const Hash& root) {
  if (index >= size || path.size() > kPathHashesMax) return false;
  // RFC 9162 section 2.1.3.2: `node` climbs from the leaf, `last` beside it along the right edge.
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : path) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = node_of(sibling, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_of(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

Result<Path> prove_consistency(std::uint64_t old_size, std::uint64_t size,
                               const SubtreeHashes& hashes) {
  KEYTRAIL_CHECK(old_size > 0 && old_size <= size);
  Path path;
  TRY(add_consistency(old_size, 0, size, true, hashes, path));
  return path;
}

bool check_consistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                       const Hash& root, const Path& path) {
  if (old_size == 0 || old_size > size || path.size() > kPathHashesMax) return false;
  if (old_size == size) return path.empty() && old_root == root;
  // RFC 9162 section 2.1.4.2. A whole old tree is the first hash itself, so it is not in the path.
  const bool is_whole = std::has_single_bit(old_size);
  if (!is_whole && path.empty()) return false;
  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  for (; (node & 1) != 0; node >>= 1) last >>= 1;
  Hash old_hash = is_whole ? old_root : path.front();
  Hash hash = old_hash;
  for (std::size_t i = is_whole ? 0 : 1; i < path.size(); ++i) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_hash = node_of(path[i], old_hash);
      hash = node_of(path[i], hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_of(hash, path[i]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && hash == root;
}

}  // namespace keytrail::proof
