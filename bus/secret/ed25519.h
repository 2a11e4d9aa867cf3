// Ed25519 signatures (RFC 8032, pure, without context) over OpenSSL. Any thread.
#pragma once

#include "bus/secret/secret_bytes.h"

namespace keytrail {

inline constexpr std::size_t kEd25519SeedBytes = 32;
inline constexpr std::size_t kEd25519PublicKeyBytes = 32;
inline constexpr std::size_t kEd25519SignatureBytes = 64;

// `seed` is the private key as RFC 8032 stores it. REQUIRES: kEd25519SeedBytes of it.
[[nodiscard]] Bytes ed25519_public_key(const SecretBytes& seed);
[[nodiscard]] Bytes ed25519_sign(const SecretBytes& seed, ByteView message);

// False also for a key or signature of the wrong size.
[[nodiscard]] bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

}  // namespace keytrail
