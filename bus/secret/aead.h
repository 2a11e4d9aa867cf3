// Authenticated encryption with associated data, over OpenSSL: AES-GCM (NIST SP 800-38D) and, for
// HPKE's published vectors, ChaCha20-Poly1305 (RFC 8439). All with 96-bit nonces and 128-bit tags.
//
// The nonce is the caller's, since randomness is data: under one key no nonce may come twice,
// whatever crashes. It stands here, below everything, because the sealed file needs it.
// Threads: an AeadCipher belongs to one; the free functions may be called by any.
#pragma once

#include <array>
#include <memory>

#include "bus/secret/secret_bytes.h"

struct evp_cipher_ctx_st;

namespace keytrail {

enum class Aead { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };

inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;
using AeadNonce = std::array<std::uint8_t, kAeadNonceBytes>;

[[nodiscard]] std::size_t aead_key_bytes(Aead algorithm);

// One key with its expanded schedule, for many messages: in place, without allocation.
class AeadCipher {
 public:
  // REQUIRES: `key` has aead_key_bytes(algorithm).
  AeadCipher(Aead algorithm, const SecretBytes& key);

  // Turns `data` into ciphertext and gives its tag. REQUIRES: a nonce never used under this key.
  void seal(const AeadNonce& nonce, ByteView associated, std::span<std::uint8_t> data,
            std::span<std::uint8_t, kAeadTagBytes> tag);

  // Turns `data` back into plaintext. False if anything was altered: `data` is then wiped, never
  // half open.
  [[nodiscard]] bool open(const AeadNonce& nonce, ByteView associated, std::span<std::uint8_t> data,
                          std::span<const std::uint8_t, kAeadTagBytes> tag);

 private:
  struct ContextFree {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, ContextFree> context_;
};

// One message: ciphertext and tag, one after the other.
[[nodiscard]] Bytes aead_seal(const SecretBytes& key, const AeadNonce& nonce, ByteView associated,
                              const SecretBytes& plaintext, Aead algorithm = Aead::kAes256Gcm);

// kCorrupt if it was not sealed under this key, nonce and associated data.
[[nodiscard]] Result<SecretBytes> aead_open(const SecretBytes& key, const AeadNonce& nonce,
                                            ByteView associated, ByteView sealed,
                                            Aead algorithm = Aead::kAes256Gcm);

}  // namespace keytrail
