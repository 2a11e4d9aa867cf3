// Certificates and signing requests that come in files. Nothing in them is secret; private keys
// come through secret_input.h. Threads: any.
#pragma once

#include <string>

#include "bus/secret/file.h"
#include "kms/kmip/certificate.h"

namespace keytrail::cli {

// The text of a PEM file; kInvalid if it is longer than any that OpenSSL is given. Else as for
// files.
[[nodiscard]] inline Result<std::string> read_pem(const std::string& path) {
  OsFileSystem files;
  return std::string(as_text(TRY(read_file(files, path, kmip::kPemBytesMax))));
}

}  // namespace keytrail::cli
