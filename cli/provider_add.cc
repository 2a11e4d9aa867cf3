// `provider add`: show the servers' certificates, have them accepted, enrol vCenter, probe
// (vcenter/README.md).
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>

#include "bus/secret/sha256.h"
#include "cli/answer.h"
#include "cli/interrupt_notice.h"
#include "cli/json_fields.h"
#include "cli/pem_input.h"
#include "cli/progress.h"
#include "cli/vcenter_commands.h"
#include "cli/vcenter_session.h"
#include "kms/kmip/certificate.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

struct SeenServer {
  std::string name, endpoint, fingerprint, detail;
};
struct Look {
  std::string client_certificate;
  std::vector<SeenServer> servers;
};

Result<Look> parse_look(const std::string& answer) {
  const json::object result = TRY(parse_object(answer, "vCenter's answer"));
  Look look{.client_certificate = text_at(result, "client_certificate"), .servers = {}};
  for (const json::object* server : objects_at(result, "servers")) {
    look.servers.push_back(
        {text_at(*server, "server"),
         text_at(*server, "address") + ":" + std::to_string(number_at(*server, "port")),
         text_at(*server, "fingerprint"), text_at(*server, "detail")});
  }
  return look;
}

// The replica of this installation whose certificate it is; empty: a stranger.
std::string own_replica(const Endpoints& endpoints, const std::string& fingerprint) {
  for (const KmsEndpoint& replica : endpoints.kms) {
    const Result<std::string> pem = read_pem(replica.certificate);
    if (!pem.ok()) continue;
    const Result<Hash> found = kmip::certificate_fingerprint(*pem);
    if (found.ok() && to_hex(*found) == fingerprint) return replica.name;
  }
  return "";
}

// A server that was given no name has its address for one.
std::string title_of(const SeenServer& server) {
  return server.endpoint.starts_with(server.name) ? server.endpoint
                                                  : server.name + " at " + server.endpoint;
}

bool says_yes() {
  if (isatty(STDIN_FILENO) == 0) return false;
  std::fprintf(stderr, "Trust these servers? [yes/no] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes" || answer == "y";
}

// The fingerprints to pin: given, matching this installation's own replicas, or confirmed by the
// person.
Result<std::vector<std::string>> accepted(const Endpoints& endpoints, const Look& look,
                                          const ProviderAdd& wanted) {
  std::vector<std::string> pins = wanted.accept;
  bool all_known = true;
  for (const SeenServer& server : look.servers) {
    if (server.fingerprint.empty()) {
      return Error{ErrorCode::kUnavailable,
                   title_of(server) + " does not answer: " + server.detail};
    }
    const std::string replica = wanted.enrol ? own_replica(endpoints, server.fingerprint) : "";
    std::fprintf(stderr, "  %s shows certificate SHA-256 %s%s\n", title_of(server).c_str(),
                 server.fingerprint.c_str(),
                 replica.empty() ? "" : (", which is " + replica + "'s own").c_str());
    if (!replica.empty()) pins.push_back(server.fingerprint);
    if (std::find(pins.begin(), pins.end(), server.fingerprint) == pins.end()) all_known = false;
  }
  if (all_known) return pins;
  if (!says_yes()) {
    return Error{ErrorCode::kRefused,
                 "the servers' certificates were not accepted; compare the fingerprints above with "
                 "the key servers' "
                 "own, then add --accept SHA256 for each"};
  }
  pins.clear();
  for (const SeenServer& server : look.servers) pins.push_back(server.fingerprint);
  return pins;
}

Result<void> enrol(const Endpoints& endpoints, const std::string& certificate) {
  const json::object arguments{
      {"client", endpoints.vcenter.name}, {"group", "vcenter"}, {"certificate", certificate}};
  const KeyServerAnswer done =
      TRY(key_server_call(endpoints, "client.add", json::serialize(arguments)));
  std::fprintf(stderr, "  enrolled at %s as %s, group vcenter\n", done.replica.c_str(),
               endpoints.vcenter.name.c_str());
  return {};
}

Result<std::string> add(const Globals& globals, const ProviderAdd& wanted) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  const auto session = TRY(VcenterSession::open(globals));
  json::object arguments{{"provider", wanted.provider},
                         {"servers", json::array(wanted.servers.begin(), wanted.servers.end())}};
  const std::string seen = TRY(session->call("provider.add", json::serialize(arguments)));
  const Look look = TRY(parse_look(seen));
  const std::vector<std::string> pins = TRY(accepted(endpoints, look, wanted));
  if (wanted.enrol) {
    TRY(enrol(endpoints, look.client_certificate));
  } else {
    std::fprintf(stderr,
                 "Enrol this client certificate at the key server, if it does not know it yet:\n%s",
                 look.client_certificate.c_str());
  }
  arguments["accept"] = json::array(pins.begin(), pins.end());
  const InterruptNotice notice(goes_on_without_us("provider", wanted.provider));
  Progress progress;
  return session->call("provider.add", json::serialize(arguments), progress.on_progress());
}

}  // namespace

Exit run_provider_add(const Globals& globals, const ProviderAdd& wanted) {
  return show(globals, add(globals, wanted));
}

}  // namespace keytrail::cli
