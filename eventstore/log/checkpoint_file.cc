#include "eventstore/log/checkpoint_file.h"

#include "bus/secret/file.h"

namespace keytrail::eventstore {

Result<void> write_checkpoint_file(const std::string& file, const std::string& note) {
  OsFileSystem files;
  const Result<void> written = replace_file(files, file, as_bytes(note));
  if (written.ok()) return {};
  return Error{written.error().code,
               "the checkpoint file " + file + " cannot be written: " + written.error().detail};
}

Result<std::optional<proof::Checkpoint>> read_checkpoint_file(
    const std::string& file, const std::optional<Bytes>& public_key) {
  OsFileSystem files;
  const Result<Bytes> note = read_file(files, file, proof::kNoteBytesMax);
  if (!note.ok() && note.error().code == ErrorCode::kNotFound) {
    return std::optional<proof::Checkpoint>();
  }
  if (!note.ok()) return note.error();
  const auto checkpoint = proof::parse_checkpoint(as_text(*note), public_key);
  if (!checkpoint.ok()) {
    return Error{ErrorCode::kCorrupt, file + ": " + checkpoint.error().detail};
  }
  return std::optional<proof::Checkpoint>(*checkpoint);
}

}  // namespace keytrail::eventstore
