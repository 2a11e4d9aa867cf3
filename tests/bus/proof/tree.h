// Tree: a log's leaves in memory, for tests of proofs. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/proof/merkle.h"
#include "bus/secret/sha256.h"

namespace keytrail::proof {

class Tree {
 public:
  // Leaf i is the hash of "leaf i"; the one at `changed` of something else.
  explicit Tree(std::uint64_t size, std::uint64_t changed = UINT64_MAX) {
    for (std::uint64_t i = 0; i <= size; ++i) {
      const std::string text = (i == changed ? "other " : "leaf ") + std::to_string(i);
      leaves_.push_back(sha256({as_bytes(text)}));
    }
  }
  [[nodiscard]] const Hash& leaf(std::uint64_t index) const { return leaves_.at(index); }
  [[nodiscard]] Hash root(std::uint64_t size) const {
    MerkleRange range;
    for (std::uint64_t i = 0; i < size; ++i) range.append(leaves_[i]);
    return range.root();
  }
  [[nodiscard]] SubtreeHashes hashes() const {
    return [this](unsigned level, std::uint64_t index) -> Result<Hash> {
      MerkleRange range;
      for (std::uint64_t i = index << level; i < (index + 1) << level; ++i) range.append(leaf(i));
      return range.root();
    };
  }

 private:
  std::vector<Hash> leaves_;  // one more than the tree has: a leaf that is not in it
};

}  // namespace keytrail::proof
