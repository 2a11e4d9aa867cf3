// ReplicaNode: a KMS replica in the simulation: the real core and keyring, over a link, a file
// system in memory and a KMIP port on the simulated network. What kms/service/replica_service.cc
// does with threads. It crashes and comes back with what its files held.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kms/service/replica_core.h"
#include "tests/simulation/installation/replica_bugs.h"
#include "tests/simulation/link_twin.h"
#include "tests/support/memory_file_system.h"

namespace keytrail::simulation {

inline constexpr auto kCluster = "cluster-1";

class ReplicaNode {
 public:
  // Asks the other replicas for the keyring, as the port of this one; gives the grant, or nothing.
  using FetchKeyring = std::function<void(std::function<void(std::optional<Bytes>)>)>;

  ReplicaNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
              bool founds, ReplicaBugs bugs, FetchKeyring fetch);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool listens() const { return is_up() && process_->listens; }
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] const kms::State& state() const { return process_->core->state(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] kms::Phase phase() const { return process_->core->phase(); }
  // The seal key of a leaf, as an attacker who has all files and the unlock secret derives it.
  [[nodiscard]] std::optional<Bytes> derive(std::uint64_t leaf) const;
  // Its state is the fold of the log, as far as it has taken it; else the run fails.
  void check_state() const;
  // The chance that the power fails in the middle of a puncture.
  void set_power_cut_chance(double chance) { power_cut_ = chance; }
  [[nodiscard]] Hash certificate() const;

  // A KMIP message on a connection; nothing is answered if the port is closed or the process dies.
  void on_kmip(kms::ConnectionId connection, const Hash& certificate, const Bytes& request,
               std::function<void(Bytes)> reply);
  void on_closed(kms::ConnectionId connection);
  void on_command(kms::Command command, std::function<void(kms::Answer)> reply);
  void on_keyring_asked(const Hash& certificate, std::function<void(std::optional<Bytes>)> reply);

 private:
  struct Process {
    std::unique_ptr<LinkTwin> link;
    std::unique_ptr<keyring::Keyring> keyring;
    std::unique_ptr<kms::ReplicaCore> core;
    bool listens = false;
    std::uint64_t next_token = 1;
    std::map<kms::ConnectionId, std::function<void(Bytes)>> requests;
    std::map<kms::CommandToken, std::function<void(kms::Answer)>> commands;
    std::map<kms::AskerToken, std::function<void(std::optional<Bytes>)>> askers;
  };

  void step();
  bool carry_out();  // whether there was anything
  void submit(const kms::Submission& submission);
  void ask_head(std::uint64_t question);
  void answer(kms::Outputs& outputs);
  void puncture(const kms::PunctureOrder& order);
  void check_shredded();
  void fetch();
  void take_keyring(Result<std::unique_ptr<keyring::Keyring>> keyring);
  void tick();
  [[nodiscard]] ActionId fresh_action();
  [[nodiscard]] SealedFile::Place place();

  World& world_;
  StoreTwin& store_;
  const std::string name_;
  const bool founds_;
  const ReplicaBugs bugs_;
  const FetchKeyring fetch_;
  Sockets sockets_;
  test::MemoryFileSystem files_;
  UnlockSecret unlock_;
  protocol::Known last_;
  double power_cut_ = 0;
  std::uint64_t life_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace keytrail::simulation
