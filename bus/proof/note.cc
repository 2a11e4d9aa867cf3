#include "bus/proof/note.h"

#include <algorithm>

#include "bus/secret/ed25519.h"
#include "bus/secret/sha256.h"
#include "bus/secret/text.h"

namespace keytrail::proof {

namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // an em dash and a space
constexpr std::size_t kTimeBytes = 8;

Error no_note(std::string why) { return {ErrorCode::kInvalid, "not a signed note: " + why}; }

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= kKeyNameBytesMax &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '+' || c == ' ' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::string cosigned_text(std::string_view text, std::uint64_t posix_seconds) {
  return "cosignature/v1\ntime " + std::to_string(posix_seconds) + "\n" + std::string(text);
}

Bytes big_endian(std::uint64_t number) {
  Bytes bytes(kTimeBytes);
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (8 * (kTimeBytes - 1 - i)));
  }
  return bytes;
}

std::uint64_t from_big_endian(ByteView bytes) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

SignatureFound check(const Note& note, const NoteKey& key, ByteView signature) {
  using What = SignatureFound::What;
  if (key.algorithm == NoteAlgorithm::kEd25519) {
    const bool holds = ed25519_verify(key.public_key, as_bytes(note.text), signature);
    return {holds ? What::kHolds : What::kBroken, 0};
  }
  if (signature.size() != kTimeBytes + kEd25519SignatureBytes) return {What::kBroken, 0};
  const std::uint64_t time = from_big_endian(signature.first(kTimeBytes));
  const bool holds = ed25519_verify(key.public_key, as_bytes(cosigned_text(note.text, time)),
                                    signature.subspan(kTimeBytes));
  return {holds ? What::kHolds : What::kBroken, time};
}

}  // namespace

NoteKeyId id_of(const NoteKey& key) {
  const std::uint8_t separator = '\n';
  const auto algorithm = static_cast<std::uint8_t>(key.algorithm);
  const Hash hash = sha256(
      {as_bytes(key.name), ByteView(&separator, 1), ByteView(&algorithm, 1), key.public_key});
  NoteKeyId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

std::string to_vkey(const NoteKey& key) {
  Bytes material{static_cast<std::uint8_t>(key.algorithm)};
  material.insert(material.end(), key.public_key.begin(), key.public_key.end());
  return key.name + "+" + to_hex(id_of(key)) + "+" + to_base64(material);
}

Result<NoteKey> from_vkey(std::string_view text) {
  const Error malformed{ErrorCode::kInvalid, "'" + std::string(text.substr(0, kKeyNameBytesMax)) +
                                                 "' is not a key of the form name+id+base64"};
  const std::size_t first = text.find('+');
  const std::size_t second = text.find('+', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || !is_key_name(text.substr(0, first))) return malformed;
  const auto material = from_base64(text.substr(second + 1));
  if (!material.ok() || material->size() != 1 + kEd25519PublicKeyBytes) return malformed;
  const auto algorithm = static_cast<NoteAlgorithm>(material->front());
  if (algorithm != NoteAlgorithm::kEd25519 && algorithm != NoteAlgorithm::kCosignature) {
    return Error{ErrorCode::kInvalid, "the key '" + std::string(text.substr(0, first)) +
                                          "' is of a kind that this program does not know"};
  }
  NoteKey key{.name = std::string(text.substr(0, first)),
              .algorithm = algorithm,
              .public_key = {material->begin() + 1, material->end()}};
  if (to_hex(id_of(key)) != text.substr(first + 1, second - first - 1)) return malformed;
  return key;
}

Result<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) return no_note("a signature begins with a dash");
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_key_name(line.substr(0, space))) {
    return no_note("a signature has no key name");
  }
  const auto blob = from_base64(line.substr(space + 1));
  NoteSignature signature{
      .name = std::string(line.substr(0, space)), .key_id = {}, .signature = {}};
  if (!blob.ok() || blob->size() <= signature.key_id.size()) {
    return no_note("the signature of " + signature.name + " is not base64 of an id and more");
  }
  const auto rest = blob->begin() + static_cast<std::ptrdiff_t>(signature.key_id.size());
  std::copy(blob->begin(), rest, signature.key_id.begin());
  signature.signature.assign(rest, blob->end());
  return signature;
}

Result<Note> parse_note(std::string_view note) {
  if (note.size() > kNoteBytesMax) return no_note("it is too long");
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; };
  if (std::any_of(note.begin(), note.end(), is_control)) return no_note("control characters");
  // The last empty line parts text and signatures.
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos || note.back() != '\n') {
    return no_note("no empty line before its signatures");
  }
  Note parsed{.text = std::string(note.substr(0, blank + 1)), .signatures = {}};
  for (std::string_view rest = note.substr(blank + 2); !rest.empty();) {
    if (parsed.signatures.size() == kNoteSignaturesMax) return no_note("too many signatures");
    parsed.signatures.push_back(TRY(parse_signature(take_line(rest))));
  }
  if (parsed.signatures.empty()) return no_note("nobody signed it");
  return parsed;
}

std::string format_signature(const NoteSignature& signature) {
  Bytes blob(signature.key_id.begin(), signature.key_id.end());
  blob.insert(blob.end(), signature.signature.begin(), signature.signature.end());
  return std::string(kDash) + signature.name + " " + to_base64(blob) + "\n";
}

std::string format_note(const Note& note) {
  std::string text = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) text += format_signature(signature);
  return text;
}

NoteSignature sign_note(const std::string& name, const SecretBytes& seed, std::string_view text) {
  const NoteKey key{name, NoteAlgorithm::kEd25519, ed25519_public_key(seed)};
  return {name, id_of(key), ed25519_sign(seed, as_bytes(text))};
}

NoteSignature cosign_note(const std::string& name, const SecretBytes& seed, std::string_view text,
                          std::uint64_t posix_seconds) {
  const NoteKey key{name, NoteAlgorithm::kCosignature, ed25519_public_key(seed)};
  Bytes timestamped = big_endian(posix_seconds);
  const Bytes signature = ed25519_sign(seed, as_bytes(cosigned_text(text, posix_seconds)));
  timestamped.insert(timestamped.end(), signature.begin(), signature.end());
  return {name, id_of(key), std::move(timestamped)};
}

SignatureFound find_signature(const Note& note, const NoteKey& key) {
  const NoteKeyId id = id_of(key);
  SignatureFound found;
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != key.name || signature.key_id != id) continue;
    const SignatureFound one = check(note, key, signature.signature);
    if (one.what == SignatureFound::What::kBroken) return one;
    if (found.what == SignatureFound::What::kAbsent || one.posix_seconds > found.posix_seconds) {
      found = one;
    }
  }
  return found;
}

}  // namespace keytrail::proof
