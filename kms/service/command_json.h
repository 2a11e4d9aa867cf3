// Commands of a replica from and into the JSON of the command socket.
//
//   status · keys {after?, limit?} · shredded {key} · stop
//   client.add {client, certificate, group?} · client.remove {client} · client.list
//   sign-csr {request} · admit {replica, fingerprint} · retire {replica}
// Certificates and requests are PEM, fingerprints hexadecimal, 64-bit numbers strings. Pure; any
// thread.
#pragma once

#include <string>
#include <variant>

#include "kms/service/commands.h"

namespace keytrail::kms {

// The shell signs before the core records it.
struct SignRequest {
  std::string request_pem;
};

// kInvalid: what is wrong with it, in a sentence. `client.add` looks at the certificate.
[[nodiscard]] Result<std::variant<Command, SignRequest>> parse_command(const std::string& json);

// What only the shell knows of a replica.
struct Certificates {
  Hash identity_fingerprint{};  // what `admit` wants
  std::string kmip_pem;         // empty: none yet
  std::string ca_pem;           // likewise
};

// REQUIRES: not a FailedAnswer.
[[nodiscard]] std::string to_json(const Answer& answer, const Certificates& certificates);

}  // namespace keytrail::kms
