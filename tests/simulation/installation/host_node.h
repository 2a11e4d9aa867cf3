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
#include "tests/simulation/installation/seen_keys.h"
#include "tests/simulation/link_twin.h"

namespace keytrail::simulation {

// What lies on the storage, whoever crashes. By VM.
struct Datastore {
  struct Disk {
    esxi::DiskState state;
    KeyId wrapped_by;  // none: plain
    Bytes fingerprint;
    ActionId action;  // that made it so
  };
  std::map<std::string, Disk> disks;
  std::map<std::string, std::string> locks;  // which host has the disk open
};

class HostNode {
 public:
  // The host channel: a question to vCenter; what comes back comes by on_keys.
  using AskVCenter = std::function<void(const std::string& host, wire::Want)>;

  HostNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
           Datastore& datastore, SeenKeys& seen, AskVCenter ask);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool is_idle() const;
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  // Its state is the fold of the log, as far as it has taken it; else the run fails.
  void check_state() const;
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
    std::set<std::string> guests;  // that run
    bool begun = false;
  };

  void step();
  void begin_if_live();
  void perform(const esxi::Duty& duty);
  void perform_order(const esxi::PerformOrder& duty);
  void commit(const esxi::Order& order);
  void start_guest(const std::string& vm);
  void end_guest(const std::string& vm);
  void lock(const std::string& vm);
  [[nodiscard]] esxi::Identity self() const { return {name_, "vc-1"}; }
  // Later, if this process lives.
  void after(TimeNs delay, std::function<void()> what);
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
