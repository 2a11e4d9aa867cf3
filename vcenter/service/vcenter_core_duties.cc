// The half of VCenterCore that acts: duties, work and its outcomes, keys for hosts.
#include <algorithm>

#include "bus/events/match.h"
#include "vcenter/service/answers.h"
#include "vcenter/service/vcenter_core.h"

namespace keytrail::vcenter {
namespace {

constexpr TimeNs kTellAgain = TimeNs{60} * 1'000'000'000;

// What of the servers' certificates the user accepted.
TrustServers trust_in(const AddProviderRequest& adding, const ServersSeen& seen) {
  TrustServers trust{adding.provider, {}, {}};
  for (const SeenServer& server : seen.servers) {
    const std::string& name = server.server;
    if (server.pem.empty()) {
      trust.faults[name] = {Refusal::kKeyRefused, "does not answer: " + quoted(server.detail)};
    } else if (std::ranges::find(adding.accepted, server.fingerprint) == adding.accepted.end()) {
      trust.faults[name] = {Refusal::kWrongState, "shows a certificate that was not accepted: " +
                                                      to_hex(server.fingerprint)};
    } else {
      trust.certificates[name] = server.fingerprint;
    }
  }
  return trust;
}

}  // namespace

Caller VCenterCore::own_caller() const {
  return Caller{.action = options_.own_action, .user = "vcenter/" + options_.vcenter};
}

// A key on its way belongs to the action that needs it, if one does.
Caller VCenterCore::caller_for_key(const KeyId& key) const {
  for (const auto& [id, action] : state_.actions) {
    if (action.key == key || action.old_key == key || action.host_need.key == key) {
      return caller_of(action);
    }
  }
  return own_caller();
}

std::optional<ProviderAccess> VCenterCore::access_to(const std::string& provider) const {
  const auto found = state_.providers.find(provider);
  if (found == state_.providers.end()) return std::nullopt;
  return ProviderAccess{provider, found->second.servers, found->second.trusted,
                        found->second.credential};
}

// --- duties --------------------------------------------------------------------------------------

void VCenterCore::owe() {
  if (!has_epoch_ || health_ != LogHealth::kLive) return;
  register_hosts();
  for (const Duty& duty : next(state_, log_time_)) {
    if (under_way_.contains(duty) || given_up_.contains(duty)) continue;
    if (deeds_.size() >= kDeedsMax) return;
    under_way_.emplace(duty, std::nullopt);
    start(duty);
  }
}

void VCenterCore::start(const Duty& duty) {
  Deed deed{.duty = duty};
  const DeedId id = next_id_++;
  const auto carry_on = [&](const ActionId& action, Command command) {
    deed.caller = caller_of(state_.actions.at(action));
    deed.command = std::move(command);
    submit(id, std::move(deed));
  };
  match(
      duty, [&](const Advance& d) { carry_on(d.action, d); },
      [&](const Expire& d) { carry_on(d.action, d); },
      [&](const MakeKey& d) {
        deed.caller = caller_of(state_.actions.at(d.action));
        const auto access = access_to(d.provider);
        if (!access.has_value()) {
          deed.command = FailKey{d.purpose, "the provider " + d.provider + " was removed"};
          return submit(id, std::move(deed));
        }
        perform(id, std::move(deed), CreateKey{*access, d.name});
      },
      [&](const ProbeProvider& d) {
        const Provider& provider = state_.providers.at(d.provider);
        deed.caller = {d.action, provider.probe_user, provider.probe_origin, 0};
        perform(id, std::move(deed), ProbeServers{*access_to(d.provider), d.name});
      },
      [&](const MakeAdministrator&) {
        deed.caller = own_caller();
        perform(id, std::move(deed), StoreAdministrator{});
      });
}

void VCenterCore::duty_failed(Deed deed, const Error& error) {
  const Duty duty = *deed.duty;
  const auto* const make = std::get_if<MakeKey>(&duty);
  if (error.code == ErrorCode::kInvalid && make != nullptr &&
      !std::holds_alternative<FailKey>(deed.command)) {
    // Whatever the key server gave, the action ends, and with it its hold on the VM.
    deed.command = FailKey{make->purpose, error.detail};
    return submit(next_id_++, std::move(deed));
  }
  under_way_.erase(duty);
  if (error.code != ErrorCode::kInvalid) {
    given_up_.erase(duty);  // That it failed was not said.
    return;
  }
  given_up_.insert(duty);
  finish_refused(deed.caller.action, "unavailable", error.detail);
}

void VCenterCore::register_hosts() {
  if (is_unfounded(state_)) return;
  for (const RegisterHost& host : options_.hosts) {
    if (!registering_.insert(host.host).second) continue;
    submit(next_id_++, Deed{.caller = own_caller(), .command = host});
  }
}

// --- work ----------------------------------------------------------------------------------------

void VCenterCore::perform(DeedId id, Deed deed, Work work) {
  outputs_.work.emplace_back(id, std::move(work));
  deeds_.insert_or_assign(id, std::move(deed));
}

void VCenterCore::on_work(WorkDone done) {
  auto found = deeds_.extract(done.id);
  if (found.empty()) return;
  Deed deed = std::move(found.mapped());
  if (deed.fetch.has_value()) note_reachability(deed.fetch->access.provider, done.tried);
  if (const auto* make = deed.duty.has_value() ? std::get_if<MakeKey>(&*deed.duty) : nullptr) {
    note_reachability(make->provider, done.tried);
  }
  if (const auto* failed = std::get_if<WorkFailed>(&done.outcome)) {
    return work_failed(done.id, std::move(deed), *failed);
  }
  worked(done.id, std::move(deed), std::move(done.outcome));
}

void VCenterCore::worked(DeedId id, Deed deed, Outcome outcome) {
  const auto go_on = [&](Command command) {
    deed.command = std::move(command);
    submit(id, std::move(deed));
  };
  match(
      std::move(outcome),
      [&](const Verified& done) {
        const std::string& address = deed.caller.origin.address;
        // Guesses that were under way together count one after the other.
        const bool locked = sessions_.is_locked_out(deed.caller.user, address, now_);
        if (!done.is_right) sessions_.failed(deed.caller.user, address, now_);
        const bool is_in = done.is_right && !locked;
        go_on(RecordLogin{is_in ? "" : "unknown user or wrong password"});
      },
      [&](const Stored& done) {
        if (deed.duty.has_value()) return go_on(Found{done.credential});
        go_on(AddUser{std::get<AddUser>(deed.command).user, done.credential});
      },
      [&](const CertificateMade& done) {
        auto command = std::get<AddProvider>(deed.command);
        command.credential = done.credential;
        command.client_certificate = done.fingerprint;
        command.certificate = to_bytes(as_bytes(done.pem));
        go_on(std::move(command));
      },
      [&](const ServersSeen& done) { servers_seen(id, std::move(deed), done); },
      [&](const ServersChecked& done) { answer(deed.token, checked_result(state_, done)); },
      [&](const ServersProbed& done) {
        const auto& duty = std::get<ProbeProvider>(*deed.duty);
        go_on(ConcludeProbe{duty.provider, done.vendor, done.key});
      },
      [&](const KeyCreated& done) {
        const auto& duty = std::get<MakeKey>(*deed.duty);
        go_on(ConcludeKey{duty.purpose, KeyId{duty.provider, done.id}, done.server});
      },
      [&](KeySealed done) {
        const FetchKey& fetched = *deed.fetch;
        RecordPush push{fetched.host, fetched.boot, fetched.key, done.server};
        deed.sealed = std::move(done);
        go_on(std::move(push));
      },
      [](const WorkFailed&) {});
}

void VCenterCore::work_failed(DeedId id, Deed deed, const WorkFailed& failed) {
  if (deed.fetch.has_value()) {
    const FetchKey fetched = *deed.fetch;
    fetching_.erase({fetched.host, fetched.key});
    return unavailable(fetched.host, fetched.nonce, fetched.key, failed.detail);
  }
  if (deed.duty.has_value()) {
    const Duty duty = *deed.duty;
    if (const auto* make = std::get_if<MakeKey>(&duty)) {
      deed.command = FailKey{make->purpose, failed.detail};
      return submit(id, std::move(deed));
    }
    if (const auto* probe = std::get_if<ProbeProvider>(&duty)) {
      // Said once; `provider add` asks again, and so does a new process.
      given_up_.insert(duty);
      deed.command = FailProbe{probe->provider, failed.server, failed.detail};
      return submit(id, std::move(deed));
    }
    outputs_.stop = "the administrator could not be made: " + failed.detail;
    return;
  }
  waiting_.erase(deed.caller.action);
  refuse(deed.token, "unavailable", failed.detail);
}

void VCenterCore::note_reachability(const std::string& provider,
                                    const std::map<std::string, std::string>& tried) {
  for (const auto& [server, detail] : tried) {
    const std::pair<std::string, std::string> which{provider, server};
    const bool changed =
        detail.empty() ? unreachable_.erase(which) > 0 : unreachable_.insert(which).second;
    if (!changed) continue;
    submit(next_id_++, Deed{.caller = own_caller(),
                            .command = NoteUnreachable{
                                provider, server, detail.empty() ? "it answers again" : detail}});
  }
}

// --- adding a provider ---------------------------------------------------------------------------

void VCenterCore::look_at_servers(Deed deed) {
  const auto& added = std::get<AddProvider>(deed.command);
  ProviderAccess access{added.provider, added.servers, {}, added.credential};
  // It may stand already; its fact may also not be followed yet.
  if (const auto known = access_to(added.provider)) access = *known;
  perform(next_id_++, std::move(deed), LookAtServers{std::move(access)});
}

void VCenterCore::servers_seen(DeedId id, Deed deed, const ServersSeen& seen) {
  const AddProviderRequest& adding = *deed.adding;
  if (!adding.accepts) {
    auto fingerprint = std::get<AddProvider>(deed.command).client_certificate;
    const auto known = state_.providers.find(adding.provider);
    if (known != state_.providers.end()) fingerprint = known->second.client_certificate;
    return finish(deed.caller.action,
                  seen_result(adding.provider, seen, adding.servers, fingerprint));
  }
  deed.command = trust_in(adding, seen);
  submit(id, std::move(deed));
}

// --- keys for hosts ------------------------------------------------------------------------------

void VCenterCore::on_want(const std::string& host, const std::string& boot, const Bytes& nonce,
                          const std::vector<KeyId>& keys) {
  if (health_ != LogHealth::kLive) return;  // It asks again.
  Want want{host, boot, nonce, {}};
  const auto known = state_.hosts.find(host);
  const bool is_current = known != state_.hosts.end() && known->second.boot == boot;
  for (const KeyId& key : keys) {
    if (is_current && may_have(state_, host, key)) {
      fetch(want, key);
    } else {
      want.keys.push_back(key);
    }
  }
  // A host may know more of the log than we do: before we say no, we follow to the head.
  if (want.keys.empty() || deeds_.size() >= kDeedsMax) return;
  const DeedId id = next_id_++;
  deeds_.emplace(id, Deed{.caller = own_caller(), .want = std::move(want)});
  outputs_.ask_head.push_back(id);
}

void VCenterCore::fetch(const Want& want, const KeyId& key) {
  if (fetching_.size() >= kFetchesMax || !fetching_.insert({want.host, key}).second) return;
  const auto access = access_to(key.provider);
  if (!access.has_value()) {
    fetching_.erase({want.host, key});
    return unavailable(want.host, want.nonce, key, "the provider " + key.provider + " was removed");
  }
  FetchKey work{*access,   key, want.host, want.boot, state_.hosts.at(want.host).boot_key,
                want.nonce};
  Deed deed{.caller = caller_for_key(key), .fetch = work};
  perform(next_id_++, std::move(deed), std::move(work));
}

void VCenterCore::unavailable(const std::string& host, const Bytes& nonce, const KeyId& key,
                              std::string detail) {
  // A host asks on and on: that the key cannot be had is recorded once a minute.
  TimeNs& told = told_unavailable_[{host, key}];
  const bool is_news = state_.keys.contains(key) && (told == 0 || now_ > told + kTellAgain);
  if (!is_news) {
    if (!state_.keys.contains(key)) told_unavailable_.erase({host, key});
    outputs_.host_answers.push_back(
        {.host = host, .nonce = nonce, .key = key, .detail = std::move(detail)});
    return;
  }
  told = std::max<TimeNs>(now_, 1);
  FetchKey about{.key = key, .host = host, .nonce = nonce};
  submit(next_id_++, Deed{.caller = caller_for_key(key),
                          .command = RecordUnavailable{host, key, std::move(detail)},
                          .fetch = std::move(about)});
}

}  // namespace keytrail::vcenter
