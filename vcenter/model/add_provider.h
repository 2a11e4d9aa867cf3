// Add provider: a key provider, from its servers' addresses to the first key on them.
//
//   vcenter  a client key and certificate are made; the key lies in the secret file
//   vcenter  PrivilegeChecked, ProviderAdded
//            attachment: the certificate, to be enrolled at the key server
//            the user compares the servers' certificates and accepts them
//   vcenter  PrivilegeChecked, ServerTrusted …, KeyRequested{probe}
//            over KMIP a key is made on one server, read on all, destroyed
//   vcenter  ProviderProbed, and DefaultProviderSet if there was none
//            or ProviderProbeFailed: ask again
// The default is an attribute of the vCenter, so DefaultProviderSet stands on the inventory's
// stream.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "vcenter/model/draft.h"

namespace keytrail::vcenter {

inline constexpr std::size_t kServersMax = 16;

// Decided twice: without a credential it says whether it may be (no facts: yes, make the
// certificate). For a provider that stands already with the same servers it only states the check;
// with other servers it takes the place of one of which no server was trusted yet.
struct AddProvider {
  std::string provider;
  std::vector<KmipServer> servers;
  std::string credential;
  Hash client_certificate{};
  Bytes certificate;  // PEM, the attachment
  bool operator==(const AddProvider&) const = default;
};
// What the user accepted, after the servers were looked at again.
struct TrustServers {
  struct Fault {
    Refusal reason = Refusal::kInvalid;
    std::string detail;  // "does not answer: …"
    bool operator==(const Fault&) const = default;
  };
  std::string provider;
  std::map<std::string, Hash> certificates;  // server -> SHA-256
  std::map<std::string, Fault> faults;       // server -> why it is not to be trusted
  bool operator==(const TrustServers&) const = default;
};
struct ConcludeProbe {
  std::string provider;
  std::string vendor;
  std::string probe_key;
  bool operator==(const ConcludeProbe&) const = default;
};
struct FailProbe {
  std::string provider;
  std::string server;
  std::string detail;
  bool operator==(const FailProbe&) const = default;
};
struct SetDefaultProvider {
  std::string provider;
  bool operator==(const SetDefaultProvider&) const = default;
};
// Refused while a VM or host uses a key of it.
struct RemoveProvider {
  std::string provider;
  bool operator==(const RemoveProvider&) const = default;
};
// The next server in order serves meanwhile.
struct NoteUnreachable {
  std::string provider;
  std::string server;
  std::string detail;
  bool operator==(const NoteUnreachable&) const = default;
};
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const AddProvider& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const TrustServers& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const ConcludeProbe& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller, const FailProbe& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const SetDefaultProvider& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const RemoveProvider& command);
[[nodiscard]] Decision decide(const State& state, const Caller& caller,
                              const NoteUnreachable& command);

// Every server has a pinned certificate.
[[nodiscard]] bool is_trusted(const Provider& provider);
// KMIP Name of the key that this action asks for.
[[nodiscard]] std::string kmip_name(const State& state, const ActionId& action, KeyPurpose purpose);

void evolve(State& state, const About& about, const ProviderAdded& event);
void evolve(State& state, const About& about, const ServerTrusted& event);
void evolve(State& state, const About& about, const ProviderProbed& event);
void evolve(State& state, const About& about, const DefaultProviderSet& event);
void evolve(State& state, const About& about, const ProviderRemoved& event);

}  // namespace keytrail::vcenter
