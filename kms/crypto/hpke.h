// HPKE (RFC 9180), base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and an AEAD of
// choice.
//
// This is how a key travels to a host: sealed to the X25519 key that the host stated for this boot,
// with what it is for (host, boot, nonce, provider, key id) as associated data. OpenSSL 3.0 has no
// HPKE, so it is composed here of X25519, HMAC and the AEAD; the RFC's own vectors and another
// implementation's (tests/golden/crypto) hold it.
//
// Randomness is data: every key pair, the ephemeral one of each seal included, comes from 32 fresh
// secret bytes.
// Threads: pure functions.
#pragma once

#include <array>

#include "bus/secret/aead.h"

namespace keytrail::crypto {

using X25519PublicKey = std::array<std::uint8_t, 32>;

struct X25519KeyPair {
  SecretBytes secret;
  X25519PublicKey public_key{};
};

// DeriveKeyPair of RFC 9180 section 7.1.3. REQUIRES: `seed` is 32 fresh random bytes, used for
// nothing else.
[[nodiscard]] X25519KeyPair derive_key_pair(const SecretBytes& seed);

struct HpkeSealed {
  X25519PublicKey encapsulated{};  // The ephemeral public key: `enc` in the RFC.
  Bytes ciphertext;                // With its tag.

  bool operator==(const HpkeSealed&) const = default;
};

// `info` says which protocol this is, `associated` what this message is for; both must be the same
// when opening. kInvalid: `recipient` is not a usable public key (a point of small order).
[[nodiscard]] Result<HpkeSealed> hpke_seal(const X25519PublicKey& recipient, ByteView info,
                                           ByteView associated, const SecretBytes& plaintext,
                                           const SecretBytes& ephemeral_seed,
                                           Aead algorithm = Aead::kAes256Gcm);

// kCorrupt: not sealed to this key with this `info` and `associated`, or altered.
[[nodiscard]] Result<SecretBytes> hpke_open(const X25519KeyPair& recipient, ByteView info,
                                            ByteView associated, const HpkeSealed& sealed,
                                            Aead algorithm = Aead::kAes256Gcm);

}  // namespace keytrail::crypto
