// Signed notes: a text, and who signed it.
//
//   text, ends in a newline
//
//   — <key name> <base64 of 4 bytes of key id and the signature>
// C2SP signed-note@v1, with two kinds of keys: Ed25519 of the text itself (a log's), and
// cosignature/v1 of tlog-cosignature (a witness's: Ed25519 of the text and the time at which it saw
// it). Values; pure; any thread. Errors: kInvalid with a sentence for what is no note or no key.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "bus/secret/secret_bytes.h"

namespace keytrail::proof {

inline constexpr std::size_t kNoteBytesMax = 64 * 1024;
inline constexpr std::size_t kNoteSignaturesMax = 64;
inline constexpr std::size_t kKeyNameBytesMax = 255;

enum class NoteAlgorithm : std::uint8_t { kEd25519 = 1, kCosignature = 4 };

using NoteKeyId = std::array<std::uint8_t, 4>;

struct NoteKey {
  std::string name;
  NoteAlgorithm algorithm = NoteAlgorithm::kEd25519;
  Bytes public_key;  // 32 bytes
  bool operator==(const NoteKey&) const = default;
};
[[nodiscard]] NoteKeyId id_of(const NoteKey& key);
// "name+id+base64": the form in which keys are handed around ("vkey").
[[nodiscard]] std::string to_vkey(const NoteKey& key);
[[nodiscard]] Result<NoteKey> from_vkey(std::string_view text);

struct NoteSignature {
  std::string name;
  NoteKeyId key_id{};
  Bytes signature;
  bool operator==(const NoteSignature&) const = default;
};
struct Note {
  std::string text;
  std::vector<NoteSignature> signatures;
  bool operator==(const Note&) const = default;
};
[[nodiscard]] Result<Note> parse_note(std::string_view note);
[[nodiscard]] std::string format_note(const Note& note);
[[nodiscard]] std::string format_signature(const NoteSignature& signature);  // one line
[[nodiscard]] Result<NoteSignature> parse_signature(std::string_view line);  // without its newline

// REQUIRES: `seed` is an Ed25519 seed; `text` ends in a newline.
[[nodiscard]] NoteSignature sign_note(const std::string& name, const SecretBytes& seed,
                                      std::string_view text);
[[nodiscard]] NoteSignature cosign_note(const std::string& name, const SecretBytes& seed,
                                        std::string_view text, std::uint64_t posix_seconds);

struct SignatureFound {
  enum class What { kAbsent, kHolds, kBroken } what = What::kAbsent;
  std::uint64_t posix_seconds = 0;  // of a cosignature that holds
};
// Of the signatures under `key`, the newest that holds; kBroken if any of them does not.
[[nodiscard]] SignatureFound find_signature(const Note& note, const NoteKey& key);

}  // namespace keytrail::proof
