// VMware's DataTransformEnvelope, version 2: how a host writes whatever of a VM or of itself is not
// a disk: nvram, swap, suspend files, core dumps. Other open readers of that format read it.
//
//   header   4,096 bytes: magic, size, version; then the attributes vmware.keyInfo, cipherName
//            ("AES-256-GCM"), keyHash and iv
//   body     encrypted: content, zeros up to a multiple of 4,096, a 4,096-byte footer that tells
//            how many zeros
//   footer   4,096 bytes: magic, the tag
// The header is the associated data. keyInfo names the key, for the reader to find it; keyHash is
// SHA-256(cipher name || key), so that a wrong key is told from damage. One key may seal many
// envelopes: the nonce must be fresh.
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "bus/secret/aead.h"

namespace keytrail::crypto {

inline constexpr std::size_t kEnvelopeContentBytesMax = std::size_t{1} << 30;
inline constexpr std::size_t kEnvelopeKeyInfoBytesMax = 2048;

// REQUIRES: 32-byte key; content and `key_info` within their bounds, no zero byte in `key_info`.
[[nodiscard]] Bytes seal_envelope(const SecretBytes& key, std::string_view key_info,
                                  const AeadNonce& nonce, const SecretBytes& content);

// Which key opens it, as its writer says: authenticated only once it is opened. kCorrupt: no
// envelope.
[[nodiscard]] Result<std::string> envelope_key_info(ByteView envelope);

// kRefused: another key than the one it was sealed under. kCorrupt: damaged, or no envelope that we
// know.
[[nodiscard]] Result<SecretBytes> open_envelope(const SecretBytes& key, ByteView envelope);

}  // namespace keytrail::crypto
