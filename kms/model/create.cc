#include "kms/model/create.h"

#include <algorithm>
#include <array>

namespace keytrail::kms {
namespace {

// Whose bounds a row holds: what the algorithm takes at all, or what this server makes of it.
enum class Of { kAlgorithm, kServer };

// KMIP Cryptographic Algorithm: the lengths of its keys, in bits of key material.
struct KeyLengths {
  std::uint32_t algorithm;
  std::uint32_t from, to, step;
  Of of;
};
// clang-format off
constexpr std::array kKeyLengths = {
    KeyLengths{0x03, 128,  256,  64, Of::kAlgorithm},  // AES
    KeyLengths{0x07, 128, 4096,   8, Of::kServer},     // HMAC-SHA1
    KeyLengths{0x08, 128, 4096,   8, Of::kServer},     // HMAC-SHA224
    KeyLengths{0x09, 128, 4096,   8, Of::kServer},     // HMAC-SHA256
    KeyLengths{0x0A, 128, 4096,   8, Of::kServer},     // HMAC-SHA384
    KeyLengths{0x0B, 128, 4096,   8, Of::kServer},     // HMAC-SHA512
    KeyLengths{0x0C, 128, 4096,   8, Of::kServer},     // HMAC-MD5
    KeyLengths{0x10, 128,  448,   8, Of::kServer},     // Blowfish
    KeyLengths{0x11, 128,  256,  64, Of::kAlgorithm},  // Camellia
    KeyLengths{0x12, 128,  128,   8, Of::kServer},     // CAST5
    KeyLengths{0x13, 128,  128,   8, Of::kAlgorithm},  // IDEA
    KeyLengths{0x14, 128,  448,  32, Of::kAlgorithm},  // MARS
    KeyLengths{0x16, 128, 2048,   8, Of::kServer},     // RC4
    KeyLengths{0x17, 128, 2040,   8, Of::kServer},     // RC5
    KeyLengths{0x18,  80,   80,   8, Of::kAlgorithm},  // SKIPJACK
    KeyLengths{0x19, 128,  256,  64, Of::kAlgorithm},  // Twofish
    KeyLengths{0x1C, 128,  256, 128, Of::kAlgorithm},  // ChaCha20
    KeyLengths{0x1D, 256,  256,   8, Of::kAlgorithm},  // Poly1305
    KeyLengths{0x1E, 256,  256,   8, Of::kAlgorithm},  // ChaCha20-Poly1305
};
// clang-format on
constexpr std::uint32_t kDes = 0x01;
constexpr std::uint32_t kTripleDes = 0x02;

}  // namespace

std::optional<std::size_t> key_bytes_of(std::uint32_t algorithm, std::uint32_t length_bits) {
  if (algorithm == kDes && (length_bits == 56 || length_bits == 64)) return 8;
  if (algorithm == kTripleDes && (length_bits == 112 || length_bits == 128)) return 16;
  if (algorithm == kTripleDes && (length_bits == 168 || length_bits == 192)) return 24;
  for (const KeyLengths& row : kKeyLengths) {
    if (row.algorithm != algorithm) continue;
    const bool allowed = length_bits >= row.from && length_bits <= row.to &&
                         (length_bits - row.from) % row.step == 0;
    if (allowed) return length_bits / 8;
  }
  return std::nullopt;
}

bool has_fixed_lengths(std::uint32_t algorithm) {
  if (algorithm == kDes || algorithm == kTripleDes) return true;
  return std::any_of(kKeyLengths.begin(), kKeyLengths.end(), [&](const KeyLengths& row) {
    return row.algorithm == algorithm && row.of == Of::kAlgorithm;
  });
}

std::optional<Refusal> check(const CreateKey& command) {
  if (key_bytes_of(command.key.algorithm, command.key.length_bits)) return std::nullopt;
  return Refusal{.reason = Reason::kInvalidField,
                 .message =
                     "This server makes no symmetric key of that Cryptographic Algorithm "
                     "and Cryptographic Length.",
                 .detail = {}};
}

Decided<Made> decide(Draft& draft, const Client& client, CreateKey command) {
  if (auto refusal = check(command)) return *refusal;
  command.key.type = ObjectType::kSymmetricKey;
  command.key.origin = ObjectOrigin::kCreated;
  command.key.format = kFormatRaw;
  return decide_new(draft, client, std::move(command.key));
}

}  // namespace keytrail::kms
