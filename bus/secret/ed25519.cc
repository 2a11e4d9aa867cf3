#include "bus/secret/ed25519.h"

#include <openssl/evp.h>

#include <memory>

namespace keytrail {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Key private_key(const SecretBytes& seed) {
  KEYTRAIL_CHECK(seed.size() == kEd25519SeedBytes);
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.read(SecretAccess()).data(),
                                       seed.size()));
  KEYTRAIL_CHECK(key != nullptr);
  return key;
}

}  // namespace

Bytes ed25519_public_key(const SecretBytes& seed) {
  Bytes public_key(kEd25519PublicKeyBytes);
  std::size_t size = public_key.size();
  KEYTRAIL_CHECK(EVP_PKEY_get_raw_public_key(private_key(seed).get(), public_key.data(), &size) ==
                 1);
  return public_key;
}

Bytes ed25519_sign(const SecretBytes& seed, ByteView message) {
  const Key key = private_key(seed);
  const Context context(EVP_MD_CTX_new());
  Bytes signature(kEd25519SignatureBytes);
  std::size_t size = signature.size();
  KEYTRAIL_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  KEYTRAIL_CHECK(
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  return signature;
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
  if (public_key.size() != kEd25519PublicKeyBytes || signature.size() != kEd25519SignatureBytes)
    return false;
  const Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
  const Context context(EVP_MD_CTX_new());
  if (key == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
    return false;
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace keytrail
