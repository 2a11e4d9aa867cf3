#include "bus/proof/checkpoint.h"

#include <algorithm>

#include "bus/secret/text.h"

namespace keytrail::proof {

namespace {

constexpr std::string_view kNamePrefix = "keytrail/";
constexpr std::string_view kGenerationPrefix = "generation ";

bool take_number(std::string_view line, std::uint64_t& out) {
  const auto number = parse_canonical_decimal<std::uint64_t>(line);
  out = number.value_or(0);
  return number.has_value();
}

template <std::size_t kBytes>
bool take_bytes(const Result<Bytes>& bytes, std::array<std::uint8_t, kBytes>& out) {
  if (!bytes.ok() || bytes->size() != kBytes) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

bool parse_text(std::string_view text, Checkpoint& checkpoint) {
  std::string_view name = take_line(text);
  if (!name.starts_with(kNamePrefix)) return false;
  name.remove_prefix(kNamePrefix.size());
  if (!take_bytes(from_hex(name), checkpoint.log_id)) return false;
  if (!take_number(take_line(text), checkpoint.size)) return false;
  if (!take_bytes(from_base64(take_line(text)), checkpoint.root)) return false;
  std::string_view generation = take_line(text);
  if (!generation.starts_with(kGenerationPrefix)) return false;
  generation.remove_prefix(kGenerationPrefix.size());
  return take_number(generation, checkpoint.generation) && text.empty();
}

}  // namespace

std::string origin_of(const LogId& log_id) { return std::string(kNamePrefix) + to_hex(log_id); }

NoteKey log_key(const LogId& log_id, Bytes public_key) {
  return {origin_of(log_id), NoteAlgorithm::kEd25519, std::move(public_key)};
}

std::string text_of(const Checkpoint& checkpoint) {
  return origin_of(checkpoint.log_id) + "\n" + std::to_string(checkpoint.size) + "\n" +
         to_base64(checkpoint.root) + "\n" + std::string(kGenerationPrefix) +
         std::to_string(checkpoint.generation) + "\n";
}

Result<Checkpoint> checkpoint_from(std::string_view text) {
  Checkpoint checkpoint;
  if (text.empty() || text.back() != '\n' || !parse_text(text, checkpoint)) {
    return Error{ErrorCode::kCorrupt, "this is not a checkpoint of a Keytrail log"};
  }
  return checkpoint;
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const SecretBytes& key) {
  Note note{.text = text_of(checkpoint), .signatures = {}};
  note.signatures.push_back(sign_note(origin_of(checkpoint.log_id), key, note.text));
  return format_note(note);
}

Result<Checkpoint> parse_checkpoint(std::string_view note, const std::optional<Bytes>& public_key) {
  const Result<Note> parsed = parse_note(note);
  if (!parsed.ok()) return Error{ErrorCode::kCorrupt, parsed.error().detail};
  const Checkpoint checkpoint = TRY(checkpoint_from(parsed->text));
  if (public_key && find_signature(*parsed, log_key(checkpoint.log_id, *public_key)).what !=
                        SignatureFound::What::kHolds) {
    return Error{ErrorCode::kCorrupt, "the checkpoint is not signed with this store's key"};
  }
  return checkpoint;
}

}  // namespace keytrail::proof
