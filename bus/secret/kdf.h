// Keys from keys: HKDF-SHA-256 (RFC 5869). Keys from passphrases: scrypt (RFC 7914).
//
// Threads: pure functions; scrypt takes 128 MiB and about half a second, so never call it on a
// core's thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include "bus/secret/secret_bytes.h"

namespace keytrail {

// The two halves of HKDF, for protocols that interleave them. An empty salt means 32 zero bytes.
[[nodiscard]] SecretBytes hkdf_extract(const SecretBytes& salt,
                                       std::initializer_list<ByteView> input);
// REQUIRES: `length` from 1 to 255 * 32.
[[nodiscard]] SecretBytes hkdf_expand(const SecretBytes& key, ByteView info, std::size_t length);

// Both at once: a key of `length` bytes from `input`, which has at least the entropy of a key.
[[nodiscard]] SecretBytes hkdf(const SecretBytes& input, ByteView salt, std::string_view info,
                               std::size_t length = 32);

// A 32-byte key from a passphrase, with N = 2^17, r = 8, p = 1: the cost is part of what is stored,
// fixed. kUnavailable: the memory cannot be had.
[[nodiscard]] Result<SecretBytes> scrypt(const SecretBytes& passphrase, ByteView salt);

}  // namespace keytrail
