#include "kms/service/entropy.h"

#include <algorithm>

#include "bus/secret/kdf.h"
#include "kms/service/replica_messages.h"

namespace keytrail::kms {
namespace {

constexpr std::size_t kActionBytes = 16;
constexpr std::size_t kSeedBytes = kEntropyBytes - kActionBytes;

}  // namespace

Entropy::Entropy(SecretBytes fresh) : seed_(fresh.slice(kActionBytes, kSeedBytes)) {
  const ByteView bytes = fresh.read(SecretAccess());
  std::copy_n(bytes.begin(), kActionBytes, action_.bytes.begin());
  if (action_.is_none()) action_.bytes[0] = 1;  // A trace id is never all zero.
}

SecretBytes Entropy::key(std::size_t item, std::size_t bytes) const {
  return slice("key", item, bytes);
}

AeadNonce Entropy::nonce(std::size_t item) const {
  const SecretBytes slice_bytes = slice("nonce", item, kAeadNonceBytes);
  AeadNonce nonce{};
  const ByteView view = slice_bytes.read(SecretAccess());  // A nonce is no secret.
  std::copy(view.begin(), view.end(), nonce.begin());
  return nonce;
}

std::string Entropy::identifier(std::size_t item) const {
  const SecretBytes slice_bytes = slice("identifier", item, 16);
  Bytes bytes = to_bytes(slice_bytes.read(SecretAccess()));  // Nor is an identifier.
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
  std::string text = to_hex(bytes);
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) text.insert(dash, 1, '-');
  return text;
}

SecretBytes Entropy::slice(std::string_view what, std::size_t item, std::size_t bytes) const {
  const std::string info = "keytrail/request/1 " + std::string(what) + " " + std::to_string(item);
  return hkdf_expand(seed_, as_bytes(info), bytes);
}

}  // namespace keytrail::kms
