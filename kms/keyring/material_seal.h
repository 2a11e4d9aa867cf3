// Sealed material: what stands on the log as an attachment for ever, and opens only while its leaf
// exists.
//
//   sealed  = version(1) | leaf index(8, LE) | nonce(12) | AES-256-GCM under the leaf's key | tag
//   AAD     = version | leaf index | cluster and object id, each after its length (4, LE)
//   payload = digest(32) | material
// The digest, SHA-256 of the key block's bytes as KMIP has it, is sealed too: of a password in the
// clear it would be a dictionary oracle. The format is fixed once facts exist.
// Threads: pure functions.
#pragma once

#include <string>

#include "bus/secret/aead.h"
#include "kms/keyring/keyring.h"

namespace keytrail::keyring {

inline constexpr std::uint8_t kSealingVersion = 1;
inline constexpr std::size_t kSealedMaterialOverheadBytes =
    1 + 8 + kAeadNonceBytes + sizeof(Hash) + kAeadTagBytes;

struct Material {
  SecretBytes bytes;
  SecretBytes digest;  // 32 bytes.
};

// What a sealing is bound to: it opens for this object of this cluster only.
struct SealingContext {
  std::string cluster;
  std::string object;
  LeafIndex leaf = 0;
};

// REQUIRES: `leaf_key` is the leaf's, never used before; `nonce` fresh; a digest of 32 bytes.
[[nodiscard]] Bytes seal_material(const SecretBytes& leaf_key, const SealingContext& context,
                                  const AeadNonce& nonce, const Material& material);

// kCorrupt: altered, of another object or leaf, or of a version that is not known.
[[nodiscard]] Result<Material> open_material(const SecretBytes& leaf_key,
                                             const SealingContext& context, ByteView sealed);

}  // namespace keytrail::keyring
