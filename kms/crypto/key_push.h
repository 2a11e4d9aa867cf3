// The one message in which a KEK travels from vCenter to a host: what it is bound to, and how it is
// sealed.
//
// Here and not in either part, since both ends must agree to the byte and never include each other.
// HPKE with info `keytrail/push/1`; associated data = host, boot, nonce, provider, key id, each
// after its length as a 16-bit big-endian number. So a sealed key opens for this host, in this
// boot, as the answer to this question, as this key, and for nothing else.
// Threads: pure functions.
#pragma once

#include <string>

#include "kms/crypto/hpke.h"

namespace keytrail::crypto {

struct KeyPushPurpose {
  std::string host;
  Bytes boot;
  Bytes nonce;  // The host's, fresh in each question.
  std::string provider;
  std::string key_id;
};

// `host_key` is the one in the host's own fact, never one from a message.
// kInvalid: not a usable public key, or a field of 64 KiB and more.
[[nodiscard]] Result<HpkeSealed> seal_key_push(const X25519PublicKey& host_key,
                                               const KeyPushPurpose& purpose,
                                               const SecretBytes& kek,
                                               const SecretBytes& ephemeral_seed);

// kCorrupt: sealed for another purpose or host key, or altered.
[[nodiscard]] Result<SecretBytes> open_key_push(const X25519KeyPair& host_key,
                                                const KeyPushPurpose& purpose,
                                                const HpkeSealed& sealed);

}  // namespace keytrail::crypto
