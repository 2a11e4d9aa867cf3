#include "kms/crypto/fingerprint.h"

#include <algorithm>

#include "bus/secret/sha256.h"

namespace keytrail::crypto {
namespace {

constexpr std::size_t kKeyBytesMin = 16;

Fingerprint fingerprint(const SecretBytes& key, std::string_view label, ByteView id) {
  KEYTRAIL_CHECK(key.size() >= kKeyBytesMin);
  const Hash mac = hmac_sha256(key, {as_bytes(label), id});
  Fingerprint result;
  std::copy_n(mac.begin(), result.size(), result.begin());
  return result;
}

}  // namespace

Fingerprint key_fingerprint(const SecretBytes& key, std::string_view id) {
  return fingerprint(key, "keytrail/fp/1", as_bytes(id));
}

Fingerprint dek_fingerprint(const SecretBytes& dek, ByteView uuid) {
  return fingerprint(dek, "vmcrypt-fp", uuid);
}

}  // namespace keytrail::crypto
