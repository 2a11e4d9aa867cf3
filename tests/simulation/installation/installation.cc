#include "tests/simulation/installation/installation.h"

#include <algorithm>

#include "bus/events/codec.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/installation/host_node.h"
#include "tests/simulation/installation/vcenter_node.h"

namespace keytrail::simulation {
namespace {

constexpr int kReplicas = 3;
constexpr int kHosts = 2;
constexpr TimeNs kWorkMax = 600 * kSecond;
constexpr TimeNs kQuietMax = 300 * kSecond;
constexpr TimeNs kPatience = 20 * kSecond;  // of the administrator, with an answer
constexpr TimeNs kRetryAfter = 300 * kMs;

// Things that the administrator does one after the other; each is tried until it is done.
class Chores {
 public:
  using Attempt = std::function<void(std::function<void(bool done)>)>;

  Chores(World& world, std::string who) : world_(world), who_(std::move(who)) {}
  void add(std::string name, Attempt attempt) {
    chores_.push_back({std::move(name), std::move(attempt)});
  }
  void start() { next(); }
  [[nodiscard]] bool are_done() const { return at_ == chores_.size(); }
  std::function<void()> on_done;

 private:
  struct Chore {
    std::string name;
    Attempt attempt;
  };

  void next() {
    if (are_done()) {
      if (on_done) on_done();
      return;
    }
    const std::uint64_t attempt = ++attempt_;
    world_.after(kPatience, [this, attempt] {
      if (attempt == attempt_) next();
    });
    chores_[at_].attempt([this, attempt](bool done) {
      if (attempt != attempt_) return;
      ++attempt_;
      if (done) world_.note(who_ + ": " + chores_[at_++].name + " is done");
      world_.after(done ? 0 : kRetryAfter, [this] { next(); });
    });
  }

  World& world_;
  const std::string who_;
  std::vector<Chore> chores_;
  std::size_t at_ = 0;
  std::uint64_t attempt_ = 0;
};

class Installation {
 public:
  Installation(std::uint64_t seed, const StoreBugs& bugs)
      : world_(seed),
        store_(world_, identities(), disk_, bugs),
        ports_(world_, wire_),
        vcenter_(world_, store_, wire_, ports_, {"host-1", "host-2"},
                 [this](const std::string& host, Bytes nonce, std::vector<wire::SealedKey> keys) {
                   answer_host(host, std::move(nonce), std::move(keys));
                 }),
        founding_(world_, "operator") {
    for (int i = 1; i <= kReplicas; ++i) {
      replicas_.push_back(std::make_unique<ReplicaNode>(
          world_, store_, wire_, "kms-" + std::to_string(i), i == 1,
          [this, i](auto reply) { fetch_keyring(static_cast<std::size_t>(i - 1), reply); }));
      ports_.add(*replicas_.back());
    }
    for (int i = 1; i <= kHosts; ++i) {
      hosts_.push_back(
          std::make_unique<HostNode>(world_, store_, wire_, "host-" + std::to_string(i), datastore_,
                                     seen_keys_, [this](const std::string& host, wire::Want want) {
                                       ask_vcenter(host, std::move(want));
                                     }));
      vms_.push_back(std::make_unique<Chores>(world_, "vm-" + std::to_string(i)));
    }
  }

  InstallationVerdict run() {
    choose_faults();
    plan();
    store_.start();
    for (const auto& replica : replicas_) replica->start();
    for (const auto& host : hosts_) host->start();
    vcenter_.start();
    founding_.start();
    if (crashes_) world_.after(2 * kSecond, [this] { crash_something(); });
    const bool worked = world_.run(kWorkMax, [this] { return all_done(); });
    be_quiet();
    const bool idle = world_.run(kQuietMax, [this] { return is_idle(); });
    if (!world_.failure() && !worked) world_.fail("the work is not done");
    if (!world_.failure() && !idle) world_.fail("it does not come to rest: " + restless());
    audit();
    return {world_.failure(), world_.transcript(), store_.log().head(), encryptions_, releases_};
  }

 private:
  static eventstore::Identity identity(const std::string& name, char key,
                                       std::vector<std::string> prefixes) {
    return {.name = name,
            .curve_key = std::string(40, key),
            .prefixes = std::move(prefixes),
            .sockets = {"append", "live", "read"}};
  }
  static std::vector<eventstore::Identity> identities() {
    return {identity("kms/kms-1", '1', {"kms/cluster-1"}),
            identity("kms/kms-2", '2', {"kms/cluster-1"}),
            identity("kms/kms-3", '3', {"kms/cluster-1"}),
            identity("vcenter/vc-1", '4', {}),
            identity("esxi/host-1", '5', {}),
            identity("esxi/host-2", '6', {})};
  }

  void choose_faults() {
    auto& random = world_.random();
    wire_.delay_max = (1 + random.below(10)) * kMs;
    wire_.slow = random.chance(0.5) ? 0.02 : 0;
    wire_.broken = random.chance(0.5) ? 0.01 : 0;
    store_.set_drop_chance(random.chance(0.5) ? 0.03 : 0);
    disk_.sync_max = (1 + random.below(20)) * kMs;
    disk_.failing = random.chance(0.3) ? 0.002 : 0;
    crashes_ = random.chance(0.8);
  }

  void be_quiet() {
    world_.note("quiet from here");
    wire_ = {};
    disk_ = {};
    store_.set_drop_chance(0);
    crashes_ = false;
    if (!store_.is_up()) store_.start();
    for (const auto& replica : replicas_) {
      if (!replica->is_up()) replica->start();
    }
    for (const auto& host : hosts_) {
      if (!host->is_up()) host->start();
    }
    if (!vcenter_.is_up()) vcenter_.start();
  }

  // --- what is done ---------------------------------------------------------------------------

  void plan() {
    Hash certificate = VCenterNode::client_certificate();
    command("enrol vc-1", kms::EnrolClient{"vc-1", "vcenter", certificate, {1, 2, 3}});
    for (int i = 2; i <= kReplicas; ++i) {
      const ReplicaNode& replica = *replicas_[static_cast<std::size_t>(i - 1)];
      command("admit " + replica.name(), kms::AdmitReplica{replica.name(), replica.certificate()});
    }
    founding_.add("add the provider", [this](auto done) { add_provider(done); });
    founding_.on_done = [this] {
      for (const auto& vm : vms_) vm->start();
    };
    for (std::size_t i = 0; i < vms_.size(); ++i) plan_vm(i);
  }

  void plan_vm(std::size_t i) {
    const std::string vm = "vm-" + std::to_string(i + 1);
    vcenter_command(i, "create",
                    vcenter::CreateVm{.vm = vm,
                                      .host = "host-" + std::to_string(i + 1),
                                      .disk_bytes = 1 << 20,
                                      .encrypted = world_.random().chance(0.3)});
    vcenter_command(i, "encrypt", vcenter::EncryptVm{.vm = vm});
    const auto depth = world_.random().chance(0.5) ? vcenter::RecryptDepth::kDeep
                                                   : vcenter::RecryptDepth::kShallow;
    vcenter_command(i, "recrypt", vcenter::RecryptVm{.vm = vm, .depth = depth});
    if (world_.random().chance(0.5)) {
      vcenter_command(i, "decrypt", vcenter::DecryptVm{.vm = vm});
      vcenter_command(i, "encrypt again", vcenter::EncryptVm{.vm = vm});
    }
  }

  void command(const std::string& name, kms::Command command) {
    founding_.add(name, [this, command = std::move(command)](auto done) {
      replicas_[0]->on_command(command, [done](const kms::Answer& answer) {
        done(std::holds_alternative<kms::DoneAnswer>(answer));
      });
    });
  }

  void add_provider(const std::function<void(bool)>& done) {
    vcenter::AddProviderRequest request{.provider = "prod", .accepts = true};
    std::uint16_t port = 5696;
    for (const auto& replica : replicas_) {
      request.servers.push_back({replica->name(), "127.0.0.1", port++});
      request.accepted.push_back(replica->certificate());
    }
    const auto ready = [this] {
      if (!vcenter_.is_up()) return false;
      const auto& providers = vcenter_.state().providers;
      const auto prod = providers.find("prod");
      return prod != providers.end() && prod->second.ready;
    };
    if (ready()) return done(true);
    vcenter_.ask(request, [this, ready, done](const vcenter::VCenterCore::Answer& answer) {
      if (answer.kind == vcenter::VCenterCore::Answer::Kind::kError) {
        world_.note("vc-1: add provider: " + answer.code + ": " + answer.message);
      }
      done(ready());
    });
  }

  // A refusal is an answer too: an action that a crash hid has already begun, or is done.
  void vcenter_command(std::size_t i, const std::string& name, vcenter::Command command) {
    vms_[i]->add(name, [this, name, i, command = std::move(command)](auto done) {
      vcenter_.ask(command, [this, name, i, done](const vcenter::VCenterCore::Answer& answer) {
        const bool failed = answer.kind == vcenter::VCenterCore::Answer::Kind::kError;
        if (failed) {
          world_.note("vm-" + std::to_string(i + 1) + ": " + name + ": " + answer.code + ": " +
                      answer.message);
        }
        done(!failed || answer.code == "refused");
      });
    });
  }

  bool all_done() const {
    return founding_.are_done() &&
           std::all_of(vms_.begin(), vms_.end(), [](const auto& vm) { return vm->are_done(); });
  }

  bool is_idle() const {
    const auto idle = [](const auto& node) { return node->is_idle(); };
    return store_.is_up() && vcenter_.is_idle() &&
           std::all_of(replicas_.begin(), replicas_.end(), idle) &&
           std::all_of(hosts_.begin(), hosts_.end(), idle);
  }

  [[nodiscard]] std::string restless() const {
    std::string who = vcenter_.is_idle() ? "" : "vc-1 ";
    for (const auto& replica : replicas_) {
      if (!replica->is_idle()) who += replica->name() + " ";
    }
    for (const auto& host : hosts_) {
      if (!host->is_idle()) who += host->name() + " ";
    }
    return who;
  }

  // --- between the nodes ----------------------------------------------------------------------

  [[nodiscard]] TimeNs delay() { return world_.random().below(wire_.delay_max + 1); }

  void ask_vcenter(const std::string& host, wire::Want want) {
    if (world_.random().chance(wire_.broken)) return;  // It asks again.
    world_.after(delay(), [this, host, want] { vcenter_.on_want(host, want); });
  }
  void answer_host(const std::string& name, Bytes nonce, std::vector<wire::SealedKey> keys) {
    if (world_.random().chance(wire_.broken)) return;
    world_.after(delay(), [this, name, nonce, keys] {
      for (const auto& host : hosts_) {
        if (host->name() == name) host->on_keys(nonce, keys);
      }
    });
  }
  void fetch_keyring(std::size_t asker, const std::function<void(std::optional<Bytes>)>& reply) {
    const std::size_t other =
        (asker + 1 + static_cast<std::size_t>(world_.random().below(kReplicas - 1))) % kReplicas;
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

  template <class Node>
  void crash(Node& node) {
    node.crash();
    world_.after(world_.random().below(2 * kSecond), [&node] {
      if (!node.is_up()) node.start();
    });
  }
  void crash_something() {
    if (!crashes_) return;
    auto& random = world_.random();
    switch (random.below(4)) {
      case 0:
        crash(store_);
        break;
      case 1:
        crash(*replicas_[random.below(kReplicas)]);
        break;
      case 2:
        crash(vcenter_);
        break;
      default:
        crash(*hosts_[random.below(kHosts)]);
    }
    world_.after(random.below(6 * kSecond), [this] { crash_something(); });
  }

  // --- the audit ------------------------------------------------------------------------------

  void audit() {
    for (const auto& wrong : {audit_form(store_.log()), audit_keys(store_.log())}) {
      if (wrong) world_.fail(*wrong);
    }
    if (world_.failure()) return;
    audit_disks();
    audit_replicas();
    audit_secrets();
    for (const auto& row : store_.log().rows()) {
      const Fact fact = decode_fact(row.fact).value();
      const std::string_view type = type_of(fact.body.event);
      if (type == "EncryptionCompleted") ++encryptions_;
      if (type == "KeyReleased") ++releases_;
    }
  }

  // The key of each VM, as the log has it, wraps its disk.
  void audit_disks() {
    for (const auto& [name, vm] : vcenter_.state().vms) {
      const auto disk = datastore_.find(name);
      if (disk == datastore_.end()) {
        if (vm.created) world_.fail(name + " has no disk");
      } else if (disk->second.wrapped_by != vm.key) {
        world_.fail(name + " is wrapped by key '" + disk->second.wrapped_by.id +
                    "', the log says '" + vm.key.id + "'");
      }
    }
  }

  void audit_replicas() {
    const kms::State& first = replicas_[0]->state();
    for (const auto& replica : replicas_) {
      const kms::State& state = replica->state();
      if (state.clients() != first.clients() || state.objects() != first.objects()) {
        world_.fail(replica->name() + " does not know what kms-1 knows");
      }
    }
  }

  // No key that a host ever saw is anywhere in the log.
  void audit_secrets() {
    for (const auto& [id, key] : seen_keys_) {
      const auto holds = [&key = key](const Bytes& bytes) {
        return std::search(bytes.begin(), bytes.end(), key.begin(), key.end()) != bytes.end();
      };
      for (const auto& row : store_.log().rows()) {
        bool found = holds(row.fact.body);
        for (const Attachment& attachment : row.attachments) found |= holds(attachment.bytes);
        if (found) world_.fail("the log holds key " + id.id + " in the clear");
      }
    }
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
  HostNode::SeenKeys seen_keys_;
  Chores founding_;
  std::vector<std::unique_ptr<Chores>> vms_;
  bool crashes_ = false;
  std::size_t encryptions_ = 0;
  std::size_t releases_ = 0;
};

}  // namespace

InstallationVerdict run_installation(std::uint64_t seed, const StoreBugs& bugs) {
  return Installation(seed, bugs).run();
}

}  // namespace keytrail::simulation
