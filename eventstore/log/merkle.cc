#include "eventstore/log/merkle.h"

#include "bus/secret/sha256.h"

namespace keytrail::eventstore {

namespace {

Hash node_of(const Hash& left, const Hash& right) {
  static constexpr std::uint8_t kNodePrefix = 1;
  return sha256({ByteView(&kNodePrefix, 1), left, right});
}

}  // namespace

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

}  // namespace keytrail::eventstore
