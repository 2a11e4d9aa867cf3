#include "kms/crypto/hpke.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "bus/secret/kdf.h"

namespace keytrail::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kVersion = "HPKE-v1";
constexpr std::uint8_t kModeBase = 0;
constexpr std::array<std::uint8_t, 5> kKemSuite = {'K', 'E', 'M', 0x00, 0x20};

std::array<std::uint8_t, 10> hpke_suite(Aead algorithm) {
  std::uint8_t aead = 0;
  switch (algorithm) {
    case Aead::kAes128Gcm:
      aead = 1;
      break;
    case Aead::kAes256Gcm:
      aead = 2;
      break;
    case Aead::kChaCha20Poly1305:
      aead = 3;
      break;
  }
  // "HPKE", then DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AEAD as 16-bit numbers.
  return {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, aead};
}

// --- Section 4: labelled extract and expand ------------------------------------------------------

SecretBytes labeled_extract(ByteView suite, const SecretBytes& salt, std::string_view label,
                            ByteView input) {
  return hkdf_extract(salt, {as_bytes(kVersion), suite, as_bytes(label), input});
}

SecretBytes labeled_expand(ByteView suite, const SecretBytes& key, std::string_view label,
                           ByteView info, std::size_t length) {
  Bytes labeled = {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
  for (const ByteView piece : {as_bytes(kVersion), suite, as_bytes(label), info}) {
    labeled.insert(labeled.end(), piece.begin(), piece.end());
  }
  return hkdf_expand(key, labeled, length);
}

// --- X25519 (RFC 7748) ---------------------------------------------------------------------------

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct KeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

Key private_key(const SecretBytes& secret) {
  KEYTRAIL_CHECK(secret.size() == kKeyBytes);
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.read(SecretAccess{}).data(),
                                       kKeyBytes));
  KEYTRAIL_CHECK(key != nullptr);
  return key;
}

X25519PublicKey public_key_of(const SecretBytes& secret) {
  X25519PublicKey public_key;
  std::size_t length = public_key.size();
  KEYTRAIL_CHECK(
      EVP_PKEY_get_raw_public_key(private_key(secret).get(), public_key.data(), &length) == 1);
  return public_key;
}

// The Diffie-Hellman value; nothing if `peer` has small order (the result would be zero, known to
// all).
std::optional<SecretBytes> x25519(const SecretBytes& secret, const X25519PublicKey& peer) {
  const Key own = private_key(secret);
  const Key other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()));
  const std::unique_ptr<EVP_PKEY_CTX, KeyContextFree> context(EVP_PKEY_CTX_new(own.get(), nullptr));
  KEYTRAIL_CHECK(other != nullptr && context != nullptr);
  SecretBytes shared(kKeyBytes);
  std::size_t length = shared.size();
  if (EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1 &&
      EVP_PKEY_derive(context.get(), shared.write(SecretAccess{}).data(), &length) == 1 &&
      length == shared.size()) {
    return shared;
  }
  ERR_clear_error();
  return std::nullopt;
}

// --- Sections 4.1 and 5.1: the shared secret, then key and nonce of the one message --------------

SecretBytes kem_secret(const SecretBytes& dh, const X25519PublicKey& encapsulated,
                       const X25519PublicKey& recipient) {
  Bytes context(encapsulated.begin(), encapsulated.end());
  context.insert(context.end(), recipient.begin(), recipient.end());
  const SecretBytes key = labeled_extract(kKemSuite, {}, "eae_prk", dh.read(SecretAccess{}));
  return labeled_expand(kKemSuite, key, "shared_secret", context, kKeyBytes);
}

struct MessageKey {
  SecretBytes key;
  AeadNonce nonce{};
};

MessageKey message_key(const SecretBytes& shared, ByteView info, Aead algorithm) {
  const auto suite = hpke_suite(algorithm);
  const SecretBytes psk_id_hash = labeled_extract(suite, {}, "psk_id_hash", {});
  const SecretBytes info_hash = labeled_extract(suite, {}, "info_hash", info);
  Bytes context = {kModeBase};  // The hashes are of public values.
  for (const SecretBytes* const hash : {&psk_id_hash, &info_hash}) {
    const ByteView bytes = hash->read(SecretAccess{});
    context.insert(context.end(), bytes.begin(), bytes.end());
  }
  const SecretBytes secret = labeled_extract(suite, shared, "secret", {});
  const SecretBytes nonce = labeled_expand(suite, secret, "base_nonce", context, kAeadNonceBytes);
  MessageKey result;
  result.key = labeled_expand(suite, secret, "key", context, aead_key_bytes(algorithm));
  std::ranges::copy(nonce.read(SecretAccess{}), result.nonce.begin());
  return result;
}

}  // namespace

X25519KeyPair derive_key_pair(const SecretBytes& seed) {
  KEYTRAIL_CHECK(seed.size() == kKeyBytes);
  const SecretBytes key = labeled_extract(kKemSuite, {}, "dkp_prk", seed.read(SecretAccess{}));
  X25519KeyPair pair;
  pair.secret = labeled_expand(kKemSuite, key, "sk", {}, kKeyBytes);
  pair.public_key = public_key_of(pair.secret);
  return pair;
}

Result<HpkeSealed> hpke_seal(const X25519PublicKey& recipient, ByteView info, ByteView associated,
                             const SecretBytes& plaintext, const SecretBytes& ephemeral_seed,
                             Aead algorithm) {
  const X25519KeyPair ephemeral = derive_key_pair(ephemeral_seed);
  const auto dh = x25519(ephemeral.secret, recipient);
  if (!dh) return Error{ErrorCode::kInvalid, "not a usable X25519 public key"};
  const MessageKey message =
      message_key(kem_secret(*dh, ephemeral.public_key, recipient), info, algorithm);
  return HpkeSealed{
      .encapsulated = ephemeral.public_key,
      .ciphertext = aead_seal(message.key, message.nonce, associated, plaintext, algorithm)};
}

Result<SecretBytes> hpke_open(const X25519KeyPair& recipient, ByteView info, ByteView associated,
                              const HpkeSealed& sealed, Aead algorithm) {
  const auto dh = x25519(recipient.secret, sealed.encapsulated);
  if (!dh) return Error{ErrorCode::kCorrupt, "the encapsulated key is not a usable public key"};
  const MessageKey message =
      message_key(kem_secret(*dh, sealed.encapsulated, recipient.public_key), info, algorithm);
  return aead_open(message.key, message.nonce, associated, sealed.ciphertext, algorithm);
}

}  // namespace keytrail::crypto
