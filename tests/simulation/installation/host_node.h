// HostNode: an ESXi host in the simulation: the real core, real sealed keys, and disks that are a
// line on a shared datastore. Performing takes a while and may be cut short by a crash; it is safe
// to repeat.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "bus/wire/host_channel.h"
#include "esxi/service/host_core.h"
#include "kms/crypto/hpke.h"
#include "tests/simulation/link_twin.h"

namespace keytrail::simulation {

// What lies on the storage, whoever crashes.
struct DiskOnStorage {
  esxi::DiskState state;
  KeyId wrapped_by;  // none: plain
  Bytes fingerprint;
  ActionId action;  // that made it so
};
using Datastore = std::map<std::string, DiskOnStorage>;  // by VM

class HostNode {
 public:
  // The host channel: a question to vCenter; what comes back comes by on_keys.
  using AskVCenter = std::function<void(const std::string& host, wire::Want)>;
  // Every key that a host ever opened, for the audit.
  using SeenKeys = std::map<KeyId, Bytes>;

  HostNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
           Datastore& datastore, SeenKeys& seen, AskVCenter ask);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  void on_keys(const Bytes& nonce, const std::vector<wire::SealedKey>& keys);

 private:
  struct Process {
    explicit Process(crypto::X25519KeyPair pair) : boot_keys(std::move(pair)) {}
    std::unique_ptr<LinkTwin> link;
    std::unique_ptr<esxi::HostCore> core;
    crypto::X25519KeyPair boot_keys;
    std::string boot;
    std::set<Bytes> asked;
    std::set<KeyId> adopted;
    bool begun = false;
  };

  void step();
  void begin_if_live();
  void perform(const esxi::Duty& duty);
  void perform_order(const esxi::PerformOrder& duty);
  [[nodiscard]] Result<esxi::OrderOutcome> outcome_of(const esxi::PerformOrder& duty);
  void tick();

  World& world_;
  StoreTwin& store_;
  const std::string name_;
  Datastore& datastore_;
  SeenKeys& seen_;
  const AskVCenter ask_;
  Sockets sockets_;
  protocol::Known last_;
  std::uint64_t life_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace keytrail::simulation
