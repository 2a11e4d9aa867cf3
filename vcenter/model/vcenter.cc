#include "vcenter/model/vcenter.h"

#include "bus/events/match.h"
#include "vcenter/model/host_facts.h"

namespace keytrail::vcenter {
namespace {

constexpr std::string_view kHostAuthor = "esxi/";

void evolve_own(State& state, const About& about, const vcenter::Event& event) {
  // Notes change nothing; each is named, so that a new event does not pass unseen.
  match(
      event, [](const LoggedIn&) {}, [](const LoginRefused&) {}, [](const PrivilegeChecked&) {},
      [](const CommandRefused&) {}, [](const ProviderProbeFailed&) {},
      [](const ServerUnreachable&) {}, [](const KeyPushed&) {}, [](const KeyUnavailable&) {},
      [](const OrderExpired&) {},  // The action's refusal follows in the same unit.
      [&](const auto& e) { evolve(state, about, e); });
}

// "part/scope/kind/id" -> "kind".
std::string_view kind_of(std::string_view stream) {
  for (int pieces = 0; pieces < 2; ++pieces) stream.remove_prefix(stream.find('/') + 1);
  return stream.substr(0, stream.find('/'));
}

// A stream's version is kept if decisions read it; of an action's own streams only while it is
// open. What a host says about its disks is the outcome of an action, which ends but once.
void keep_version(State& state, const Fact& fact) {
  const std::string& stream = fact.body.stream;
  const std::string_view kind = kind_of(stream);
  if (kind == "action" && !state.actions.contains(fact.body.action)) return;
  if (kind == "disk") return;
  state.versions[stream] = fact.stamp.version;
}

void touch_action(State& state, const Fact& fact) {
  const auto found = state.actions.find(fact.body.action);
  if (found == state.actions.end()) return;
  found->second.last = fact.stamp.position;
  found->second.since = fact.stamp.time;
}

}  // namespace

Decision decide(const State& state, const Caller& caller, const Command& command) {
  return match(command, [&](const auto& c) { return decide(state, caller, c); });
}

void evolve(State& state, const Fact& fact) {
  const About about{fact.stamp, fact.body};
  const std::string& author = fact.stamp.author;
  if (author == "vcenter/" + state.vcenter) {
    if (const auto* own = std::get_if<vcenter::Event>(&fact.body.event)) {
      evolve_own(state, about, *own);
    } else if (const auto* part = std::get_if<part::Event>(&fact.body.event)) {
      if (const auto* started = std::get_if<part::PartStarted>(part)) state.epoch = started->epoch;
    }
  } else if (author.starts_with(kHostAuthor)) {
    const auto* event = std::get_if<esxi::Event>(&fact.body.event);
    if (event == nullptr) return;
    evolve(state, about, author.substr(kHostAuthor.size()), *event);
  } else {
    return;
  }
  keep_version(state, fact);
  touch_action(state, fact);
  if (fact.body.stream == rights_stream(state) && effect_of(fact.body.event) == Effect::kChange) {
    state.rights.position = fact.stamp.position;
  }
}

std::vector<Duty> next(const State& state, TimeNs now) {
  std::vector<Duty> duties;
  if (is_unfounded(state)) duties.emplace_back(MakeAdministrator{});
  for (const auto& [name, provider] : state.providers) {
    if (provider.probe_name.empty()) continue;
    duties.emplace_back(ProbeProvider{name, provider.probe_action, provider.probe_name});
  }
  for (const auto& [id, action] : state.actions) {
    const auto duty = next(state, action, now);
    if (!duty.has_value()) continue;
    match(*duty, [&](const auto& d) { duties.emplace_back(d); });
  }
  return duties;
}

std::optional<Ending> ending_of(const vcenter::Event& event) {
  const auto completed = std::optional(Ending{.succeeded = true});
  return match(
      event, [&](const VmCreated&) { return completed; },
      [&](const EncryptionCompleted&) { return completed; },
      [&](const DecryptionCompleted&) { return completed; },
      [&](const RecryptCompleted&) { return completed; },
      [&](const PowerCompleted&) { return completed; },
      [&](const UnlockCompleted&) { return completed; },
      [](const auto& e) -> std::optional<Ending> {
        // Whatever has a Refusal as its reason is the end of what was asked.
        if constexpr (requires { Ending{false, e.reason, e.detail}; }) {
          return Ending{false, e.reason, e.detail};
        }
        return std::nullopt;
      });
}

}  // namespace keytrail::vcenter
