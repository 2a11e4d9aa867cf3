#include "tests/simulation/installation/installation.h"

#include <algorithm>

#include "tests/simulation/fold.h"
#include "tests/simulation/installation/administrator.h"
#include "tests/simulation/installation/customer.h"
#include "tests/simulation/installation/installation_audit.h"
#include "tests/simulation/supervisor.h"

namespace keytrail::simulation {
namespace {

constexpr std::size_t kReplicas = 3;
constexpr std::size_t kHosts = 2;
constexpr TimeNs kWorkMax = 300 * kSecond;
constexpr TimeNs kQuietMax = 120 * kSecond;

std::vector<std::string> names(const std::string& kind, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= count; ++i) names.push_back(kind + "-" + std::to_string(i));
  return names;
}

std::vector<eventstore::Identity> identities() {
  std::vector<eventstore::Identity> identities;
  const auto add = [&](const std::string& name, std::vector<std::string> prefixes) {
    const char key = static_cast<char>('1' + identities.size());
    identities.push_back({.name = name,
                          .curve_key = std::string(40, key),
                          .prefixes = std::move(prefixes),
                          .sockets = {"append", "live", "read"}});
  };
  for (const auto& replica : names("kms", kReplicas)) {
    add("kms/" + replica, {std::string("kms/") + kCluster});
  }
  add("vcenter/vc-1", {});
  for (const auto& host : names("host", kHosts)) add("esxi/" + host, {});
  return identities;
}

class Installation {
 public:
  Installation(std::uint64_t seed, const InstallationBugs& bugs)
      : world_(seed),
        store_(world_, identities(), disk_, bugs.store),
        ports_(world_, wire_),
        replicas_(make_replicas(bugs.replica)),
        vcenter_(world_, store_, wire_, ports_, names("host", kHosts), bugs.vcenter,
                 [this](const std::string& host, const Bytes& nonce, const auto& keys) {
                   answer_host(host, nonce, keys);
                 }),
        customer_(world_, store_, ports_, names("kms", kReplicas), seen_keys_),
        administrator_(world_, store_, pointers(), vcenter_, kHosts) {
    for (const std::string& name : names("host", kHosts)) {
      hosts_.push_back(std::make_unique<HostNode>(
          world_, store_, wire_, name, datastore_, seen_keys_,
          [this](const std::string& host, const wire::Want& want) { ask_vcenter(host, want); }));
    }
  }

  InstallationVerdict run() {
    choose_faults();
    store_.start();
    each_node([](auto& node) { node.start(); });
    administrator_.start([this] { customer_.start(); });
    if (crashes_) world_.after(2 * kSecond, [this] { crash_something(); });
    const bool worked = world_.run(kWorkMax, [this] { return administrator_.is_done(); });
    be_quiet();
    const bool idle = world_.run(kQuietMax, [this] { return is_idle(); });
    if (!worked && !administrator_.is_done()) {
      world_.fail("the work is not done: " + administrator_.current() + "; " + restless());
    } else if (!idle) {
      world_.fail("it does not come to rest: " + restless());
    }
    audit(world_, {store_, replicas_, vcenter_, hosts_, datastore_, seen_keys_});
    if (const auto wrong = customer_.check()) world_.fail(*wrong);
    return verdict();
  }

 private:
  std::vector<std::unique_ptr<ReplicaNode>> make_replicas(const ReplicaBugs& bugs) {
    std::vector<std::unique_ptr<ReplicaNode>> replicas;
    for (const std::string& name : names("kms", kReplicas)) {
      const std::size_t i = replicas.size();
      replicas.push_back(
          std::make_unique<ReplicaNode>(world_, store_, wire_, name, i == 0, bugs,
                                        [this, i](const auto& reply) { fetch_keyring(i, reply); }));
      ports_.add(*replicas.back());
    }
    return replicas;
  }
  std::vector<ReplicaNode*> pointers() {
    std::vector<ReplicaNode*> pointers;
    for (const auto& replica : replicas_) pointers.push_back(replica.get());
    return pointers;
  }
  template <class Do>
  void each_node(Do what) {
    for (const auto& replica : replicas_) what(*replica);
    for (const auto& host : hosts_) what(*host);
    what(vcenter_);
  }

  // --- the weather ----------------------------------------------------------------------------

  void choose_faults() {
    auto& random = world_.random();
    wire_.delay_max = (1 + random.below(10)) * kMs;
    wire_.slow = random.chance(0.5) ? 0.02 : 0;
    wire_.broken = random.chance(0.5) ? 0.01 : 0;
    store_.set_drop_chance(random.chance(0.5) ? 0.03 : 0);
    disk_.sync_max = (1 + random.below(20)) * kMs;
    disk_.failing = random.chance(0.3) ? 0.002 : 0;
    crashes_ = random.chance(0.8);
    const double power_cut = random.chance(0.5) ? 0.1 : 0;
    for (const auto& replica : replicas_) replica->set_power_cut_chance(power_cut);
  }

  void crash_something() {
    if (!crashes_) return;
    auto& random = world_.random();
    switch (random.below(4)) {
      case 0:
        restart(world_, store_);
        break;
      case 1:
        restart(world_, *replicas_[random.below(kReplicas)]);
        break;
      case 2:
        restart(world_, vcenter_);
        break;
      default:
        restart(world_, *hosts_[random.below(kHosts)]);
    }
    world_.after(random.below(6 * kSecond), [this] { crash_something(); });
  }

  void be_quiet() {
    world_.note("quiet from here");
    wire_ = {};
    disk_ = {};
    store_.set_drop_chance(0);
    crashes_ = false;
    for (const auto& replica : replicas_) replica->set_power_cut_chance(0);
    administrator_.leave_the_customer_alone();
    customer_.stop();
    if (!store_.is_up()) store_.start();
    each_node([](auto& node) {
      if (!node.is_up()) node.start();
    });
  }

  // --- the end --------------------------------------------------------------------------------

  bool is_idle() {
    return store_.is_up() && administrator_.is_done() && customer_.is_idle() && restless().empty();
  }
  [[nodiscard]] std::string restless() {
    std::string who;
    each_node([&](const auto& node) {
      if (!node.is_idle()) who += (who.empty() ? "" : ", ") + node.describe();
    });
    return who;
  }

  InstallationVerdict verdict() {
    InstallationVerdict verdict{world_.failure(), world_.transcript(), store_.log().head()};
    fold(store_.log(), kEveryTopic, store_.log().head(), [&](const Fact& fact) {
      const std::string_view type = type_of(fact.body.event);
      verdict.encryptions += type == "EncryptionCompleted";
      verdict.releases += type == "KeyReleased";
    });
    verdict.answers = customer_.answers();
    return verdict;
  }

  // --- between the nodes ----------------------------------------------------------------------

  [[nodiscard]] TimeNs delay() { return world_.random().below(wire_.delay_max + 1); }

  void ask_vcenter(const std::string& host, const wire::Want& want) {
    if (world_.random().chance(wire_.broken)) return;  // It asks again.
    world_.after(delay(), [this, host, want] { vcenter_.on_want(host, want); });
  }
  void answer_host(const std::string& name, const Bytes& nonce,
                   const std::vector<wire::SealedKey>& keys) {
    if (world_.random().chance(wire_.broken)) return;
    world_.after(delay(), [this, name, nonce, keys] {
      for (const auto& host : hosts_) {
        if (host->name() == name) host->on_keys(nonce, keys);
      }
    });
  }
  void fetch_keyring(std::size_t asker, const std::function<void(std::optional<Bytes>)>& reply) {
    const std::size_t other = (asker + 1 + world_.random().below(kReplicas - 1)) % kReplicas;
    const auto open = std::make_shared<bool>(true);
    const auto once = [open, reply](const std::optional<Bytes>& grant) {
      if (std::exchange(*open, false)) reply(grant);
    };
    world_.after(kSecond, [once] { once(std::nullopt); });
    world_.after(delay(), [this, asker, other, once] {
      replicas_[other]->on_keyring_asked(replicas_[asker]->certificate(),
                                         [this, once](const std::optional<Bytes>& grant) {
                                           world_.after(delay(), [once, grant] { once(grant); });
                                         });
    });
  }

  World world_;
  WireFaults wire_;
  DiskFaults disk_;
  StoreTwin store_;
  KmipPorts ports_;
  std::vector<std::unique_ptr<ReplicaNode>> replicas_;
  VCenterNode vcenter_;
  std::vector<std::unique_ptr<HostNode>> hosts_;
  Datastore datastore_;
  SeenKeys seen_keys_;
  Customer customer_;
  Administrator administrator_;
  bool crashes_ = false;
};

}  // namespace

InstallationVerdict run_installation(std::uint64_t seed, const InstallationBugs& bugs) {
  return Installation(seed, bugs).run();
}

}  // namespace keytrail::simulation
