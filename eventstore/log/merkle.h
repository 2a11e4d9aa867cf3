// MerkleRange: the RFC 6962 tree over all leaves, kept as the roots of its largest full subtrees:
// at most 64 hashes, whatever the size of the log. A value; one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "bus/secret/bytes.h"

namespace keytrail::eventstore {

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

}  // namespace keytrail::eventstore
