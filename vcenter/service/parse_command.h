// Parse command: from the JSON of the command socket to a Request. vcenter/README.md has the table.
//
// Hostile input: depth and sizes are capped, unknown commands and arguments are refused by name,
// and the text, which may hold a password, is wiped after reading. Pure; any thread.
#pragma once

#include <string>

#include "bus/secret/secret_bytes.h"
#include "vcenter/service/requests.h"

namespace keytrail::vcenter {

struct ParsedCommand {
  Ask ask;
  Hash session{};        // SHA-256 of the session that came along; all zero: none
  SecretBytes password;  // of login and user.add; else empty
};

inline constexpr std::size_t kCommandBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kPasswordBytesMax = 1024;

// `json` is wiped. kInvalid: what is wrong with it, in a sentence.
[[nodiscard]] Result<ParsedCommand> parse_command(std::string json);

// "[NAME=]HOST[:PORT]", "[::1]:5696"; without a port 5696, without a name the text itself is it.
[[nodiscard]] Result<KmipServer> parse_server(const std::string& text);

}  // namespace keytrail::vcenter
