// Entropy: the fresh bytes of one request, and what is made of them.
//
// Slices are cut by HKDF-Expand under a label, since nobody knows before a batch is read how many
// keys it will make. The same request decided again gets the same identifiers, keys and nonces.
// Threads: one; a value.
#pragma once

#include <string>
#include <string_view>

#include "bus/events/ids.h"
#include "bus/secret/aead.h"

namespace keytrail::kms {

class Entropy {
 public:
  // REQUIRES: kEntropyBytes fresh bytes (replica_messages.h).
  explicit Entropy(SecretBytes fresh);

  [[nodiscard]] ActionId action() const { return action_; }
  // For the `item`th of a batch. REQUIRES: at most 8,160 bytes.
  [[nodiscard]] SecretBytes key(std::size_t item, std::size_t bytes) const;
  [[nodiscard]] AeadNonce nonce(std::size_t item) const;
  [[nodiscard]] std::string identifier(
      std::size_t item) const;  // a random UUID (RFC 9562, version 4)

 private:
  [[nodiscard]] SecretBytes slice(std::string_view what, std::size_t item, std::size_t bytes) const;

  ActionId action_;
  SecretBytes seed_;
};

}  // namespace keytrail::kms
