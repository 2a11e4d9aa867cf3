#include "cli/up/bring_up.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <iterator>

#include "bus/secret/file.h"
#include "cli/json_fields.h"
#include "cli/pem_input.h"
#include "cli/vcenter_session.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr TimeNs kPartWithinNs = 60'000'000'000;  // scrypt and a first keyring included
constexpr std::streamoff kLastWordsBytes = 4096;
constexpr std::string_view kServing = "serving";  // of a key server
constexpr std::string_view kRetired = "retired";

Result<json::object> status_of(const Endpoints& x, const std::string& endpoint,
                               const std::string& server_key, int wait_ms) {
  const std::string answer = TRY(operator_call(x, endpoint, server_key, "status", "{}", wait_ms));
  return parse_object(answer, "the answer");
}

Result<json::object> status_of(const Endpoints& x, const KmsEndpoint& replica, int wait_ms) {
  return status_of(x, replica.command, replica.server_key, wait_ms);
}

// It does all that it will do without an operator's word.
bool is_settled(std::string_view key_server) {
  return key_server == kServing || key_server == kRetired;
}

Readiness from_state(const Result<json::object>& status, std::string_view key,
                     std::string_view wanted) {
  if (!status.ok()) return {false, status.error().detail};
  const std::string state = text_at(*status, key);
  return {state == wanted, state};
}

Result<HostBoots> boots_of(const Endpoints& x, int wait_ms) {
  const json::object status = TRY(status_of(x, x.vcenter.command, x.vcenter.server_key, wait_ms));
  HostBoots boots;
  const json::object& hosts = object_at(status, "boots");
  for (const auto& [host, boot] : hosts) boots[std::string(host)] = text_at(hosts, host);
  return boots;
}

// What a part said last: the last line of its log, without time and level.
std::string last_sentence(const std::string& log) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  const std::streamoff bytes = file.tellg();
  file.seekg(std::max<std::streamoff>(0, bytes - kLastWordsBytes));
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  const std::size_t level = text.rfind("[error] ");
  if (level != std::string::npos) text.erase(0, level + std::string_view("[error] ").size());
  constexpr std::string_view kProgram = "keytrail: ";  // It ended before it had a log.
  if (text.starts_with(kProgram)) text.erase(0, kProgram.size());
  return text.empty() ? "it did not say why" : text;
}

// The steps of bring_up, with what they share.
class BringUp {
 public:
  BringUp(Endpoints& endpoints, Supervisor& supervisor, Meanwhile& meanwhile)
      : x_(endpoints), supervisor_(supervisor), meanwhile_(meanwhile) {}

  Result<void> run() {
    TRY(start_and_wait("eventstore"));
    const json::object store =
        TRY(status_of(x_, x_.log.command, x_.log.server_key, kPersonWaitsMs));
    x_.log.id = text_at(store, "log");
    x_.log.checkpoint_key = text_at(store, "checkpoint_key");
    TRY(start_replicas());
    TRY(enrol_kmip_client());
    TRY(start_and_wait(x_.vcenter.name));
    const HostBoots before = boots_before(x_, kPersonWaitsMs);
    for (const HostEndpoint& host : x_.hosts) TRY(supervisor_.start(host.name));
    for (const HostEndpoint& host : x_.hosts) TRY(wait_until_ready(host.name, before));
    return {};
  }

 private:
  Result<void> start_and_wait(const std::string& part) {
    TRY(supervisor_.start(part));
    return wait_until_ready(part, {});
  }

  Result<void> wait_until_ready(const std::string& part, const HostBoots& before) {
    return wait_until(part, [&] { return ask_now(x_, part, kLoopWaitsMs, before).ready; });
  }

  // One that will not start must not take the others with it: they are asked to mend it.
  Result<void> start_replicas() {
    std::size_t failed = 0;
    for (const KmsEndpoint& replica : x_.kms) {
      const Result<void> started = start_replica(replica);
      if (started.ok()) continue;
      if (meanwhile_.is_stopping() || ++failed == x_.kms.size()) return started;
      meanwhile_.tell(started.error().detail + "; it stays down until `keytrail part start " +
                      replica.name + "`");
      TRY(supervisor_.stop(replica.name));
    }
    return {};
  }

  // A replica that an operator retired stays so, and nothing waits for it.
  Result<void> start_replica(const KmsEndpoint& replica) {
    TRY(supervisor_.start(replica.name));
    json::object status;
    TRY(wait_until(replica.name, [&] {
      Result<json::object> told = status_of(x_, replica, kLoopWaitsMs);
      if (!told.ok()) return false;
      status = std::move(told).value();
      if (text_at(status, "state") == "waiting for admission")
        (void)admit(replica, text_at(status, "certificate_fingerprint"));
      return is_settled(text_at(status, "state"));
    }));
    if (text_at(status, "state") != kServing) return {};
    OsFileSystem files;
    TRY(replace_file(files, replica.certificate, as_bytes(text_at(status, "certificate"))));
    return replace_file(files, x_.kmip_client.ca, as_bytes(text_at(status, "ca_certificate")));
  }

  Result<void> admit(const KmsEndpoint& replica, const std::string& fingerprint) {
    TRY(ask_key_server("admit", {{"replica", replica.name}, {"fingerprint", fingerprint}}));
    return {};
  }

  Result<KeyServerAnswer> ask_key_server(const std::string& command,
                                         const json::object& arguments) {
    return key_server_call(x_, command, json::serialize(arguments), {.timeout_ms = kPersonWaitsMs});
  }

  Result<void> enrol_kmip_client() {
    const std::string pem = TRY(read_pem(x_.kmip_client.certificate));
    const Result<KeyServerAnswer> enrolled =
        ask_key_server("client.add", {{"client", "kmip_client"}, {"certificate", pem}});
    // At a second start it is enrolled already.
    if (!enrolled.ok() && enrolled.error().code == ErrorCode::kUnavailable) return enrolled.error();
    return {};
  }

  Result<void> wait_until(const std::string& part, const std::function<bool()>& condition) {
    const SystemClock clock;
    const TimeNs deadline = clock.monotonic() + kPartWithinNs;
    while (!condition()) {
      meanwhile_.turn();
      if (meanwhile_.is_stopping())
        return Error{ErrorCode::kRefused, "stopped before the installation was up"};
      TRY(refused_to_start(part));
      if (clock.monotonic() > deadline) {
        return Error{ErrorCode::kUnavailable,
                     part + " did not come up (" + ask_now(x_, part, kPersonWaitsMs).state +
                         "); its log is " + x_.data + "/log/" + part + ".log"};
      }
    }
    return {};
  }

  // A part that ended by itself, saying why, would say the same at each start.
  Result<void> refused_to_start(const std::string& part) {
    for (const PartStatus& status : supervisor_.status()) {
      // 1: it failed; 2: its configuration is not one.
      const bool says_why =
          status.last_end == "exited with 1" || status.last_end == "exited with 2";
      if (status.name != part || !says_why) continue;
      const std::string log = x_.data + "/log/" + part + ".log";
      return Error{ErrorCode::kRefused,
                   part + " does not start: " + last_sentence(log) + " (its log is " + log + ")"};
    }
    return {};
  }

  Endpoints& x_;
  Supervisor& supervisor_;
  Meanwhile& meanwhile_;
};

}  // namespace

Result<void> bring_up(Endpoints& endpoints, Supervisor& supervisor, Meanwhile& meanwhile) {
  return BringUp(endpoints, supervisor, meanwhile).run();
}

bool is_host(const Endpoints& endpoints, const std::string& part) {
  return std::any_of(endpoints.hosts.begin(), endpoints.hosts.end(),
                     [&](const HostEndpoint& host) { return host.name == part; });
}

HostBoots boots_before(const Endpoints& endpoints, int wait_ms) {
  Result<HostBoots> boots = boots_of(endpoints, wait_ms);
  return boots.ok() ? std::move(boots).value() : HostBoots();
}

Readiness ask_now(const Endpoints& x, const std::string& part, int wait_ms,
                  const HostBoots& before) {
  if (part == "eventstore") {
    const auto status = status_of(x, x.log.command, x.log.server_key, wait_ms);
    return status.ok() ? Readiness{true, "live"} : Readiness{false, status.error().detail};
  }
  if (part == x.vcenter.name) {
    return from_state(status_of(x, x.vcenter.command, x.vcenter.server_key, wait_ms), "log",
                      "live");
  }
  for (const KmsEndpoint& replica : x.kms) {
    if (replica.name != part) continue;
    Readiness readiness = from_state(status_of(x, replica, wait_ms), "state", kServing);
    readiness.ready = is_settled(readiness.state);
    return readiness;
  }
  const Result<HostBoots> boots = boots_of(x, wait_ms);
  if (!boots.ok()) return {false, "vCenter does not answer, so nobody knows"};
  const auto now = boots->find(part);
  const auto then = before.find(part);
  const bool is_old = now != boots->end() && then != before.end() && now->second == then->second;
  if (now == boots->end() || now->second.empty() || is_old) return {false, "not started yet"};
  return {true, "started, boot " + now->second};
}

}  // namespace keytrail::cli
