#include "cli/secret_input.h"

#include "bus/secret/file.h"

namespace keytrail::cli {

Result<SecretBytes> read_secret(const std::string& path, std::size_t bytes_max) {
  OsFileSystem files;
  const std::unique_ptr<File> file = TRY(files.open(path, FileSystem::Open::kRead));
  const std::uint64_t size = TRY(file->size());
  if (size > bytes_max) {
    return Error{ErrorCode::kInvalid,
                 path + " is larger than " + std::to_string(bytes_max) + " bytes"};
  }
  SecretBytes secret(static_cast<std::size_t>(size));
  TRY(file->read_at(0, secret.write(SecretAccess())));
  return secret;
}

Result<SecretBytes> read_password(const std::string& path) {
  const SecretBytes whole = TRY(read_secret(path, kPasswordBytesMax + 2));
  const ByteView text = whole.read(SecretAccess());
  std::size_t size = text.size();
  while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) --size;
  if (size == 0) return Error{ErrorCode::kInvalid, "the password file " + path + " is empty"};
  return whole.slice(0, size);
}

}  // namespace keytrail::cli
