#include "bus/secret/kdf.h"

#include <openssl/evp.h>

#include <algorithm>

#include "bus/secret/sha256.h"

namespace keytrail {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::uint64_t kScryptN = std::uint64_t{1} << 17;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 1;
// 128 * N * r bytes, and room for the rest of its work space.
constexpr std::uint64_t kScryptMemoryBytesMax = 160ULL << 20;

}  // namespace

SecretBytes hkdf_extract(const SecretBytes& salt, std::initializer_list<ByteView> input) {
  return hmac_sha256_secret(salt.empty() ? SecretBytes(kHashBytes) : salt.clone(), input);
}

SecretBytes hkdf_expand(const SecretBytes& key, ByteView info, std::size_t length) {
  KEYTRAIL_CHECK(length >= 1 && length <= 255 * kHashBytes);
  SecretBytes output(length);
  const auto out = output.write(SecretAccess{});
  SecretBytes block;  // T(0) is empty.
  std::uint8_t counter = 0;
  for (std::size_t done = 0; done < length; done += kHashBytes) {
    ++counter;
    block = hmac_sha256_secret(key, {block.read(SecretAccess{}), info, {&counter, 1}});
    std::copy_n(block.read(SecretAccess{}).begin(), std::min(kHashBytes, length - done),
                out.begin() + static_cast<std::ptrdiff_t>(done));
  }
  return output;
}

SecretBytes hkdf(const SecretBytes& input, ByteView salt, std::string_view info,
                 std::size_t length) {
  const SecretBytes key = hkdf_extract(SecretBytes::copy_of(salt), {input.read(SecretAccess{})});
  return hkdf_expand(key, as_bytes(info), length);
}

Result<SecretBytes> scrypt(const SecretBytes& passphrase, ByteView salt) {
  SecretBytes key(kHashBytes);
  const std::string_view text = as_text(passphrase.read(SecretAccess{}));
  const auto out = key.write(SecretAccess{});
  if (EVP_PBE_scrypt(text.data(), text.size(), salt.data(), salt.size(), kScryptN, kScryptR,
                     kScryptP, kScryptMemoryBytesMax, out.data(), out.size()) != 1) {
    return Error{ErrorCode::kUnavailable, "scrypt failed: it needs 128 MiB of memory for a moment"};
  }
  return key;
}

}  // namespace keytrail
