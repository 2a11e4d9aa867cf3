// A KMIP client on the command line, for any key server: `keytrail kmip …`.
//
// Each call opens one session, asks, prints and gives the exit code. Key bytes never reach the
// terminal: `get` writes them to a new file of mode 0600, or only tells what it got.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace keytrail::cli {

// Which server, and as whom. What is left empty is the installation's: its first key server, and
// the client that is enrolled there for such purposes.
struct KmipSession {
  std::string server;  // HOST:PORT
  std::string certificate_file, key_file, ca_file;
  std::string pin;   // SHA-256 of the server's certificate, instead of a CA.
  std::string name;  // What the server's certificate must bear; default: the host of `server`.
  std::string username, password_file;
  std::string version;  // "1.2"; default: the highest that both speak.
  int timeout_ms = 10'000;
};

struct KmipCreate {
  std::string algorithm = "AES";
  std::int32_t length_bits = 256;
  std::string usage = "Encrypt|Decrypt";
  std::string name;
  std::vector<std::string> attributes;  // "x-owner=alice"
  bool activate = false;
};
struct KmipRegister {
  std::string type = "SymmetricKey";  // or SecretData, OpaqueObject
  std::string file;                   // The material, as it is.
  std::string algorithm = "AES";
  std::string usage = "Encrypt|Decrypt";
  std::string name;
  std::vector<std::string> attributes;
};
struct KmipLocate {
  std::string name, state, type, group;
  std::vector<std::string> attributes;
  std::optional<std::int32_t> maximum;
};
struct KmipRevoke {
  std::string id;
  std::string reason = "Unspecified";
  std::string message;
};

[[nodiscard]] Exit run_kmip_discover(const Globals& globals, const KmipSession& session);
[[nodiscard]] Exit run_kmip_query(const Globals& globals, const KmipSession& session);
[[nodiscard]] Exit run_kmip_create(const Globals& globals, const KmipSession& session,
                                   const KmipCreate& wanted);
[[nodiscard]] Exit run_kmip_register(const Globals& globals, const KmipSession& session,
                                     const KmipRegister& wanted);
// `out` empty: tells the kind and size of what it got, and forgets it.
[[nodiscard]] Exit run_kmip_get(const Globals& globals, const KmipSession& session,
                                const std::string& id, const std::string& out);
[[nodiscard]] Exit run_kmip_attributes(const Globals& globals, const KmipSession& session,
                                       const std::string& id,
                                       const std::vector<std::string>& names);
[[nodiscard]] Exit run_kmip_locate(const Globals& globals, const KmipSession& session,
                                   const KmipLocate& wanted);
[[nodiscard]] Exit run_kmip_activate(const Globals& globals, const KmipSession& session,
                                     const std::string& id);
[[nodiscard]] Exit run_kmip_revoke(const Globals& globals, const KmipSession& session,
                                   const KmipRevoke& wanted);
[[nodiscard]] Exit run_kmip_destroy(const Globals& globals, const KmipSession& session,
                                    const std::string& id);

// Declares the commands above; in kmip_arguments.cc, apart from them because CLI11 compiles slowly.
void add_kmip_commands(CLI::App& app, Run& run);

}  // namespace keytrail::cli
