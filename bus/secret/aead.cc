#include "bus/secret/aead.h"

#include <openssl/evp.h>

#include <algorithm>
#include <climits>

namespace keytrail {
namespace {

const EVP_CIPHER* cipher_of(Aead algorithm) {
  // Fetched once: an implicit fetch at each use takes OpenSSL's locks.
  static const EVP_CIPHER* const aes_128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static const EVP_CIPHER* const aes_256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static const EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  switch (algorithm) {
    case Aead::kAes128Gcm:
      return aes_128;
    case Aead::kAes256Gcm:
      return aes_256;
    case Aead::kChaCha20Poly1305:
      return chacha;
  }
  std::abort();
}

constexpr int kEncrypt = 1;
constexpr int kDecrypt = 0;

// The part that both directions share: nonce, associated data, the body in place.
void run(EVP_CIPHER_CTX* context, int direction, const AeadNonce& nonce, ByteView associated,
         std::span<std::uint8_t> data) {
  KEYTRAIL_CHECK(associated.size() <= INT_MAX && data.size() <= INT_MAX);
  KEYTRAIL_CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), direction, nullptr) ==
                 1);
  int length = 0;
  if (!associated.empty()) {
    KEYTRAIL_CHECK(EVP_CipherUpdate(context, nullptr, &length, associated.data(),
                                    static_cast<int>(associated.size())) == 1);
  }
  if (!data.empty()) {
    KEYTRAIL_CHECK(EVP_CipherUpdate(context, data.data(), &length, data.data(),
                                    static_cast<int>(data.size())) == 1);
    KEYTRAIL_CHECK(static_cast<std::size_t>(length) == data.size());
  }
}

}  // namespace

std::size_t aead_key_bytes(Aead algorithm) { return algorithm == Aead::kAes128Gcm ? 16 : 32; }

void AeadCipher::ContextFree::operator()(EVP_CIPHER_CTX* context) const {
  EVP_CIPHER_CTX_free(context);  // Wipes the key schedule.
}

AeadCipher::AeadCipher(Aead algorithm, const SecretBytes& key) : context_(EVP_CIPHER_CTX_new()) {
  KEYTRAIL_CHECK(context_ != nullptr);
  KEYTRAIL_CHECK(key.size() == aead_key_bytes(algorithm));
  KEYTRAIL_CHECK(EVP_CipherInit_ex2(context_.get(), cipher_of(algorithm),
                                    key.read(SecretAccess{}).data(), nullptr, kEncrypt,
                                    nullptr) == 1);
}

void AeadCipher::seal(const AeadNonce& nonce, ByteView associated, std::span<std::uint8_t> data,
                      std::span<std::uint8_t, kAeadTagBytes> tag) {
  run(context_.get(), kEncrypt, nonce, associated, data);
  int length = 0;
  std::uint8_t nothing = 0;
  KEYTRAIL_CHECK(EVP_CipherFinal_ex(context_.get(), &nothing, &length) == 1);
  KEYTRAIL_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG,
                                     static_cast<int>(tag.size()), tag.data()) == 1);
}

bool AeadCipher::open(const AeadNonce& nonce, ByteView associated, std::span<std::uint8_t> data,
                      std::span<const std::uint8_t, kAeadTagBytes> tag) {
  run(context_.get(), kDecrypt, nonce, associated, data);
  std::array<std::uint8_t, kAeadTagBytes> expected;
  std::copy(tag.begin(), tag.end(), expected.begin());
  KEYTRAIL_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG,
                                     static_cast<int>(expected.size()), expected.data()) == 1);
  int length = 0;
  std::uint8_t nothing = 0;
  if (EVP_CipherFinal_ex(context_.get(), &nothing, &length) == 1) return true;
  wipe(data);
  return false;
}

Bytes aead_seal(const SecretBytes& key, const AeadNonce& nonce, ByteView associated,
                const SecretBytes& plaintext, Aead algorithm) {
  // Encrypted in a secret's memory, so that no plaintext ever stands in an ordinary buffer.
  SecretBytes data = plaintext.clone();
  std::array<std::uint8_t, kAeadTagBytes> tag;
  AeadCipher(algorithm, key).seal(nonce, associated, data.write(SecretAccess{}), tag);
  Bytes sealed = to_bytes(data.read(SecretAccess{}));
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  return sealed;
}

Result<SecretBytes> aead_open(const SecretBytes& key, const AeadNonce& nonce, ByteView associated,
                              ByteView sealed, Aead algorithm) {
  const Error corrupt{ErrorCode::kCorrupt, "sealed bytes do not open: altered, or another key"};
  if (sealed.size() < kAeadTagBytes) return corrupt;
  SecretBytes data = SecretBytes::copy_of(sealed.first(sealed.size() - kAeadTagBytes));
  if (!AeadCipher(algorithm, key)
           .open(nonce, associated, data.write(SecretAccess{}), sealed.last<kAeadTagBytes>())) {
    return corrupt;
  }
  return data;
}

}  // namespace keytrail
