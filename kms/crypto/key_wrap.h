// AES key wrap: RFC 3394 for keys of whole 64-bit words, RFC 5649 (with padding) for any length.
// KMIP's NISTKeyWrap and AESKeyWrapPadding.
//
// Deterministic: the same key under the same KEK gives the same bytes.
// Threads: pure functions.
#pragma once

#include "bus/secret/secret_bytes.h"

namespace keytrail::crypto {

enum class KeyWrap { kRfc3394, kRfc5649 };

inline constexpr std::size_t kWrappedKeyBytesMax = 64 * 1024;

// kInvalid: `kek` is no AES key; or `key` is empty, too long or, for RFC 3394, not two or more
// 8-byte words.
[[nodiscard]] Result<Bytes> wrap_key(KeyWrap form, const SecretBytes& kek, const SecretBytes& key);

// kInvalid: as above. kCorrupt: altered, or wrapped by another KEK.
[[nodiscard]] Result<SecretBytes> unwrap_key(KeyWrap form, const SecretBytes& kek,
                                             ByteView wrapped);

}  // namespace keytrail::crypto
