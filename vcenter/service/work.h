// Work: what the core wants done outside, and what came of it: all I/O of vCenter's duties.
//
// The shell performs many at a time, on workers, and hands each outcome back under the same number.
// No plain key passes through: a fetched key comes back sealed to its host. Values; no threads.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "bus/events/ids.h"
#include "vcenter/service/requests.h"

namespace keytrail::vcenter {

using WorkId = std::uint64_t;

// How to reach a provider: a copy of what the log says.
struct ProviderAccess {
  std::string provider;
  std::vector<KmipServer> servers;      // in the order of failover
  std::map<std::string, Hash> trusted;  // pinned certificates
  std::string credential;               // of the client key
  bool operator==(const ProviderAccess&) const = default;
};

// --- asked for -----------------------------------------------------------------------------------

// The password is with the shell. An unknown user has no credential, and takes as long.
struct VerifyPassword {
  Token token = 0;
  std::string credential;
  bool operator==(const VerifyPassword&) const = default;
};
struct StorePassword {
  Token token = 0;
  bool operator==(const StorePassword&) const = default;
};
// A random password into a file of mode 0600, its verifier into the secret file.
struct StoreAdministrator {
  bool operator==(const StoreAdministrator&) const = default;
};
struct MakeCertificate {
  std::string provider;
  bool operator==(const MakeCertificate&) const = default;
};
// Each server's certificate, and the client certificate that vCenter has for it.
struct LookAtServers {
  ProviderAccess access;
  bool operator==(const LookAtServers&) const = default;
};
struct CheckServers {
  std::vector<ProviderAccess> providers;
  bool operator==(const CheckServers&) const = default;
};
struct ProbeServers {
  ProviderAccess access;
  std::string name;
  bool operator==(const ProbeServers&) const = default;
};
struct CreateKey {
  ProviderAccess access;
  std::string name;
  bool operator==(const CreateKey&) const = default;
};
struct FetchKey {
  ProviderAccess access;
  KeyId key;
  std::string host;
  std::string boot;
  Hash boot_key{};  // of the host's fact
  Bytes nonce;
  bool operator==(const FetchKey&) const = default;
};
using Work = std::variant<VerifyPassword, StorePassword, StoreAdministrator, MakeCertificate,
                          LookAtServers, CheckServers, ProbeServers, CreateKey, FetchKey>;

// --- came of it ----------------------------------------------------------------------------------

struct Verified {
  bool is_right = false;
  bool operator==(const Verified&) const = default;
};
struct Stored {
  std::string credential;
  bool operator==(const Stored&) const = default;
};
struct CertificateMade {
  std::string credential;
  std::string pem;
  Hash fingerprint{};
  bool operator==(const CertificateMade&) const = default;
};
struct SeenServer {
  std::string server;
  std::string pem;  // empty: it did not answer, see `detail`
  Hash fingerprint{};
  std::string detail;
  bool operator==(const SeenServer&) const = default;
};
struct ServersSeen {
  std::string client_pem;
  std::vector<SeenServer> servers;
  bool operator==(const ServersSeen&) const = default;
};
struct CheckedServer {
  std::string provider;
  std::string server;
  bool is_green = false;
  std::string detail;
  bool operator==(const CheckedServer&) const = default;
};
struct ServersChecked {
  std::vector<CheckedServer> servers;
  bool operator==(const ServersChecked&) const = default;
};
struct ServersProbed {
  std::string vendor;
  std::string key;
  bool operator==(const ServersProbed&) const = default;
};
struct KeyCreated {
  std::string id;
  std::string server;
  bool operator==(const KeyCreated&) const = default;
};
struct KeySealed {
  Bytes encapsulation;
  Bytes ciphertext;
  std::string server;
  bool operator==(const KeySealed&) const = default;
};
struct WorkFailed {
  std::string detail;
  std::string server;  // the one that failed, if it was one
  bool operator==(const WorkFailed&) const = default;
};
using Outcome = std::variant<Verified, Stored, CertificateMade, ServersSeen, ServersChecked,
                             ServersProbed, KeyCreated, KeySealed, WorkFailed>;

struct WorkDone {
  WorkId id = 0;
  Outcome outcome;
  // Servers of the provider that were tried: with a detail, those that did not answer.
  std::map<std::string, std::string> tried;
};

}  // namespace keytrail::vcenter
