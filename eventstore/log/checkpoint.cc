#include "eventstore/log/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "bus/secret/ed25519.h"
#include "bus/secret/sha256.h"

namespace keytrail::eventstore {

namespace {

constexpr std::string_view kNamePrefix = "keytrail/";
constexpr std::string_view kGenerationPrefix = "generation ";
constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // an em dash and a space
constexpr std::uint8_t kEd25519NoteAlgorithm = 1;
constexpr std::size_t kKeyHashBytes = 4;
constexpr std::uintmax_t kCheckpointBytesMax = 4096;

std::string name_of(const LogId& id) { return std::string(kNamePrefix) + to_hex(id); }

// What the note's signature is over.
std::string text_of(const Checkpoint& checkpoint) {
  return name_of(checkpoint.log_id) + "\n" + std::to_string(checkpoint.size) + "\n" +
         to_base64(checkpoint.root) + "\n" + std::string(kGenerationPrefix) +
         std::to_string(checkpoint.generation) + "\n";
}

// C2SP signed-note: which key of that name it is.
Bytes key_hash(const std::string& name, ByteView public_key) {
  const std::uint8_t separator = '\n';
  const Hash hash = sha256(
      {as_bytes(name), ByteView(&separator, 1), ByteView(&kEd25519NoteAlgorithm, 1), public_key});
  return {hash.begin(), hash.begin() + kKeyHashBytes};
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

bool take_number(std::string_view line, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() && end == line.data() + line.size();
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

// One of the signature lines is this key's, and holds.
bool is_signed(const Checkpoint& checkpoint, std::string_view signatures, ByteView public_key) {
  const std::string name = name_of(checkpoint.log_id);
  const std::string text = text_of(checkpoint);
  const std::string prefix = std::string(kSignaturePrefix) + name + " ";
  while (!signatures.empty()) {
    std::string_view line = take_line(signatures);
    if (!line.starts_with(prefix)) continue;
    const auto blob = from_base64(line.substr(prefix.size()));
    if (!blob.ok() || blob->size() != kKeyHashBytes + kEd25519SignatureBytes) continue;
    const ByteView bytes(*blob);
    if (to_bytes(bytes.first(kKeyHashBytes)) != key_hash(name, public_key)) continue;
    return ed25519_verify(public_key, as_bytes(text), bytes.subspan(kKeyHashBytes));
  }
  return false;
}

bool write_synced(const std::string& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  return ::close(fd) == 0 && written;
}

void sync_folder_of(const std::string& file) {
  const std::string folder = std::filesystem::path(file).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

std::string sign_checkpoint(const Checkpoint& checkpoint, const SecretBytes& key) {
  const std::string name = name_of(checkpoint.log_id);
  const std::string text = text_of(checkpoint);
  Bytes signature = key_hash(name, ed25519_public_key(key));
  const Bytes signed_text = ed25519_sign(key, as_bytes(text));
  signature.insert(signature.end(), signed_text.begin(), signed_text.end());
  return text + "\n" + std::string(kSignaturePrefix) + name + " " + to_base64(signature) + "\n";
}

Result<Checkpoint> parse_checkpoint(std::string_view note, const std::optional<Bytes>& public_key) {
  const std::size_t blank = note.find("\n\n");
  Checkpoint checkpoint;
  if (blank == std::string_view::npos || !parse_text(note.substr(0, blank + 1), checkpoint)) {
    return Error{ErrorCode::kCorrupt, "this is not a checkpoint of a Keytrail log"};
  }
  if (public_key && !is_signed(checkpoint, note.substr(blank + 2), *public_key)) {
    return Error{ErrorCode::kCorrupt, "the checkpoint is not signed with this store's key"};
  }
  return checkpoint;
}

Result<void> write_checkpoint_file(const std::string& file, const std::string& note) {
  const std::string beside = file + ".new";
  if (!write_synced(beside, note) || ::rename(beside.c_str(), file.c_str()) != 0) {
    return Error{ErrorCode::kUnavailable,
                 "the checkpoint file " + file + " cannot be written: " + std::strerror(errno)};
  }
  sync_folder_of(file);
  return {};
}

Result<std::optional<Checkpoint>> read_checkpoint_file(const std::string& file,
                                                       const std::optional<Bytes>& public_key) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  if (error == std::errc::no_such_file_or_directory) return std::optional<Checkpoint>();
  std::string note;
  if (!error && bytes <= kCheckpointBytesMax) {
    std::ifstream in(file, std::ios::binary);
    note.assign(std::istreambuf_iterator<char>(in), {});
  }
  auto checkpoint = parse_checkpoint(note, public_key);
  if (!checkpoint.ok()) return Error{ErrorCode::kCorrupt, file + ": " + checkpoint.error().detail};
  return std::optional<Checkpoint>(*checkpoint);
}

}  // namespace keytrail::eventstore
