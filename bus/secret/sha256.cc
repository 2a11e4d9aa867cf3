#include "bus/secret/sha256.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>

namespace keytrail {
namespace {

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  KEYTRAIL_CHECK(algorithm != nullptr);
  return algorithm;
}

struct MacContextFree {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

EVP_MAC_CTX* new_hmac_context() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  KEYTRAIL_CHECK(algorithm != nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(algorithm);
  KEYTRAIL_CHECK(context != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  KEYTRAIL_CHECK(EVP_MAC_CTX_set_params(context, parameters) == 1);
  return context;
}

// OpenSSL keeps a copy of a context's key, in the ordinary heap, until its next key comes; this
// one is no secret.
void forget_key(EVP_MAC_CTX* context) {
  constexpr std::uint8_t kNoKey[32] = {};
  KEYTRAIL_CHECK(EVP_MAC_init(context, kNoKey, sizeof kNoKey, nullptr) == 1);
}

void hmac_into(std::span<std::uint8_t> out, const SecretBytes& key,
               std::initializer_list<ByteView> pieces) {
  thread_local const std::unique_ptr<EVP_MAC_CTX, MacContextFree> context(new_hmac_context());
  const ByteView raw = key.read(SecretAccess{});
  KEYTRAIL_CHECK(!raw.empty());  // OpenSSL would take the last key again.
  KEYTRAIL_CHECK(EVP_MAC_init(context.get(), raw.data(), raw.size(), nullptr) == 1);
  for (const ByteView piece : pieces) {
    KEYTRAIL_CHECK(EVP_MAC_update(context.get(), piece.data(), piece.size()) == 1);
  }
  std::size_t length = 0;
  KEYTRAIL_CHECK(EVP_MAC_final(context.get(), out.data(), &length, out.size()) == 1);
  KEYTRAIL_CHECK(length == out.size());
  forget_key(context.get());
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  KEYTRAIL_CHECK(context_ != nullptr);
  KEYTRAIL_CHECK(EVP_DigestInit_ex2(context_, sha256_algorithm(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

void Sha256::update(ByteView bytes) {
  KEYTRAIL_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Hash Sha256::finish() {
  Hash hash;
  KEYTRAIL_CHECK(EVP_DigestFinal_ex(context_, hash.data(), nullptr) == 1);
  KEYTRAIL_CHECK(EVP_DigestInit_ex2(context_, nullptr, nullptr) == 1);
  return hash;
}

Hash sha256(std::initializer_list<ByteView> pieces) {
  thread_local Sha256 hasher;
  for (const ByteView piece : pieces) hasher.update(piece);
  return hasher.finish();
}

Hash hmac_sha256(const SecretBytes& key, std::initializer_list<ByteView> pieces) {
  Hash mac;
  hmac_into(mac, key, pieces);
  return mac;
}

SecretBytes hmac_sha256_secret(const SecretBytes& key, std::initializer_list<ByteView> pieces) {
  SecretBytes mac(32);
  hmac_into(mac.write(SecretAccess{}), key, pieces);
  return mac;
}

}  // namespace keytrail
