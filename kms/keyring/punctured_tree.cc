#include "kms/keyring/punctured_tree.h"

#include <utility>

#include "bus/secret/sha256.h"

namespace keytrail::keyring {
namespace {

constexpr unsigned kDepthMax = 28;

SecretBytes child(const SecretBytes& node, std::uint8_t side) {
  return hmac_sha256_secret(node, {{&side, 1}});
}

std::uint64_t leaves_below(unsigned tree_depth, unsigned node_depth) {
  return std::uint64_t{1} << (tree_depth - node_depth);
}

}  // namespace

PuncturedTree::PuncturedTree(unsigned depth, SecretBytes root) : depth_(depth) {
  KEYTRAIL_CHECK(depth <= kDepthMax && root.size() == kNodeBytes);
  nodes_.emplace(0, Node{0, std::move(root)});
}

PuncturedTree::Nodes::const_iterator PuncturedTree::covering(Leaf leaf) const {
  KEYTRAIL_CHECK(leaf < leaves_below(depth_, 0));
  auto next = nodes_.upper_bound(leaf);
  if (next == nodes_.begin()) return nodes_.end();
  const auto node = std::prev(next);
  return leaf - node->first < leaves_below(depth_, node->second.depth) ? node : nodes_.end();
}

std::optional<SecretBytes> PuncturedTree::derive(Leaf leaf) const {
  const auto node = covering(leaf);
  if (node == nodes_.end()) return std::nullopt;
  SecretBytes value = node->second.value.clone();
  for (unsigned depth = node->second.depth; depth < depth_; ++depth) {
    value = child(value, static_cast<std::uint8_t>(leaf >> (depth_ - depth - 1) & 1));
  }
  return value;
}

std::optional<SecretBytes> PuncturedTree::puncture(Leaf leaf) {
  const auto node = covering(leaf);
  if (node == nodes_.end()) return std::nullopt;
  Leaf first = node->first;
  auto taken = nodes_.extract(node);
  SecretBytes value = std::move(taken.mapped().value);
  for (unsigned depth = taken.mapped().depth; depth < depth_; ++depth) {
    const auto half = static_cast<Leaf>(leaves_below(depth_, depth + 1));
    const bool right = leaf - first >= half;
    nodes_.emplace(right ? first : first + half, Node{depth + 1, child(value, right ? 0 : 1)});
    value = child(value, right ? 1 : 0);
    if (right) first += half;
  }
  return value;
}

PuncturedTree PuncturedTree::clone() const {
  PuncturedTree copy(depth_);
  for (const auto& [first, node] : nodes_) {
    copy.nodes_.emplace(first, Node{node.depth, node.value.clone()});
  }
  return copy;
}

void PuncturedTree::encode(SecretWriter& writer) const {
  writer.u32(static_cast<std::uint32_t>(nodes_.size()));
  for (const auto& [first, node] : nodes_) {
    writer.u32(first);
    writer.u8(static_cast<std::uint8_t>(node.depth));
    writer.raw(node.value);
  }
}

Result<PuncturedTree> PuncturedTree::decode(unsigned depth, SecretReader& reader) {
  PuncturedTree tree(depth);
  std::uint64_t free_from = 0;  // The first leaf that no node before this one covers.
  for (std::uint32_t count = TRY(reader.u32()); count > 0; --count) {
    const Leaf first = TRY(reader.u32());
    const unsigned node_depth = TRY(reader.u8());
    if (node_depth > depth || first < free_from || first >= leaves_below(depth, 0) ||
        first % leaves_below(depth, node_depth) != 0) {
      return Error{ErrorCode::kCorrupt, "the nodes of a keyring page do not form a tree"};
    }
    free_from = first + leaves_below(depth, node_depth);
    tree.nodes_.emplace_hint(tree.nodes_.end(), first,
                             Node{node_depth, TRY(reader.raw(kNodeBytes))});
  }
  return tree;
}

}  // namespace keytrail::keyring
