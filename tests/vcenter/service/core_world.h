// CoreWorld: a VCenterCore in one thread, with an orderer, workers and hosts that the test plays.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/vcenter/model/world.h"
#include "vcenter/service/vcenter_core.h"

namespace keytrail::vcenter::test {

class CoreWorld {
 public:
  using Answer = VCenterCore::Answer;

  CoreWorld() { start(); }

  World world;  // the log
  std::unique_ptr<VCenterCore> core;
  std::vector<std::pair<WorkId, Work>> work;
  std::vector<Answer> answers;
  std::vector<VCenterCore::SessionOpened> sessions;
  std::vector<VCenterCore::HostAnswer> host_answers;
  std::optional<std::string> stop;
  std::optional<Error> log_says;  // instead of taking the next unit
  bool lags = false;              // facts are not followed until it is false again
  TimeNs now = 5'000'000'000;

  // A process begins: it follows from the start and goes live.
  void start() {
    core = std::make_unique<VCenterCore>(
        VCenterCore::Options{.vcenter = "vc-1",
                             .hosts = {{"host-1", kCluster, "z85"}, {"host-2", kCluster, "z85"}},
                             .own_action = action_id(250)});
    followed_ = 0;
    work.clear();
    answers.clear();
    core->tick(now, world.now);
    follow();
    core->on_health(LogHealth::kLive);
    pump();
  }

  void pump() {
    for (int rounds = 0; rounds < 100; ++rounds) {
      core->tick(now, world.now);
      follow();
      VCenterCore::Outputs outputs = core->take_outputs();
      const bool idle = !outputs.begin_epoch && outputs.submit.empty() && outputs.ask_head.empty();
      if (outputs.begin_epoch) claim(*outputs.begin_epoch + 1);
      for (auto& item : outputs.work) work.push_back(std::move(item));
      for (auto& item : outputs.answers) answers.push_back(std::move(item));
      for (auto& item : outputs.sessions) sessions.push_back(std::move(item));
      for (auto& item : outputs.host_answers) host_answers.push_back(std::move(item));
      if (outputs.stop) stop = outputs.stop;
      for (const auto& [id, decision] : outputs.submit) order(id, decision);
      for (const auto id : outputs.ask_head) {
        follow_now();
        core->on_head(id);
      }
      if (idle && !lags && followed_ == world.log.size()) return;
      if (idle && lags) return;
    }
    FAIL() << "the core never rests";
  }

  void ask(Token token, std::uint8_t action, Ask ask, const Hash& session = Hash{9}) {
    core->tick(now, world.now);
    core->on_request(
        {token, action_id(action), {.address = "127.0.0.1:40000"}, session, std::move(ask)});
    pump();
  }

  // Takes the first piece of work of this kind; a failure if there is none.
  template <class Kind>
  std::pair<WorkId, Kind> take_work() {
    for (auto it = work.begin(); it != work.end(); ++it) {
      if (auto* kind = std::get_if<Kind>(&it->second)) {
        std::pair<WorkId, Kind> taken{it->first, std::move(*kind)};
        work.erase(it);
        return taken;
      }
    }
    ADD_FAILURE() << "no such work is under way";
    return {};
  }
  void done(WorkId id, Outcome outcome, std::map<std::string, std::string> tried = {}) {
    core->on_work({id, std::move(outcome), std::move(tried)});
    pump();
  }

  // The one answer for `token` that ends it; progress is passed over.
  const Answer* last_answer(Token token) const {
    const Answer* last = nullptr;
    for (const Answer& answer : answers) {
      if (answer.token == token && answer.kind != Answer::Kind::kProgress) last = &answer;
    }
    return last;
  }

  void log_in(const std::string& user, std::uint8_t action, const Hash& session) {
    ask(900, action, Login{user, session}, Hash{});
    done(take_work<VerifyPassword>().first, Verified{true});
  }

  // --- a vCenter that has begun, with hosts that run, a provider, a plain vm-1, the administrator
  void found() {
    done(take_work<StoreAdministrator>().first, Stored{"credential-0"});
    world.start_host("host-1", "boot-a");
    world.start_host("host-2", "boot-a");
    pump();
    log_in(kAdministrator, 240, Hash{9});
  }
  void add_provider() {
    AddProviderRequest request{.provider = "prod",
                               .servers = {{"kms-1", "127.0.0.1", 5696}},
                               .accepts = true,
                               .accepted = {Hash{7}}};
    ask(901, 241, request);
    done(take_work<MakeCertificate>().first, CertificateMade{"credential-1", "PEM", Hash{6}});
    done(take_work<LookAtServers>().first, ServersSeen{"PEM", {{"kms-1", "PEM", Hash{7}, ""}}});
    done(take_work<ProbeServers>().first, ServersProbed{"Keytrail", "probe-key"});
  }
  void create_vm(const std::string& vm, std::uint8_t n) {
    ask(902, n, Command(CreateVm{.vm = vm, .host = "host-1", .disk_bytes = 1 << 20}));
    world.host_says("host-1", "disk/" + vm,
                    esxi::DiskCreated{.vm = vm, .disk = {vm, "f", 1 << 20, 4096, 1}}, action_id(n));
    pump();
  }

  // The log takes PartStarted of the process that begins this epoch.
  void claim(std::uint64_t epoch) {
    Body body;
    body.stream = "vcenter/vc-1/epoch";
    body.event = part::Event(part::PartStarted{epoch, "test"});
    EXPECT_TRUE(world.append("vcenter/vc-1", Decision{{body}, {{body.stream, epoch - 1}}, {}}));
  }

 private:
  void follow() {
    if (!lags) follow_now();
  }
  void follow_now() {
    for (; followed_ < world.log.size(); ++followed_) {
      const Fact& fact = world.log[followed_];
      if (effect_of(fact.body.event) == Effect::kChange) core->on_fact(fact);
    }
    core->on_followed(followed_);
  }
  void order(VCenterCore::DeedId id, const Decision& decision) {
    const Position first = world.log.size() + 1;
    if (decision.facts.empty()) return core->on_accepted(id, 0, 0);
    if (log_says.has_value()) {
      const Error error = *std::exchange(log_says, std::nullopt);
      return core->on_failed(id, error);
    }
    if (world.append("vcenter/vc-1", decision)) {
      return core->on_accepted(id, first, static_cast<std::uint32_t>(decision.facts.size()));
    }
    ++conflicts;
    follow_now();
    core->on_decide_again(id);
  }

 public:
  int conflicts = 0;

 private:
  std::size_t followed_ = 0;
};

}  // namespace keytrail::vcenter::test
