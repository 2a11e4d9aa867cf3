// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) over OpenSSL, with kept contexts: half the time
// of the one-shot calls at the sizes of facts and tree nodes.
//
// Threads: an object belongs to one; the free functions keep a context per thread.
#pragma once

#include <initializer_list>

#include "bus/secret/secret_bytes.h"

struct evp_md_ctx_st;

namespace keytrail {

// The hash of the pieces, one after the other.
[[nodiscard]] Hash sha256(std::initializer_list<ByteView> pieces);
[[nodiscard]] inline Hash sha256(ByteView bytes) { return sha256({bytes}); }

// A hash over a stream of bytes: update as often as wanted, then finish once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(ByteView bytes);
  [[nodiscard]] Hash finish();  // Ready for the next hash afterwards.

 private:
  evp_md_ctx_st* context_;
};

// HMAC-SHA-256 of `pieces` under `key`. The first is for values that may be seen, the second for
// derived keys.
[[nodiscard]] Hash hmac_sha256(const SecretBytes& key, std::initializer_list<ByteView> pieces);
[[nodiscard]] SecretBytes hmac_sha256_secret(const SecretBytes& key,
                                             std::initializer_list<ByteView> pieces);

}  // namespace keytrail
