#include "bus/proof/tlog_proof.h"

#include <algorithm>

#include "bus/proof/checkpoint.h"
#include "bus/secret/sha256.h"
#include "bus/secret/text.h"

namespace keytrail::proof {

namespace {

constexpr std::string_view kMagic = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

Error no_proof(std::string_view why) {
  return {ErrorCode::kInvalid, "not a tlog-proof file: " + std::string(why)};
}

bool take_index(std::string_view line, std::uint64_t& out) {
  if (!line.starts_with(kIndex)) return false;
  const auto index = parse_canonical_decimal<std::uint64_t>(line.substr(kIndex.size()));
  out = index.value_or(0);
  return index.has_value();
}

}  // namespace

std::string format_proof(const TlogProof& proof) {
  std::string text = std::string(kMagic) + "\n" + std::string(kExtra) + to_base64(proof.entry) +
                     "\n" + std::string(kIndex) + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.path) text += to_base64(hash) + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<TlogProof> parse_proof(std::string_view text) {
  if (text.size() > kProofBytesMax) return no_proof("it is too long");
  TlogProof proof;
  if (take_line(text) != kMagic) return no_proof("its first line is not " + std::string(kMagic));
  std::string_view extra = take_line(text);
  if (!extra.starts_with(kExtra)) return no_proof("it does not carry the fact");
  extra.remove_prefix(kExtra.size());
  const Result<Bytes> entry = from_base64(extra);
  if (!entry.ok() || entry->empty() || entry->size() > kEntryBytesMax) {
    return no_proof("what it carries is no fact");
  }
  proof.entry = *entry;
  if (!take_index(take_line(text), proof.index)) return no_proof("it has no index");
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    const Result<Bytes> bytes = from_base64(line);
    if (!bytes.ok() || bytes->size() != sizeof(Hash) || proof.path.size() == kPathHashesMax) {
      return no_proof("a line of its path is no hash");
    }
    std::copy(bytes->begin(), bytes->end(), proof.path.emplace_back().begin());
  }
  if (text.empty()) return no_proof("it has no checkpoint");
  proof.checkpoint = std::string(text);
  return proof;
}

Result<void> check_entry(const TlogProof& proof) {
  static constexpr std::uint8_t kLeafPrefix = 0;
  const Note note = TRY(parse_note(proof.checkpoint));
  const Checkpoint checkpoint = TRY(checkpoint_from(note.text));
  const Hash leaf = sha256({ByteView(&kLeafPrefix, 1), proof.entry});
  if (!check_inclusion(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root)) {
    return Error{ErrorCode::kCorrupt,
                 "the fact is not in the log that this checkpoint is of: it was altered, or the "
                 "proof belongs to another"};
  }
  return {};
}

}  // namespace keytrail::proof
