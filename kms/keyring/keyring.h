// Keyring: 2^40 one-time keys from one root, each of which can be destroyed alone and for good.
//
// A leaf index is 28 bits of block and 12 of leaf. Blocks of 4,096 leaves are leased through the
// log; each leaf key seals the material of one object, once. puncture() destroys leaves: afterwards
// they cannot be derived from what is on the disk and the unlock secret, although the sealed
// material stays on the log for ever.
//
//   summary   cluster, punctured_through, fully punctured blocks (in the table of the sealed file)
//   page 0    the frontier: nodes over all blocks that have no page of their own
//   page b+1  block b, from its first puncture on, rewritten under a new key at each; at most 2,048
//             nodes. The first puncture takes the block's root out of the frontier, which else
//             would derive again what was punctured.
//
// Threads: one. Keeps the frontier and recently used blocks in memory; a leaf in a new block costs
// up to 40 HMACs (25 us), in a kept one 12.
// Errors: those of SealedFile; kNotFound for a punctured leaf.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "bus/secret/sealed_file.h"
#include "kms/keyring/punctured_tree.h"

namespace keytrail::keyring {

using LeafIndex = std::uint64_t;
using Block = std::uint32_t;

inline constexpr unsigned kBlockBits = 28;
inline constexpr unsigned kLeafBits = 12;
inline constexpr std::uint32_t kLeavesPerBlock = 1U << kLeafBits;
inline constexpr LeafIndex kLeafIndexEnd = LeafIndex{1} << (kBlockBits + kLeafBits);
inline constexpr std::size_t kKeptNodesMax = std::size_t{1} << 17;  // 4 MiB of node values.

[[nodiscard]] constexpr Block block_of(LeafIndex index) {
  return static_cast<Block>(index >> kLeafBits);
}
[[nodiscard]] constexpr LeafIndex first_leaf(Block block) { return LeafIndex{block} << kLeafBits; }

class Keyring {
 public:
  // A new cluster's: a fresh random root. kConflict: there is one already.
  static Result<std::unique_ptr<Keyring>> create(const SealedFile::Place& place,
                                                 const std::string& cluster);
  // kInvalid: it is another cluster's.
  static Result<std::unique_ptr<Keyring>> open(const SealedFile::Place& place,
                                               const std::string& cluster);
  // From what another replica gave: same tree, same punctures, all file keys new. kInvalid: another
  // cluster's.
  static Result<std::unique_ptr<Keyring>> join(const SealedFile::Place& place,
                                               const std::string& cluster,
                                               const SecretBytes& grant);

  // The key under which the material with this leaf is sealed: HMAC(leaf, "key" || cluster ||
  // index). kNotFound: it was punctured. kInvalid: no such leaf.
  [[nodiscard]] Result<SecretBytes> seal_key(LeafIndex index);

  // Destroys these leaves and remembers that all destructions up to `through`, a position of the
  // log, were followed. One commit, however many; leaves already gone are read over. Durable when
  // it returns; after an error some may still be derivable: try again.
  [[nodiscard]] Result<void> puncture(std::span<const LeafIndex> indices, std::uint64_t through);

  [[nodiscard]] std::uint64_t punctured_through() const { return summary_.punctured_through; }

  // All that a replica needs to join: for the wire between two of them, never for a file.
  [[nodiscard]] Result<SecretBytes> grant() const;

  // False: on this medium destroyed leaves are unlinked, but nothing proves that they are
  // forgotten.
  [[nodiscard]] Result<bool> medium_forgets() const { return file_->medium_forgets(); }

 private:
  struct Summary {
    std::string cluster;
    std::uint64_t punctured_through = 0;
    std::set<Block> spent;  // Blocks without a leaf left.
  };
  struct Kept {
    Block block;
    PuncturedTree tree;
  };

  Keyring(std::unique_ptr<SealedFile> file, Summary summary, PuncturedTree frontier);

  static void encode_summary(SecretWriter& writer, const Summary& summary);
  static Result<Summary> decode_summary(SecretReader& reader, const std::string& cluster);

  // Block `block` as it stands: its page's nodes or, before its first puncture, its root.
  [[nodiscard]] Result<PuncturedTree> load_block(Block block) const;
  const PuncturedTree& keep(Block block, PuncturedTree tree);
  void forget(Block block);
  Result<void> read_again();

  std::unique_ptr<SealedFile> file_;
  Summary summary_;
  PuncturedTree frontier_;
  bool stale_ = false;  // a commit failed: what the file holds is not known

  std::list<Kept> kept_;  // The most recently used first; at most kKeptNodesMax nodes in all.
  std::unordered_map<Block, std::list<Kept>::iterator> kept_by_block_;
  std::size_t kept_nodes_ = 0;
};

}  // namespace keytrail::keyring
