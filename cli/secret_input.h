// Secrets that come in files: passwords, private keys, material to register.
//
// Never as arguments or in the environment, which others can read. Threads: any. Errors name the
// file: kNotFound, kRefused (not permitted), kInvalid (too large, empty).
#pragma once

#include <cstddef>
#include <string>

#include "bus/secret/secret_bytes.h"

namespace keytrail::cli {

inline constexpr std::size_t kPasswordBytesMax = 1024;  // as vCenter has it

// All bytes of the file, as they are.
[[nodiscard]] Result<SecretBytes> read_secret(const std::string& path, std::size_t bytes_max);
// Without the line end that an editor leaves; never empty.
[[nodiscard]] Result<SecretBytes> read_password(const std::string& path);

}  // namespace keytrail::cli
