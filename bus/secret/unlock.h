// Where a part's unlock secret comes from: the one thing that opens its sealed files, and that must
// be kept elsewhere.
//
//   file:PATH   a key of 32 bytes or more in a file that only its owner can read; `keytrail up`
//               makes one
//   fd:N        the same, read to its end from a descriptor that a supervisor passed
//   prompt      a passphrase typed at the terminal, through scrypt
// Never the command line or the environment: others can read those. Losing it loses the part.
// Threads: any; `prompt` waits for a person.
#pragma once

#include <string>
#include <string_view>

#include "bus/secret/random.h"

namespace keytrail {

enum class UnlockForm : std::uint32_t {
  kKey = 1,         // Random, at least 32 bytes.
  kPassphrase = 2,  // Anything, so scrypt stands before it.
};

struct UnlockSecret {
  UnlockForm form = UnlockForm::kKey;
  SecretBytes bytes;
};

inline constexpr std::size_t kUnlockKeyBytesMin = 32;
inline constexpr std::size_t kUnlockBytesMax = 4096;

// kInvalid: no such form, a key under kUnlockKeyBytesMin, an empty passphrase, anything over
// kUnlockBytesMax. kRefused: the file can be read by others. kNotFound: there is no such
// file. kUnavailable: it cannot be read, or there is no terminal to ask at.
[[nodiscard]] Result<UnlockSecret> acquire_unlock(std::string_view source);

// Makes and syncs a file with a fresh key, mode 0600. kConflict: it exists, and is left alone.
[[nodiscard]] Result<void> make_unlock_file(const std::string& path, Random& random);

}  // namespace keytrail
