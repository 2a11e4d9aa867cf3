#include "bus/secret/random.h"

#include <openssl/rand.h>

namespace keytrail {

SecretBytes Random::secret(std::size_t size) {
  SecretBytes bytes(size);
  fill(bytes.write(SecretAccess{}));
  return bytes;
}

void OsRandom::fill(std::span<std::uint8_t> bytes) {
  KEYTRAIL_CHECK(RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace keytrail
