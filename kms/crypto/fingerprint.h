// Fingerprints of keys: what a fact or a descriptor may say of a key without telling anything about
// it.
//
// HMAC under the key itself, so a fingerprint is only as guessable as the key: never for passwords
// or other material of less than 128 bits, whose fingerprints are sealed with them.
// Threads: pure functions.
#pragma once

#include <array>
#include <string_view>

#include "bus/secret/secret_bytes.h"

namespace keytrail::crypto {

using Fingerprint = std::array<std::uint8_t, 16>;

// HMAC-SHA-256(key, "keytrail/fp/1" || id)[0:16], `id` being the key's unique identifier on its key
// server. REQUIRES: a symmetric key of at least 128 bits.
[[nodiscard]] Fingerprint key_fingerprint(const SecretBytes& key, std::string_view id);

// HMAC-SHA-256(dek, "vmcrypt-fp" || uuid)[0:16], `uuid` being the disk's, as it stands in its
// descriptor. REQUIRES: at least 128 bits.
[[nodiscard]] Fingerprint dek_fingerprint(const SecretBytes& dek, ByteView uuid);

}  // namespace keytrail::crypto
