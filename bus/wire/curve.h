// CURVE identities: who a socket is, and which keys it lets in.
//
// A key file holds {"public", "secret"} in z85 (0600). The secret is a SecretBytes of 40 z85
// letters in memory.
#pragma once

#include <string>
#include <vector>

#include "bus/secret/random.h"

namespace keytrail::wire {

struct CurveKeys {
  std::string public_key;  // z85, 40 letters
  SecretBytes secret_key;  // z85, 40 letters
};
[[nodiscard]] CurveKeys make_curve_keys(Random& random);
// The pair that belongs to a secret key, as parts keep it in their secret files.
[[nodiscard]] Result<CurveKeys> curve_keys_of(SecretBytes secret_key);
[[nodiscard]] Result<CurveKeys> read_curve_keys(const std::string& file);
[[nodiscard]] Result<void> write_curve_keys(const std::string& file, const CurveKeys& keys);

// One row of an allow-list: what the ZAP handler answers as User-Id, and on which sockets the key
// may speak.
struct AllowedKey {
  std::string name;  // "kms/kms-1", "operator/cli"
  std::string public_key;
  std::vector<std::string> sockets;  // ZAP domains: "append", "live", "read", "command", "host"
  bool operator==(const AllowedKey&) const = default;
};

}  // namespace keytrail::wire
