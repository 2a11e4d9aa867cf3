// LeafBlocks: the leaves of the keyring that this process may spend, once each.
//
// Blocks are leased through the log and never used by a later process of the same replica: a leaf
// is spent when it is taken, whatever becomes of the request, and a counter that came back from a
// file could seal two objects with one key. The next block is asked for when half of the last is
// spent. Threads: one; a value.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "kms/model/keyring_duties.h"

namespace keytrail::kms {

class LeafBlocks {
 public:
  void add(std::uint64_t block) { blocks_.push_back({block * kLeavesPerBlock, kLeavesPerBlock}); }

  // Nothing: wait until a block is leased.
  [[nodiscard]] std::optional<std::uint64_t> take() {
    if (blocks_.empty()) return std::nullopt;
    Range& range = blocks_.front();
    const std::uint64_t leaf = range.next++;
    if (--range.left == 0) blocks_.pop_front();
    return leaf;
  }

  [[nodiscard]] bool needs_block() const {
    return blocks_.empty() || (blocks_.size() == 1 && blocks_.front().left <= kLeavesPerBlock / 2);
  }

 private:
  struct Range {
    std::uint64_t next = 0;
    std::uint64_t left = 0;
  };
  std::deque<Range> blocks_;
};

}  // namespace keytrail::kms
