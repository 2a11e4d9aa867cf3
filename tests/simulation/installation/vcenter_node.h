// VCenterNode: a vCenter in the simulation: the real core; its work, which is KMIP above all, over
// the simulated network, in the steps of vcenter/service/kmip_sessions.cc.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "bus/wire/host_channel.h"
#include "tests/simulation/installation/kmip_port.h"
#include "vcenter/service/vcenter_core.h"

namespace keytrail::simulation {

// Rules that the simulation can break in a vCenter, to see whether it notices.
struct VCenterBugs {
  bool answers_before_ack = false;  // what was sent to the log is taken for recorded
};

class VCenterNode {
 public:
  using AnswerHost =
      std::function<void(const std::string& host, Bytes nonce, std::vector<wire::SealedKey>)>;

  VCenterNode(World& world, StoreTwin& store, const WireFaults& faults, KmipPorts& ports,
              std::vector<std::string> hosts, VCenterBugs bugs, AnswerHost answer_host);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] const vcenter::State& state() const { return process_->core->state(); }
  // Its state is the fold of the log, as far as it has taken it; else the run fails.
  void check_state() const;
  [[nodiscard]] static Hash client_certificate();

  // As the administrator, who logs in first. Not answered if the process dies.
  void ask(vcenter::Ask ask, std::function<void(const vcenter::VCenterCore::Answer&)> reply);
  void on_want(const std::string& host, const wire::Want& want);

 private:
  using Done = std::function<void(vcenter::Outcome)>;
  using Access = vcenter::ProviderAccess;
  struct Process {
    std::unique_ptr<LinkTwin> link;
    std::unique_ptr<vcenter::VCenterCore> core;
    bool is_live = false;
    std::uint64_t next_token = 1;
    std::map<vcenter::Token, std::function<void(const vcenter::VCenterCore::Answer&)>> waiting;
  };

  void step();
  void carry_out();
  void request(vcenter::Ask ask, std::function<void(const vcenter::VCenterCore::Answer&)> reply);
  void start_work(vcenter::WorkId id, vcenter::Work work);
  void look(const vcenter::LookAtServers& work, const Done& done) const;
  // Tries the servers in order; `use` ends with an outcome, or with nothing: the next one.
  using Use =
      std::function<void(KmipPorts::Session, std::function<void(std::optional<vcenter::Outcome>)>)>;
  void first(const Access& access, std::size_t server, const Use& use, const Done& done);
  void create_key(const vcenter::CreateKey& work, const Done& done);
  void fetch_key(const vcenter::FetchKey& work, const Done& done);
  void probe(const vcenter::ProbeServers& work, const Done& done);
  void probe_from(std::size_t server, const Access& access, const std::string& key,
                  const Done& done);
  void destroy_probe(const Access& access, const std::string& key, const Done& done);
  [[nodiscard]] KmipPorts::Session session_to(const std::string& server) const;
  void tick();

  World& world_;
  StoreTwin& store_;
  KmipPorts& ports_;
  const std::vector<std::string> hosts_;
  const VCenterBugs bugs_;
  const AnswerHost answer_host_;
  Sockets sockets_;
  protocol::Known last_;
  std::uint64_t life_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace keytrail::simulation
