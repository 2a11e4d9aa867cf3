// VCenterCore: the step function of a vCenter: inputs in, outputs out, and nothing else.
//
//   request ──► decide ──► submit ─ accepted ──► answer, or wait for the action's end
//                 ▲          └ conflict ─ follow ─ decide again
//   log ─► evolve ─► next ─► duties ─► work ─► outcome becomes a command ─► decide …
//   WANT ─► may the host have it? ─► work: fetch, seal ─► KeyPushed recorded ─► answer to the host
// Record, then reveal: whatever leaves, a refusal included, leaves when its unit is durable. What
// is owed is derived from the state alone, so a process that starts again goes on where the last
// one was.
// Thread safety: one thread; the shell (vcenter_service.h) carries inputs in and outputs out.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bus/secret/result.h"
#include "vcenter/service/requests.h"
#include "vcenter/service/sessions.h"
#include "vcenter/service/work.h"

namespace keytrail::vcenter {

enum class LogHealth : std::uint8_t { kCatchingUp, kLive, kLost };

class VCenterCore {
 public:
  using DeedId = std::uint64_t;  // of a transaction, a piece of work or a question about the head

  struct Options {
    std::string vcenter;              // "vc-1"
    std::vector<RegisterHost> hosts;  // of the configuration
    ActionId own_action;              // fresh; carried by what vCenter does on its own account
  };

  struct Answer {
    enum class Kind : std::uint8_t { kProgress, kResult, kError };
    Token token = 0;
    Kind kind = Kind::kResult;
    std::string json;  // of progress and result
    std::string code;  // of an error
    std::string message;
    std::string hint;
  };
  // The login was recorded: the shell hands out the session whose hash came with it.
  struct SessionOpened {
    Token token = 0;
    std::string user;
  };
  struct HostAnswer {
    std::string host;  // "host-1"
    Bytes nonce;
    KeyId key;
    Bytes encapsulation;  // empty: not available, see `detail`
    Bytes ciphertext;
    std::string detail;
  };
  struct Outputs {
    std::optional<std::uint64_t> begin_epoch;  // after this last epoch; before any submit
    std::vector<std::pair<DeedId, Decision>> submit;
    std::vector<DeedId> ask_head;
    std::vector<std::pair<WorkId, Work>> work;
    std::vector<Answer> answers;
    std::vector<SessionOpened> sessions;
    std::vector<HostAnswer> host_answers;
    // Once, when PartStarted was followed: no earlier process can name another one any more.
    std::optional<std::set<std::string>> named_credentials;
    bool stop_asked = false;          // an operator said so
    std::optional<std::string> stop;  // why the process cannot go on
  };

  static constexpr std::size_t kDeedsMax = 4096;    // open at a time; beyond, requests are "busy"
  static constexpr std::size_t kFetchesMax = 1024;  // keys on their way to hosts; beyond, ask again

  explicit VCenterCore(Options options);

  // The log.
  void on_fact(const Fact& fact);
  void on_followed(Position position);
  void on_health(LogHealth health);
  void on_accepted(DeedId id, Position first, std::uint32_t count);
  void on_decide_again(DeedId id);
  void on_failed(DeedId id, const Error& error);
  void on_head(DeedId id);

  // Users, hosts, work.
  void on_request(Request request);
  void on_want(const std::string& host, const std::string& boot, const Bytes& nonce,
               const std::vector<KeyId>& keys);
  void on_work(WorkDone done);
  void tick(TimeNs now, TimeNs log_time);

  [[nodiscard]] Outputs take_outputs();
  [[nodiscard]] const State& state() const { return state_; }

 private:
  struct Want {
    std::string host;
    std::string boot;
    Bytes nonce;
    std::vector<KeyId> keys;
  };
  // Something under way: with the log, with a worker, or waiting for the head.
  struct Deed {
    Token token = 0;  // 0: nobody waits for it
    Caller caller;
    Command command;
    Decision decision;
    std::optional<Duty> duty;
    std::optional<Login> login;
    std::optional<AddProviderRequest> adding;
    std::optional<Question> question;
    std::optional<CheckProviders> check;
    std::optional<Want> want;
    std::optional<FetchKey> fetch;
    KeySealed sealed;
  };

  // vcenter_core.cc: requests and transactions
  void answer(Token token, std::string json);
  void refuse(Token token, std::string code, std::string message, std::string hint = {});
  void begin_login(Request& request, const Login& login);
  void begin_ask(Request& request, const std::string& user);
  void begin_command(Deed deed);
  void submit(DeedId id, Deed deed);
  void nothing_to_say(DeedId id, Deed deed);
  void recorded(Deed deed);
  void recorded_login(const Deed& deed);
  // Answers whoever waits for the action of `body`, if it ends with it.
  bool conclude(const Body& body, bool was_mode_action);
  // Who waits for an order on a host's mode that `body` replaces is told so.
  void tell_the_replaced(const Body& body);
  // PartStarted of this process was followed, and with it the last fact of the one before.
  void fenced_in();
  void finish(const ActionId& action, std::string json);
  void finish_refused(const ActionId& action, std::string code, std::string message,
                      std::string hint = {});
  void answer_at_head(Deed deed);
  // What is to be recorded and told instead of an answer.
  [[nodiscard]] std::optional<RefuseQuestion> refusal_of(const std::string& user,
                                                         const Question& question,
                                                         bool checks_servers) const;

  // vcenter_core_duties.cc: duties, work, wants
  void owe();
  void start(const Duty& duty);
  // The log did not take what came of it. Unless that is for good, it is owed still.
  void duty_failed(Deed deed, const Error& error);
  void register_hosts();
  void perform(DeedId id, Deed deed, Work work);
  void worked(DeedId id, Deed deed, Outcome outcome);
  void work_failed(DeedId id, Deed deed, const WorkFailed& failed);
  void look_at_servers(Deed deed);
  void servers_seen(DeedId id, Deed deed, const ServersSeen& seen);
  void note_reachability(const std::string& provider,
                         const std::map<std::string, std::string>& tried);
  void fetch(const Want& want, const KeyId& key);
  void unavailable(const std::string& host, const Bytes& nonce, const KeyId& key,
                   std::string detail);
  [[nodiscard]] std::optional<ProviderAccess> access_to(const std::string& provider) const;
  [[nodiscard]] Caller own_caller() const;
  [[nodiscard]] Caller caller_for_key(const KeyId& key) const;

  Options options_;
  State state_;
  Sessions sessions_;
  Outputs outputs_;
  LogHealth health_ = LogHealth::kCatchingUp;
  bool has_epoch_ = false;
  std::optional<std::uint64_t> starting_;  // the epoch that PartStarted is to begin
  Position followed_ = 0;
  TimeNs now_ = 0;
  TimeNs log_time_ = 0;
  DeedId next_id_ = 1;
  std::map<DeedId, Deed> deeds_;
  struct Waiting {
    Token token = 0;
    TimeNs since = 0;
  };
  std::map<ActionId, Waiting> waiting_;  // who waits for the end of an action
  // Duties that were started; with a position, those whose outcome is durable but not followed yet.
  std::map<Duty, std::optional<Position>> under_way_;
  std::set<Duty> given_up_;  // failed for good in this process, and said so
  std::set<std::string> registering_;
  std::set<std::pair<std::string, KeyId>> fetching_;
  std::map<std::pair<std::string, KeyId>, TimeNs> told_unavailable_;
  std::set<std::pair<std::string, std::string>> unreachable_;  // provider, server
};

}  // namespace keytrail::vcenter
