// Create (KMIP 1.4, section 4.1): a new symmetric key, made of the replica's randomness.
//
//   kms  ObjectCreated, NameBound*, KeyActivated (if it has an activation date)
//        or OperationRefused
#pragma once

#include "kms/model/new_object.h"

namespace keytrail::kms {

// The bytes that a key of this algorithm and length has; nothing if it cannot be created. A length
// may leave out DES's parity bits.
[[nodiscard]] std::optional<std::size_t> key_bytes_of(std::uint32_t algorithm,
                                                      std::uint32_t length_bits);
// Whether those that key_bytes_of knows are all that the algorithm has: a key of another length is
// none, whoever made it.
[[nodiscard]] bool has_fixed_lengths(std::uint32_t algorithm);

struct CreateKey {
  NewObject key;
};

// What can be said without the State, before material is made and sealed.
[[nodiscard]] std::optional<Refusal> check(const CreateKey& command);
[[nodiscard]] Decided<Made> decide(Draft& draft, const Client& client, CreateKey command);

}  // namespace keytrail::kms
