// A GGM tree with holes: the nodes that cover all leaves but the punctured ones, and nothing above
// them.
//
//                 0-7              child_b = HMAC-SHA-256(node, b): all leaves below a node follow
//          0-3           4-7       from it, and nothing else does. Puncturing leaf 5 takes 0-7
//       0-1   2-3     4-5   6-7    and 4-7 away and leaves what covers the others, 0-3, 4, 6-7:
//       0 1   2 3     4[5]  6 7    so 5 is gone for good, for at most `depth` nodes more.
//
// The keyring has two kinds: the frontier, whose leaves are the roots of blocks, and the block,
// whose leaves are the one-time keys.
// Threads: a value; one.
#pragma once

#include <map>
#include <optional>

#include "bus/secret/secret_codec.h"

namespace keytrail::keyring {

inline constexpr std::size_t kNodeBytes = 32;

class PuncturedTree {
 public:
  using Leaf = std::uint32_t;

  // The whole tree below `root`: 2^depth leaves. REQUIRES: depth <= 28, 32-byte root.
  PuncturedTree(unsigned depth, SecretBytes root);

  // The value of `leaf`; nothing if it was punctured. REQUIRES: leaf < 2^depth.
  [[nodiscard]] std::optional<SecretBytes> derive(Leaf leaf) const;

  // Makes `leaf` underivable and gives its value for the last time; nothing if it was gone already.
  std::optional<SecretBytes> puncture(Leaf leaf);

  // No leaf is left.
  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] PuncturedTree clone() const;

  void encode(SecretWriter& writer) const;
  // kCorrupt: nodes that overlap, lie outside or are out of order.
  static Result<PuncturedTree> decode(unsigned depth, SecretReader& reader);

 private:
  struct Node {
    unsigned depth = 0;  // 0 = the root.
    SecretBytes value;
  };
  using Nodes = std::map<Leaf, Node>;  // By the first leaf that each covers.

  explicit PuncturedTree(unsigned depth) : depth_(depth) {}

  [[nodiscard]] Nodes::const_iterator covering(Leaf leaf) const;

  unsigned depth_;
  Nodes nodes_;
};

}  // namespace keytrail::keyring
