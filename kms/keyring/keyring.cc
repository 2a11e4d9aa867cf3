#include "kms/keyring/keyring.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "bus/secret/sha256.h"

namespace keytrail::keyring {
namespace {

constexpr std::uint32_t kFormat = 1;
constexpr SealedFile::PageId kFrontierPage = 0;
constexpr std::size_t kBlocksMax = std::size_t{1} << kBlockBits;
constexpr std::size_t kSpentBlocksMax = std::size_t{1} << 24;

SealedFile::PageId page_of(Block block) { return SealedFile::PageId{block} + 1; }
Block block_of_page(SealedFile::PageId page) { return static_cast<Block>(page - 1); }

SecretBytes encode(const PuncturedTree& tree) {
  SecretWriter writer;
  tree.encode(writer);
  return writer.finish();
}

Result<PuncturedTree> decode(unsigned depth, const SecretBytes& page) {
  SecretReader reader(page);
  PuncturedTree tree = TRY(PuncturedTree::decode(depth, reader));
  TRY(reader.expect_end());
  return tree;
}

PuncturedTree::Leaf leaf_in_block(LeafIndex index) {
  return static_cast<PuncturedTree::Leaf>(index % kLeavesPerBlock);
}

// Blocks are used up in order, so their set is written as runs.
void encode_blocks(SecretWriter& writer, const std::set<Block>& blocks) {
  std::vector<std::pair<Block, std::uint32_t>> runs;
  for (const Block block : blocks) {
    if (!runs.empty() && runs.back().first + runs.back().second == block) {
      ++runs.back().second;
    } else {
      runs.emplace_back(block, 1);
    }
  }
  writer.u32(static_cast<std::uint32_t>(runs.size()));
  for (const auto& [first, count] : runs) {
    writer.u32(first);
    writer.u32(count);
  }
}

Result<std::set<Block>> decode_blocks(SecretReader& reader) {
  std::set<Block> blocks;
  for (std::uint32_t runs = TRY(reader.u32()); runs > 0; --runs) {
    const Block first = TRY(reader.u32());
    const std::uint32_t count = TRY(reader.u32());
    if (first >= kBlocksMax || count > kBlocksMax - first ||
        count > kSpentBlocksMax - blocks.size()) {
      return Error{ErrorCode::kCorrupt, "the keyring names a block that does not exist"};
    }
    for (std::uint32_t i = 0; i < count; ++i) blocks.insert(blocks.end(), first + i);
  }
  return blocks;
}

Error no_such_leaf() { return {ErrorCode::kInvalid, "a leaf index has at most 40 bits"}; }

Error block_is_lost(Block block) {
  return {ErrorCode::kCorrupt, "the keyring has lost block " + std::to_string(block)};
}

}  // namespace

// --- Making and opening --------------------------------------------------------------------------

Keyring::Keyring(std::unique_ptr<SealedFile> file, Summary summary, PuncturedTree frontier)
    : file_(std::move(file)), summary_(std::move(summary)), frontier_(std::move(frontier)) {}

Result<std::unique_ptr<Keyring>> Keyring::create(const SealedFile::Place& place,
                                                 const std::string& cluster) {
  Summary summary;
  summary.cluster = cluster;
  PuncturedTree frontier(kBlockBits, place.random.secret(kNodeBytes));
  SecretWriter writer;
  encode_summary(writer, summary);
  SealedFile::Changes first;
  first.summary = writer.finish();
  first.put.emplace(kFrontierPage, encode(frontier));
  auto file = TRY(SealedFile::create(place, first));
  return std::unique_ptr<Keyring>(
      new Keyring(std::move(file), std::move(summary), std::move(frontier)));
}

Result<std::unique_ptr<Keyring>> Keyring::open(const SealedFile::Place& place,
                                               const std::string& cluster) {
  auto file = TRY(SealedFile::open(place));
  SecretReader reader(file->summary());
  Summary summary = TRY(decode_summary(reader, cluster));
  TRY(reader.expect_end());
  const SecretBytes page = TRY(file->read(kFrontierPage));
  PuncturedTree frontier = TRY(decode(kBlockBits, page));
  return std::unique_ptr<Keyring>(
      new Keyring(std::move(file), std::move(summary), std::move(frontier)));
}

Result<std::unique_ptr<Keyring>> Keyring::join(const SealedFile::Place& place,
                                               const std::string& cluster,
                                               const SecretBytes& grant) {
  SecretReader reader(grant);
  Summary summary = TRY(decode_summary(reader, cluster));
  PuncturedTree frontier = TRY(PuncturedTree::decode(kBlockBits, reader));
  SealedFile::Changes first;
  first.put.emplace(kFrontierPage, encode(frontier));
  for (std::uint32_t count = TRY(reader.u32()); count > 0; --count) {
    const Block block = TRY(reader.u32());
    SecretBytes page = TRY(reader.sized());
    TRY(decode(kLeafBits, page));
    // A block in both would be derived from the frontier as if nothing had been punctured.
    if (block >= kBlocksMax || frontier.derive(block) || summary.spent.contains(block)) {
      return Error{ErrorCode::kCorrupt, "a granted keyring has the same block twice"};
    }
    first.put.insert_or_assign(page_of(block), std::move(page));
  }
  TRY(reader.expect_end());
  SecretWriter writer;
  encode_summary(writer, summary);
  first.summary = writer.finish();
  auto file = TRY(SealedFile::create(place, first));
  return std::unique_ptr<Keyring>(
      new Keyring(std::move(file), std::move(summary), std::move(frontier)));
}

Result<SecretBytes> Keyring::grant() const {
  SecretWriter writer;
  encode_summary(writer, summary_);
  frontier_.encode(writer);
  const std::vector<SealedFile::PageId> pages = file_->pages();
  writer.u32(static_cast<std::uint32_t>(pages.size() - 1));
  for (const SealedFile::PageId page : pages) {
    if (page == kFrontierPage) continue;
    writer.u32(block_of_page(page));
    writer.sized(TRY(file_->read(page)));
  }
  return writer.finish();
}

// --- Deriving ------------------------------------------------------------------------------------

Result<SecretBytes> Keyring::seal_key(LeafIndex index) {
  if (index >= kLeafIndexEnd) return no_such_leaf();
  const Block block = block_of(index);
  const auto kept = kept_by_block_.find(block);
  const PuncturedTree* tree = nullptr;
  if (kept != kept_by_block_.end()) {
    kept_.splice(kept_.begin(), kept_, kept->second);
    tree = &kept->second->tree;
  } else {
    tree = &keep(block, TRY(load_block(block)));
  }
  const auto leaf = tree->derive(leaf_in_block(index));
  if (!leaf) {
    return Error{ErrorCode::kNotFound, "leaf " + std::to_string(index) + " was punctured"};
  }
  std::uint8_t encoded[8];
  for (unsigned i = 0; i < 8; ++i) encoded[i] = static_cast<std::uint8_t>(index >> (8 * i));
  return hmac_sha256_secret(*leaf, {as_bytes("key"), as_bytes(summary_.cluster), encoded});
}

Result<PuncturedTree> Keyring::load_block(Block block) const {
  if (summary_.spent.contains(block)) {
    return Error{ErrorCode::kNotFound,
                 "every leaf of block " + std::to_string(block) + " was punctured"};
  }
  if (file_->has(page_of(block))) return decode(kLeafBits, TRY(file_->read(page_of(block))));
  auto root = frontier_.derive(block);
  if (!root) return block_is_lost(block);
  return PuncturedTree(kLeafBits, std::move(*root));
}

const PuncturedTree& Keyring::keep(Block block, PuncturedTree tree) {
  kept_nodes_ += tree.node_count();
  kept_.push_front({block, std::move(tree)});
  kept_by_block_[block] = kept_.begin();
  while (kept_nodes_ > kKeptNodesMax && kept_.size() > 1) forget(kept_.back().block);
  return kept_.front().tree;
}

void Keyring::forget(Block block) {
  const auto kept = kept_by_block_.find(block);
  if (kept == kept_by_block_.end()) return;
  kept_nodes_ -= kept->second->tree.node_count();
  kept_.erase(kept->second);
  kept_by_block_.erase(kept);
}

// --- Destroying ----------------------------------------------------------------------------------

Result<void> Keyring::puncture(std::span<const LeafIndex> indices, std::uint64_t through) {
  std::map<Block, std::vector<LeafIndex>> by_block;
  for (const LeafIndex index : indices) {
    if (index >= kLeafIndexEnd) return no_such_leaf();
    by_block[block_of(index)].push_back(index);
  }
  if (stale_) TRY(read_again());
  // On copies, so that an error leaves everything as it was.
  Summary summary = summary_;
  summary.punctured_through = std::max(through, summary_.punctured_through);
  PuncturedTree frontier = frontier_.clone();
  bool frontier_changed = false;
  SealedFile::Changes changes;
  for (const auto& [block, leaves] : by_block) {
    if (summary.spent.contains(block)) continue;
    const bool has_page = file_->has(page_of(block));
    PuncturedTree tree = TRY(load_block(block));
    bool changed = false;
    for (const LeafIndex leaf : leaves) {
      if (tree.puncture(leaf_in_block(leaf))) changed = true;
    }
    if (!changed) continue;
    if (!has_page && !frontier.puncture(block)) return block_is_lost(block);
    frontier_changed = frontier_changed || !has_page;
    if (!tree.empty()) {
      changes.put.emplace(page_of(block), encode(tree));
    } else {
      summary.spent.insert(block);
      if (has_page) changes.remove.insert(page_of(block));
    }
  }
  if (frontier_changed) changes.put.emplace(kFrontierPage, encode(frontier));
  if (changes.put.empty() && changes.remove.empty() &&
      summary.punctured_through == summary_.punctured_through) {
    return {};
  }
  SecretWriter writer;
  encode_summary(writer, summary);
  changes.summary = writer.finish();
  stale_ = true;
  TRY(file_->commit(changes));
  stale_ = false;

  for (const auto& [block, leaves] : by_block) forget(block);
  frontier_ = std::move(frontier);
  summary_ = std::move(summary);
  return {};
}

// A failed commit may have been one: going on from what was before it, the next would give back
// what that one destroyed.
Result<void> Keyring::read_again() {
  TRY(file_->settle());
  SecretReader reader(file_->summary());
  Summary summary = TRY(decode_summary(reader, summary_.cluster));
  TRY(reader.expect_end());
  const SecretBytes page = TRY(file_->read(kFrontierPage));
  frontier_ = TRY(decode(kBlockBits, page));
  summary_ = std::move(summary);
  kept_by_block_.clear();
  kept_.clear();
  kept_nodes_ = 0;
  stale_ = false;
  return {};
}

// --- The summary ---------------------------------------------------------------------------------

void Keyring::encode_summary(SecretWriter& writer, const Summary& summary) {
  writer.u32(kFormat);
  writer.sized(summary.cluster);
  writer.u64(summary.punctured_through);
  encode_blocks(writer, summary.spent);
}

Result<Keyring::Summary> Keyring::decode_summary(SecretReader& reader, const std::string& cluster) {
  if (TRY(reader.u32()) != kFormat) {
    return Error{ErrorCode::kInvalid, "the keyring was made by another version of Keytrail"};
  }
  Summary summary;
  summary.cluster = TRY(reader.text());
  summary.punctured_through = TRY(reader.u64());
  summary.spent = TRY(decode_blocks(reader));
  if (summary.cluster == cluster) return summary;
  return Error{ErrorCode::kInvalid, "the keyring belongs to cluster '" + summary.cluster +
                                        "', not to '" + cluster + "'"};
}

}  // namespace keytrail::keyring
