#include "vcenter/service/vcenter_core.h"

#include <algorithm>

#include "bus/events/match.h"
#include "vcenter/model/privileges.h"
#include "vcenter/service/answers.h"

namespace keytrail::vcenter {
namespace {

constexpr const char* kLogAway =
    "the event log is away or still being read: nothing can be recorded, so nothing is done";

// Whether the action goes on after its first unit, until a fact ends it.
bool takes_time(const Command& command) {
  return match(
      command, [](const CreateVm&) { return true; }, [](const EncryptVm&) { return true; },
      [](const DecryptVm&) { return true; }, [](const RecryptVm&) { return true; },
      [](const PowerVm&) { return true; }, [](const UnlockVm&) { return true; },
      [](const PrepareHost&) { return true; }, [](const EnableHost&) { return true; },
      [](const RekeyHost&) { return true; }, [](const auto&) { return false; });
}

const vcenter::Event* own_event(const Body& body) {
  return std::get_if<vcenter::Event>(&body.event);
}

bool asks_for_probe(const Decision& decision) {
  return std::any_of(decision.facts.begin(), decision.facts.end(), [](const Body& body) {
    const auto* event = own_event(body);
    return event != nullptr && std::holds_alternative<KeyRequested>(*event);
  });
}

}  // namespace

VCenterCore::VCenterCore(Options options) : options_(std::move(options)) {
  state_.vcenter = options_.vcenter;
}

VCenterCore::Outputs VCenterCore::take_outputs() { return std::exchange(outputs_, {}); }

// --- the log -------------------------------------------------------------------------------------

void VCenterCore::on_fact(const Fact& fact) {
  const auto action = state_.actions.find(fact.body.action);
  const bool was_mode_action =
      action != state_.actions.end() && action->second.kind == ActionKind::kHostMode;
  tell_the_replaced(fact.body);
  evolve(state_, fact);
  if (starting_ == state_.epoch) fenced_in();
  log_time_ = std::max(log_time_, fact.stamp.time);
  const auto waiting = waiting_.find(fact.body.action);
  if (waiting == waiting_.end()) return;
  const Token token = waiting->second.token;
  if (conclude(fact.body, was_mode_action) || progress_text(fact.body).empty()) return;
  outputs_.answers.push_back({.token = token,
                              .kind = Answer::Kind::kProgress,
                              .json = progress_json(fact.body, fact.stamp.position)});
}

void VCenterCore::tell_the_replaced(const Body& body) {
  const auto* own = own_event(body);
  const auto* order = own == nullptr ? nullptr : std::get_if<HostModeOrdered>(own);
  if (order == nullptr) return;
  for (const ActionId& older : replaced_by(state_, body.action, *order)) {
    finish_refused(older, "refused",
                   "a newer order for the mode of " + order->host +
                       " replaced this one: " + to_string(body.action));
  }
}

void VCenterCore::on_followed(Position position) {
  followed_ = std::max(followed_, position);
  std::erase_if(under_way_, [&](const auto& entry) {
    return entry.second.has_value() && *entry.second <= followed_;
  });
  owe();
}

void VCenterCore::on_health(LogHealth health) {
  health_ = health;
  if (health_ != LogHealth::kLive || has_epoch_) return;
  has_epoch_ = true;
  outputs_.begin_epoch = state_.epoch;
  starting_ = state_.epoch + 1;
  owe();
}

void VCenterCore::fenced_in() {
  starting_.reset();
  std::set<std::string>& named = outputs_.named_credentials.emplace();
  for (const auto& [name, user] : state_.users) named.insert(user.credential);
  for (const auto& [name, provider] : state_.providers) named.insert(provider.credential);
}

void VCenterCore::on_accepted(DeedId id, Position first, std::uint32_t count) {
  auto found = deeds_.extract(id);
  if (found.empty()) return;
  Deed deed = std::move(found.mapped());
  if (deed.duty.has_value()) under_way_[*deed.duty] = first + count - 1;
  recorded(std::move(deed));
  on_followed(followed_);
}

void VCenterCore::on_decide_again(DeedId id) {
  auto found = deeds_.extract(id);
  if (found.empty()) return;
  Deed deed = std::move(found.mapped());
  deed.decision = decide(state_, deed.caller, deed.command);
  if (!deed.decision.facts.empty()) return submit(id, std::move(deed));
  outputs_.submit.emplace_back(id, Decision{});  // That transaction is over.
  nothing_to_say(next_id_++, std::move(deed));
}

void VCenterCore::on_failed(DeedId id, const Error& error) {
  auto found = deeds_.extract(id);
  if (found.empty()) return;
  Deed deed = std::move(found.mapped());
  if (deed.fetch.has_value()) fetching_.erase({deed.fetch->host, deed.fetch->key});
  if (deed.duty.has_value()) return duty_failed(std::move(deed), error);
  if (deed.token == 0) return;
  waiting_.erase(deed.caller.action);
  const bool busy = error.code == ErrorCode::kConflict;
  refuse(deed.token, busy ? "busy" : "unavailable", error.detail, busy ? "try again" : "");
}

void VCenterCore::on_head(DeedId id) {
  auto found = deeds_.extract(id);
  if (!found.empty()) answer_at_head(std::move(found.mapped()));
}

void VCenterCore::tick(TimeNs now, TimeNs log_time) {
  now_ = std::max(now_, now);
  log_time_ = std::max(log_time_, log_time);
  // An order to change a mode stands for as long as the host is away; whoever gave it need not.
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto action = state_.actions.find(it->first);
    const bool is_mode = action != state_.actions.end() &&
                         action->second.kind == ActionKind::kHostMode &&
                         action->second.phase == Phase::kOrdered;
    if (is_mode && now_ > it->second.since + kPatience) {
      refuse(it->second.token, "unavailable",
             action->second.host + " has not carried out the order yet",
             "the order stands: the host carries it out when it runs");
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
  owe();
}

// --- requests ------------------------------------------------------------------------------------

void VCenterCore::answer(Token token, std::string json) {
  if (token == 0) return;
  outputs_.answers.push_back(
      {.token = token, .kind = Answer::Kind::kResult, .json = std::move(json)});
}

void VCenterCore::refuse(Token token, std::string code, std::string message, std::string hint) {
  if (token == 0) return;
  outputs_.answers.push_back({.token = token,
                              .kind = Answer::Kind::kError,
                              .code = std::move(code),
                              .message = std::move(message),
                              .hint = std::move(hint)});
}

void VCenterCore::on_request(Request request) {
  if (std::holds_alternative<StatusRequest>(request.ask)) {
    // At the first start "live" waits for what every command needs: inventory, roles,
    // administrator.
    const bool is_ready = health_ == LogHealth::kLive && !is_unfounded(state_);
    const char* const log = is_ready                      ? "live"
                            : health_ == LogHealth::kLost ? "lost"
                                                          : "catching up";
    return answer(request.token, status_result(state_, {log, followed_, sessions_.count()}));
  }
  if (std::holds_alternative<StopRequest>(request.ask)) {
    answer(request.token, R"({"stopping":true})");
    outputs_.stop_asked = true;
    return;
  }
  if (health_ != LogHealth::kLive || is_unfounded(state_)) {
    return refuse(request.token, "unavailable", kLogAway, "see whether the event store runs");
  }
  if (deeds_.size() >= kDeedsMax) {
    return refuse(request.token, "busy", "too many requests are under way", "try again");
  }
  if (const auto* login = std::get_if<Login>(&request.ask)) return begin_login(request, *login);
  const auto user = sessions_.user_of(request.session, now_);
  if (!user.has_value()) {
    return refuse(request.token, "unauthorized", "there is no such session", "log in");
  }
  begin_ask(request, *user);
}

void VCenterCore::begin_login(Request& request, const Login& login) {
  Deed deed{.token = request.token,
            .caller = {request.action, login.user, request.origin, 0},
            .login = login};
  const DeedId id = next_id_++;
  if (sessions_.is_locked_out(login.user, request.origin.address, now_)) {
    deed.command = RecordLogin{"too many wrong passwords: locked out for a minute"};
    return submit(id, std::move(deed));
  }
  const auto known = state_.users.find(login.user);
  perform(
      id, std::move(deed),
      VerifyPassword{request.token, known == state_.users.end() ? "" : known->second.credential});
}

void VCenterCore::begin_ask(Request& request, const std::string& user) {
  Deed deed{.token = request.token, .caller = {request.action, user, request.origin, 0}};
  deed.caller.origin.session = session_name(request.session);
  match(
      std::move(request.ask),
      [&](Command command) {
        deed.command = std::move(command);
        begin_command(std::move(deed));
      },
      [&](AddProviderRequest adding) {
        deed.command = AddProvider{adding.provider, adding.servers, "", {}, {}};
        deed.adding = std::move(adding);
        begin_command(std::move(deed));
      },
      [&](Question question) {
        deed.question = std::move(question);
        const DeedId id = next_id_++;
        deeds_.emplace(id, std::move(deed));
        outputs_.ask_head.push_back(id);
      },
      [&](CheckProviders check) {
        deed.check = std::move(check);
        const DeedId id = next_id_++;
        deeds_.emplace(id, std::move(deed));
        outputs_.ask_head.push_back(id);
      },
      [](const Login&) {}, [](StatusRequest) {}, [](StopRequest) {});  // Answered before.
}

void VCenterCore::begin_command(Deed deed) {
  // From now on facts of the action are progress, and its end is the answer.
  waiting_[deed.caller.action] = Waiting{deed.token, now_};
  submit(next_id_++, std::move(deed));
}

std::optional<RefuseQuestion> VCenterCore::refusal_of(const std::string& user,
                                                      const Question& question,
                                                      bool checks_servers) const {
  const auto needs = [&](const char* command, std::string_view privilege) {
    return check_privilege(state_, user, privilege, "").granted
               ? std::nullopt
               : std::optional(RefuseQuestion{command, std::string(privilege)});
  };
  switch (question.about) {
    case Question::About::kProviders:
      if (check_privilege(state_, user, privilege::kManageKeyServers, "").granted) return {};
      return needs(checks_servers ? "provider.status" : "provider.list",
                   privilege::kReadKeyServersInfo);
    case Question::About::kPrincipals:
      return needs("user.list", privilege::kRead);
    case Question::About::kRoles:
      return needs("role.list", privilege::kRead);
    case Question::About::kPermissions:
      return needs("permission.list", privilege::kRead);
    case Question::About::kHosts:
    case Question::About::kVms:
      return {};  // Each row is checked by itself.
  }
  return {};
}

void VCenterCore::answer_at_head(Deed deed) {
  if (deed.want.has_value()) {
    const auto host = state_.hosts.find(deed.want->host);
    if (host == state_.hosts.end() || host->second.boot != deed.want->boot) return;
    for (const KeyId& key : deed.want->keys) {
      if (may_have(state_, deed.want->host, key)) {
        fetch(*deed.want, key);
      } else {
        unavailable(deed.want->host, deed.want->nonce, key,
                    deed.want->host + " may not have this key now");
      }
    }
    return;
  }
  const Question question = deed.check.has_value()
                                ? Question{Question::About::kProviders, deed.check->provider}
                                : *deed.question;
  if (auto refusal = refusal_of(deed.caller.user, question, deed.check.has_value())) {
    deed.command = std::move(*refusal);
    return begin_command(std::move(deed));
  }
  const bool is_of_an_entity =
      question.about == Question::About::kPermissions && !question.name.empty();
  if (is_of_an_entity && !state_.entities.contains(question.name)) {
    return refuse(deed.token, "not-found", "there is no entity " + question.name,
                  hint_of(Refusal::kNotFound));
  }
  if (!deed.check.has_value()) {
    return answer(deed.token, answer_question(state_, deed.caller.user, question));
  }
  CheckServers work;
  for (const auto& [name, provider] : state_.providers) {
    if (!question.name.empty() && question.name != name) continue;
    work.providers.push_back(*access_to(name));
  }
  if (work.providers.empty() && !question.name.empty()) {
    return refuse(deed.token, "not-found", "there is no provider " + question.name,
                  hint_of(Refusal::kNotFound));
  }
  perform(next_id_++, std::move(deed), std::move(work));
}

// --- transactions --------------------------------------------------------------------------------

void VCenterCore::submit(DeedId id, Deed deed) {
  deed.decision = decide(state_, deed.caller, deed.command);
  if (deed.decision.facts.empty()) return nothing_to_say(id, std::move(deed));
  for (Body& body : deed.decision.facts) body.clock = now_;
  outputs_.submit.emplace_back(id, deed.decision);
  deeds_.insert_or_assign(id, std::move(deed));
}

void VCenterCore::nothing_to_say(DeedId id, Deed deed) {
  const auto* user = std::get_if<AddUser>(&deed.command);
  if (user != nullptr && user->credential.empty()) {
    const Token token = deed.token;
    return perform(id, std::move(deed), StorePassword{token});
  }
  const auto* provider = std::get_if<AddProvider>(&deed.command);
  if (provider != nullptr && provider->credential.empty()) {
    MakeCertificate work{provider->provider};
    return perform(id, std::move(deed), std::move(work));
  }
  if (std::holds_alternative<RefuseQuestion>(deed.command)) {
    waiting_.erase(deed.caller.action);
    return answer_at_head(std::move(deed));
  }
  if (deed.duty.has_value()) under_way_.erase(*deed.duty);
  if (deed.fetch.has_value()) fetching_.erase({deed.fetch->host, deed.fetch->key});
  if (const auto* probe = std::get_if<ConcludeProbe>(&deed.command)) {
    finish_refused(deed.caller.action, "refused",
                   "the provider " + probe->provider +
                       " was removed, or added once more, while its servers were probed");
  }
  if (deed.token != 0) {
    finish(deed.caller.action, command_result(deed.caller.action, deed.command, deed.decision));
  }
}

void VCenterCore::recorded(Deed deed) {
  if (deed.login.has_value()) return recorded_login(deed);
  if (deed.fetch.has_value()) {
    const FetchKey& fetched = *deed.fetch;
    fetching_.erase({fetched.host, fetched.key});
    const auto* failed = std::get_if<RecordUnavailable>(&deed.command);
    outputs_.host_answers.push_back({.host = fetched.host,
                                     .nonce = fetched.nonce,
                                     .key = fetched.key,
                                     .encapsulation = std::move(deed.sealed.encapsulation),
                                     .ciphertext = std::move(deed.sealed.ciphertext),
                                     .detail = failed == nullptr ? "" : failed->detail});
    return;
  }
  bool ended = false;
  for (const Body& body : deed.decision.facts) ended = conclude(body, false) || ended;
  if (const auto* failed = std::get_if<FailProbe>(&deed.command)) {
    finish_refused(
        deed.caller.action, "unavailable",
        failed->server.empty() ? failed->detail : failed->server + ": " + failed->detail);
  }
  if (ended || deed.token == 0 || takes_time(deed.command)) return;
  if (std::holds_alternative<AddProvider>(deed.command)) return look_at_servers(std::move(deed));
  if (std::holds_alternative<TrustServers>(deed.command)) {
    if (asks_for_probe(deed.decision)) return;  // ProviderProbed is the answer.
    const std::string& name = std::get<TrustServers>(deed.command).provider;
    return finish(deed.caller.action, provider_result(state_, name, state_.providers[name].vendor,
                                                      "", state_.default_provider == name));
  }
  finish(deed.caller.action, command_result(deed.caller.action, deed.command, deed.decision));
}

void VCenterCore::recorded_login(const Deed& deed) {
  const std::string& why = std::get<RecordLogin>(deed.command).refused_because;
  if (!why.empty()) return refuse(deed.token, "unauthorized", "login refused: " + why);
  sessions_.open(deed.login->session, deed.caller.user, now_);
  outputs_.sessions.push_back({deed.token, deed.caller.user});
}

bool VCenterCore::conclude(const Body& body, bool was_mode_action) {
  if (!waiting_.contains(body.action)) return false;
  if (const auto* own = own_event(body)) {
    if (const auto ending = ending_of(*own)) {
      if (ending->succeeded) {
        finish(body.action, action_result(body));
      } else {
        finish_refused(body.action, code_of(ending->reason), ending->detail,
                       hint_of(ending->reason));
      }
      return true;
    }
    if (const auto* probed = std::get_if<ProviderProbed>(own)) {
      const bool is_default =
          state_.default_provider.empty() || state_.default_provider == probed->provider;
      finish(body.action, provider_result(state_, probed->provider, probed->vendor,
                                          probed->probe_key, is_default));
      return true;
    }
    return false;
  }
  const auto* host = std::get_if<esxi::Event>(&body.event);
  const auto* mode = host == nullptr ? nullptr : std::get_if<esxi::HostModeChanged>(host);
  if (mode == nullptr || !was_mode_action) return false;
  constexpr std::size_t kPrefix = sizeof("esxi/") - 1;  // the stream is esxi/HOST/mode
  const std::string name = body.stream.substr(kPrefix, body.stream.rfind('/') - kPrefix);
  finish(body.action, mode_result(body.action, name, *mode));
  return true;
}

void VCenterCore::finish(const ActionId& action, std::string json) {
  const auto waiting = waiting_.find(action);
  if (waiting == waiting_.end()) return;
  answer(waiting->second.token, std::move(json));
  waiting_.erase(waiting);
}

void VCenterCore::finish_refused(const ActionId& action, std::string code, std::string message,
                                 std::string hint) {
  const auto waiting = waiting_.find(action);
  if (waiting == waiting_.end()) return;
  refuse(waiting->second.token, std::move(code), std::move(message), std::move(hint));
  waiting_.erase(waiting);
}

}  // namespace keytrail::vcenter
