#include "kms/crypto/key_wrap.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

namespace keytrail::crypto {
namespace {

constexpr std::size_t kWordBytes = 8;

struct CipherContextFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, CipherContextFree>;

enum class Direction { kUnwrap = 0, kWrap = 1 };

const EVP_CIPHER* cipher_of(KeyWrap form, std::size_t kek_bytes) {
  const bool padded = form == KeyWrap::kRfc5649;
  switch (kek_bytes) {
    case 16:
      return padded ? EVP_aes_128_wrap_pad() : EVP_aes_128_wrap();
    case 24:
      return padded ? EVP_aes_192_wrap_pad() : EVP_aes_192_wrap();
    case 32:
      return padded ? EVP_aes_256_wrap_pad() : EVP_aes_256_wrap();
    default:
      return nullptr;
  }
}

// A context set up for one wrap or unwrap; null if `kek` is no AES key.
Context context_for(KeyWrap form, const SecretBytes& kek, Direction direction) {
  const EVP_CIPHER* const cipher = cipher_of(form, kek.size());
  if (cipher == nullptr) return nullptr;
  Context context(EVP_CIPHER_CTX_new());
  KEYTRAIL_CHECK(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  KEYTRAIL_CHECK(EVP_CipherInit_ex2(context.get(), cipher, kek.read(SecretAccess{}).data(), nullptr,
                                    static_cast<int>(direction), nullptr) == 1);
  return context;
}

Error no_aes_key() { return {ErrorCode::kInvalid, "a wrapping key has 16, 24 or 32 bytes"}; }

}  // namespace

Result<Bytes> wrap_key(KeyWrap form, const SecretBytes& kek, const SecretBytes& key) {
  const bool whole_words = key.size() % kWordBytes == 0 && key.size() >= 2 * kWordBytes;
  if (key.empty() || key.size() > kWrappedKeyBytesMax - 2 * kWordBytes ||
      (form == KeyWrap::kRfc3394 && !whole_words)) {
    return Error{ErrorCode::kInvalid, "a key of this length cannot be wrapped in this form"};
  }
  const Context context = context_for(form, kek, Direction::kWrap);
  if (context == nullptr) return no_aes_key();
  Bytes wrapped(key.size() + 2 * kWordBytes);
  int length = 0;
  KEYTRAIL_CHECK(EVP_CipherUpdate(context.get(), wrapped.data(), &length,
                                  key.read(SecretAccess{}).data(),
                                  static_cast<int>(key.size())) == 1);
  wrapped.resize(static_cast<std::size_t>(length));
  return wrapped;
}

Result<SecretBytes> unwrap_key(KeyWrap form, const SecretBytes& kek, ByteView wrapped) {
  const Error corrupt{ErrorCode::kCorrupt,
                      "the wrapped key does not open: altered, or wrapped by another key"};
  const std::size_t smallest = (form == KeyWrap::kRfc3394 ? 3 : 2) * kWordBytes;
  if (wrapped.size() < smallest || wrapped.size() % kWordBytes != 0 ||
      wrapped.size() > kWrappedKeyBytesMax) {
    return corrupt;
  }
  const Context context = context_for(form, kek, Direction::kUnwrap);
  if (context == nullptr) return no_aes_key();
  SecretBytes key(wrapped.size());  // OpenSSL needs room for the padding too.
  int length = 0;
  if (EVP_CipherUpdate(context.get(), key.write(SecretAccess{}).data(), &length, wrapped.data(),
                       static_cast<int>(wrapped.size())) != 1) {
    ERR_clear_error();
    return corrupt;
  }
  return key.slice(0, static_cast<std::size_t>(length));
}

}  // namespace keytrail::crypto
