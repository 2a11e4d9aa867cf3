#include "cli/up/bring_up.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "bus/secret/file.h"
#include "cli/json_fields.h"
#include "cli/vcenter_session.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr TimeNs kPartWithinNs = 60'000'000'000;  // scrypt and a first keyring included
constexpr int kAskTimeoutMs = 5000;  // A busy machine's part is slow, not gone.
constexpr std::streamoff kLastWordsBytes = 4096;
constexpr std::string_view kServing = "serving";  // of a key server
constexpr std::string_view kRetired = "retired";

Result<json::object> ask_part(const Endpoints& x, const std::string& endpoint,
                              const std::string& server_key, const std::string& command,
                              const json::object& arguments) {
  const std::string answer = TRY(
      operator_call(x, endpoint, server_key, command, json::serialize(arguments), kAskTimeoutMs));
  return parse_object(answer, "the answer");
}

Result<json::object> status_of(const Endpoints& x, const KmsEndpoint& replica) {
  return ask_part(x, replica.command, replica.server_key, "status", {});
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

// The boots that vCenter knows, by host.
Result<std::map<std::string, std::string>> boots_of(const Endpoints& x) {
  const json::object status =
      TRY(ask_part(x, x.vcenter.command, x.vcenter.server_key, "status", {}));
  std::map<std::string, std::string> boots;
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
  return text.empty() ? "it did not say why" : text;
}

// The steps of bring_up, with what they share.
class BringUp {
 public:
  BringUp(Endpoints& endpoints, Supervisor& supervisor, const std::function<void()>& turn,
          const std::function<bool()>& is_stopping)
      : x_(endpoints), supervisor_(supervisor), turn_(turn), is_stopping_(is_stopping) {}

  Result<void> run() {
    TRY(start_and_wait("eventstore"));
    const json::object store = TRY(ask_part(x_, x_.log.command, x_.log.server_key, "status", {}));
    x_.log.id = text_at(store, "log");
    x_.log.checkpoint_key = text_at(store, "checkpoint_key");
    for (const KmsEndpoint& replica : x_.kms) TRY(start_replica(replica));
    TRY(enrol_kmip_client());
    TRY(start_and_wait(x_.vcenter.name));
    const ReadinessProbe probe(x_);
    for (const HostEndpoint& host : x_.hosts) TRY(supervisor_.start(host.name));
    for (const HostEndpoint& host : x_.hosts) {
      TRY(wait_until(host.name, [&] { return probe.ask(host.name).ready; }));
    }
    return {};
  }

 private:
  Result<void> start_and_wait(const std::string& part) {
    TRY(supervisor_.start(part));
    return wait_until(part, [&] { return ReadinessProbe(x_).ask_now(part).ready; });
  }

  // A replica that an operator retired stays so, and nothing waits for it.
  Result<void> start_replica(const KmsEndpoint& replica) {
    TRY(supervisor_.start(replica.name));
    json::object status;
    TRY(wait_until(replica.name, [&] {
      Result<json::object> told = status_of(x_, replica);
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

  // The first that serves.
  Result<json::object> ask_key_server(const std::string& command, const json::object& arguments) {
    Result<json::object> answer = Error{ErrorCode::kUnavailable, "no key server was asked"};
    for (const KmsEndpoint& replica : x_.kms) {
      answer = ask_part(x_, replica.command, replica.server_key, command, arguments);
      if (answer.ok() || answer.error().code != ErrorCode::kUnavailable) break;
    }
    return answer;
  }

  Result<void> enrol_kmip_client() {
    OsFileSystem files;
    const Bytes pem = TRY(read_file(files, x_.kmip_client.certificate, 64 * 1024));
    const Result<json::object> enrolled =
        ask_key_server("client.add", {{"client", "kmip_client"}, {"certificate", as_text(pem)}});
    // At a second start it is enrolled already.
    if (!enrolled.ok() && enrolled.error().code == ErrorCode::kUnavailable) return enrolled.error();
    return {};
  }

  Result<void> wait_until(const std::string& part, const std::function<bool()>& condition) {
    const SystemClock clock;
    const TimeNs deadline = clock.monotonic() + kPartWithinNs;
    while (!condition()) {
      turn_();
      if (is_stopping_())
        return Error{ErrorCode::kRefused, "stopped before the installation was up"};
      TRY(refused_to_start(part));
      if (clock.monotonic() > deadline) {
        return Error{ErrorCode::kUnavailable,
                     part + " did not come up (" + ReadinessProbe(x_).ask_now(part).state +
                         "); its log is " + x_.data + "/log/" + part + ".log"};
      }
    }
    return {};
  }

  // A part that ended by itself, saying why, would say the same at each start.
  Result<void> refused_to_start(const std::string& part) {
    for (const PartStatus& status : supervisor_.status()) {
      if (status.name != part || status.last_end != "exited with 1") continue;
      const std::string log = x_.data + "/log/" + part + ".log";
      return Error{ErrorCode::kRefused,
                   part + " does not start: " + last_sentence(log) + " (its log is " + log + ")"};
    }
    return {};
  }

  Endpoints& x_;
  Supervisor& supervisor_;
  const std::function<void()>& turn_;
  const std::function<bool()>& is_stopping_;
};

}  // namespace

Result<void> bring_up(Endpoints& endpoints, Supervisor& supervisor,
                      const std::function<void()>& turn, const std::function<bool()>& is_stopping) {
  return BringUp(endpoints, supervisor, turn, is_stopping).run();
}

ReadinessProbe::ReadinessProbe(const Endpoints& endpoints) : endpoints_(endpoints) {
  if (auto boots = boots_of(endpoints); boots.ok()) boots_ = std::move(boots).value();
}

Readiness ReadinessProbe::ask(const std::string& part) const {
  for (const HostEndpoint& host : endpoints_.hosts) {
    if (host.name != part) continue;
    const auto before = boots_.find(part);
    return ask_host(part, before == boots_.end() ? "" : before->second);
  }
  return ask_now(part);
}

Readiness ReadinessProbe::ask_now(const std::string& part) const {
  const Endpoints& x = endpoints_;
  if (part == "eventstore") {
    const auto status = ask_part(x, x.log.command, x.log.server_key, "status", {});
    return status.ok() ? Readiness{true, "live"} : Readiness{false, status.error().detail};
  }
  if (part == x.vcenter.name) {
    return from_state(ask_part(x, x.vcenter.command, x.vcenter.server_key, "status", {}), "log",
                      "live");
  }
  for (const KmsEndpoint& replica : x.kms) {
    if (replica.name != part) continue;
    Readiness readiness = from_state(status_of(x, replica), "state", kServing);
    readiness.ready = is_settled(readiness.state);
    return readiness;
  }
  return ask_host(part, "");
}

Readiness ReadinessProbe::ask_host(const std::string& host, const std::string& but_not_boot) const {
  const auto boots = boots_of(endpoints_);
  if (!boots.ok()) return {false, "vCenter does not answer, so nobody knows"};
  const auto boot = boots->find(host);
  if (boot == boots->end() || boot->second.empty() || boot->second == but_not_boot) {
    return {false, "not started yet"};
  }
  return {true, "started, boot " + boot->second};
}

}  // namespace keytrail::cli
