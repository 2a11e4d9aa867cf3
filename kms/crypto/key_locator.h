// VMware's key safe: how a disk descriptor or a .vmx carries its DEK, wrapped by KEKs that a key
// server holds.
//
//   vmware:key/list/(pair/(fqid/<VMWARE-NULL>/PROVIDER/KEYID,HMAC%2dSHA%2d256,BASE64),pair/(…))
//
// A pair is one wrapping: the *locker* names the KEK by provider and key id, the *locked data*
// holds the DEK. Any one pair that opens yields it, so a shallow recrypt can keep the old and the
// new pair side by side. Everything but [A-Za-z0-9] is percent-escaped in lower case; prefix and
// type names match in any case.
//
// Locked data = IV(16) | AES-256-CBC(PKCS#7) | HMAC-SHA-256 over the plaintext, both under the KEK;
// the plaintext is the text `type=key:cipher=XTS-AES-256:key=<base64, escaped>`. Weakness of that
// format, kept to be compatible: nothing binds the DEK to its disk. So the descriptor carries the
// DEK's fingerprint beside it.
// Threads: pure functions. Errors: kInvalid for malformed text, kCorrupt for what does not open.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bus/secret/secret_bytes.h"

namespace keytrail::crypto {

inline constexpr std::size_t kDekBytes = 64;
inline constexpr std::size_t kKekBytes = 32;
inline constexpr std::size_t kKeySafeTextBytesMax = 64 * 1024;
inline constexpr std::size_t kKeySafePairsMax = 16;
inline constexpr std::size_t kLockedDataBytesMax = 4096;

// Which KEK: the names that VMware calls key server id and key id.
struct KekName {
  std::string provider;
  std::string key;

  bool operator==(const KekName&) const = default;
};

struct KeyPair {
  KekName locker;
  Bytes locked;

  bool operator==(const KeyPair&) const = default;
};

using KeySafe = std::vector<KeyPair>;

// REQUIRES: at least one pair, none with an empty key id. An empty provider is written as
// <VMWARE-NULL>.
[[nodiscard]] std::string format_key_safe(const KeySafe& safe);

// Takes a list of 1 to kKeySafePairsMax pairs whose lockers are `fqid` and whose MAC is
// HMAC-SHA-256; any other kind of locator is named in the error. A unique id in the locker is read
// over: VMware writes none.
[[nodiscard]] Result<KeySafe> parse_key_safe(std::string_view text);

// REQUIRES: 32-byte KEK, 64-byte DEK; `iv` fresh and random.
[[nodiscard]] Bytes lock_dek(const SecretBytes& kek, const SecretBytes& dek,
                             const std::array<std::uint8_t, 16>& iv);

// The DEK again. kCorrupt: another KEK, altered, or not an XTS-AES-256 key; which of them is not
// told. REQUIRES: 32-byte KEK.
[[nodiscard]] Result<SecretBytes> unlock_dek(const SecretBytes& kek, ByteView locked);

}  // namespace keytrail::crypto
