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
#include "tests/simulation/link_twin.h"
#include "tests/support/memory_file_system.h"

namespace keytrail::simulation {

inline constexpr auto kCluster = "cluster-1";

class ReplicaNode {
 public:
  // Asks the other replicas for the keyring, as the port of this one; gives the grant, or nothing.
  using FetchKeyring = std::function<void(std::function<void(std::optional<Bytes>)>)>;

  ReplicaNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
              bool founds, FetchKeyring fetch);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] const kms::State& state() const { return process_->core->state(); }
  [[nodiscard]] const std::string& name() const { return name_; }
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
  void fetch();
  void take_keyring(Result<std::unique_ptr<keyring::Keyring>> keyring);
  void tick();
  [[nodiscard]] ActionId fresh_action();
  [[nodiscard]] SealedFile::Place place();

  World& world_;
  StoreTwin& store_;
  const std::string name_;
  const bool founds_;
  const FetchKeyring fetch_;
  Sockets sockets_;
  test::MemoryFileSystem files_;
  UnlockSecret unlock_;
  protocol::Known last_;
  std::uint64_t life_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace keytrail::simulation
