#include "tests/simulation/installation/host_node.h"

#include "bus/events/match.h"
#include "kms/crypto/key_push.h"
#include "tests/simulation/fold.h"
#include "tests/simulation/supervisor.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kTickEvery = 100 * kMs;
constexpr std::size_t kNonceBytes = 16;
constexpr std::size_t kFingerprintBytes = 16;
constexpr TimeNs kGuestRunsMax = 3 * kSecond;
constexpr protocol::TopicSet kTopics = protocol::topic_bit(protocol::Topic::kVcenterChange) |
                                       protocol::topic_bit(protocol::Topic::kEsxiChange);

}  // namespace

HostNode::HostNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
                   Datastore& datastore, SeenKeys& seen, AskVCenter ask)
    : world_(world),
      store_(store),
      name_(std::move(name)),
      datastore_(datastore),
      seen_(seen),
      ask_(std::move(ask)),
      sockets_(world, faults) {}

void HostNode::start() {
  KEYTRAIL_CHECK(!is_up());
  world_.note(name_ + ": started");
  ++life_;
  process_ = std::make_unique<Process>(crypto::derive_key_pair(world_.random().secret(32)));
  Bytes boot(8);
  world_.random().fill(boot);
  process_->boot = to_hex(boot);
  process_->core = std::make_unique<esxi::HostCore>(esxi::HostCore::Options{.self = self()});
  process_->link = std::make_unique<LinkTwin>(
      world_, store_, sockets_,
      LinkTwin::Options{.author = "esxi/" + name_, .topics = kTopics, .known = last_},
      [this] { step(); });
  tick();
}

void HostNode::crash() {
  if (!is_up()) return;
  world_.note(name_ + ": crashed");
  ++life_;
  check_state();
  last_ = process_->link->known();
  process_.reset();
  // The locks go with the process that held them, and its guests too.
  std::erase_if(datastore_.locks, [this](const auto& lock) { return lock.second == name_; });
}

std::string HostNode::describe() const {
  if (!is_up()) return name_ + " is down";
  return name_ + " (followed " + std::to_string(process_->link->followed()) + ", " +
         (process_->link->is_idle() ? "link idle" : "link busy") + ", " +
         (process_->core->is_idle() ? "core idle" : "core busy") + ", orders " +
         std::to_string(process_->core->state().orders.size()) + ")";
}

void HostNode::check_state() const {
  esxi::State known;
  const Position taken = process_->link->taken();
  fold(store_.log(), kTopics, taken, [&](const Fact& fact) { evolve(known, self(), fact); });
  if (known == process_->core->state()) return;
  world_.fail(name_ + " does not know what the log says up to " + std::to_string(taken));
}

bool HostNode::is_idle() const {
  return is_up() && process_->begun && process_->core->is_idle() && process_->link->is_idle() &&
         process_->link->followed() == store_.log().head() &&
         process_->core->state().orders.empty();
}

void HostNode::on_keys(const Bytes& nonce, const std::vector<wire::SealedKey>& keys) {
  if (!is_up() || !process_->asked.contains(nonce)) return;
  std::vector<esxi::KeyArrival> arrivals;
  for (const wire::SealedKey& sealed : keys) {
    crypto::HpkeSealed message;
    if (sealed.encapsulation.size() != message.encapsulated.size()) {
      arrivals.push_back({sealed.key, false, sealed.detail});
      continue;
    }
    std::copy(sealed.encapsulation.begin(), sealed.encapsulation.end(),
              message.encapsulated.begin());
    message.ciphertext = sealed.ciphertext;
    const auto kek = crypto::open_key_push(process_->boot_keys,
                                           {.host = name_,
                                            .boot = to_bytes(as_bytes(process_->boot)),
                                            .nonce = nonce,
                                            .provider = sealed.key.provider,
                                            .key_id = sealed.key.id},
                                           message);
    if (!kek.ok()) {
      world_.note(name_ + ": a key does not open: " + kek.error().detail);
      continue;
    }
    if (!seen_.see(sealed.key, to_bytes(kek->read(SecretAccess())))) {
      world_.fail("key " + sealed.key.id + " is not the same on every replica");
    }
    arrivals.push_back({sealed.key, true, ""});
  }
  process_->core->on_keys(arrivals);
  step();
}

void HostNode::step() {
  for (const wire::LinkEvent& event : process_->link->take_events()) {
    esxi::HostCore& core = *process_->core;
    match(
        event, [&](const wire::Followed& x) { core.on_followed(x.fact); },
        [&](const wire::FollowedThrough& x) {
          core.on_followed_through(x.position);
          begin_if_live();
        },
        [&](const wire::FollowStateChanged&) { begin_if_live(); },
        [&](const wire::TransactionAccepted& x) { core.on_accepted(x.id, x.first, x.count); },
        [&](const wire::TransactionDecideAgain& x) { core.on_decide_again(x.id); },
        [&](const wire::TransactionFailed& x) {
          world_.note(name_ + ": not recorded: " + x.error.detail);
          core.on_failed(x.id, x.error);
        },
        [](const wire::HeadAnswered&) {},
        [](const wire::LogUnserved&) {},  // For an operator; there is none.
        [&](const wire::LinkEnded& x) { restart_fenced(world_, *this, name_, x.reason); });
  }
  process_->core->tick(world_.now());
  esxi::HostCore::Outputs outputs = process_->core->take_outputs();
  for (const auto& [id, decision] : outputs.submit) process_->link->submit(id, decision);
  for (const esxi::Duty& duty : outputs.perform) perform(duty);
}

void HostNode::begin_if_live() {
  if (process_->begun || process_->link->state() != protocol::FollowState::kLive) return;
  process_->begun = true;
  process_->link->begin_epoch(process_->core->state().epoch, "simulated");
  process_->core->start(process_->boot, process_->boot_keys.public_key);
}

void HostNode::perform(const esxi::Duty& duty) {
  match(
      duty,
      [&](const esxi::AskForKeys& x) {
        wire::Want want{.boot = process_->boot, .nonce = Bytes(kNonceBytes), .keys = {}};
        world_.random().fill(want.nonce);
        want.keys.assign(x.keys.begin(), x.keys.end());
        process_->asked.insert(want.nonce);
        ask_(name_, std::move(want));
      },
      [&](const esxi::AdoptKeys& x) { process_->adopted.insert(x.keys.begin(), x.keys.end()); },
      [&](const esxi::DropKeys& x) {
        for (const KeyId& key : x.keys) process_->adopted.erase(key);
      },
      [&](const esxi::PerformOrder& x) { perform_order(x); }, [](const esxi::RetireFiles&) {});
}

void HostNode::perform_order(const esxi::PerformOrder& duty) {
  const esxi::Order& order = duty.order;
  for (const KeyId& key : {order.key, order.old_key}) {
    if (!key.is_none() && !process_->adopted.contains(key)) {
      world_.fail(name_ + " performs an order with key " + key.id + ", which it does not hold");
    }
  }
  const TimeNs work = world_.random().below(200 * kMs);
  const TimeNs report = world_.random().below(50 * kMs);
  const auto done = [this, action = order.action](esxi::OrderOutcome outcome) {
    process_->core->on_order_done(action, std::move(outcome));
    step();
  };
  switch (order.kind) {
    case esxi::OrderKind::kPowerOn:
      start_guest(order.vm);
      return after(work, [done] { done({}); });
    case esxi::OrderKind::kPowerOff:
      end_guest(order.vm);
      return after(work, [done] { done({}); });
    default:
      break;
  }
  // The commit on the storage, and some time later the report: a crash may fall between.
  lock(order.vm);
  after(work, [this, order, report, done] {
    commit(order);
    const Datastore::Disk& disk = datastore_.disks[order.vm];
    const esxi::DiskOutcome outcome{.disk = disk.state, .dek_fingerprint = disk.fingerprint};
    after(report, [this, vm = order.vm, outcome, done] {
      datastore_.locks.erase(vm);
      done({.disk = outcome});
    });
  });
}

// The descriptor has the action's id: what is done already is not done again.
void HostNode::commit(const esxi::Order& order) {
  Datastore::Disk& disk = datastore_.disks[order.vm];
  if (disk.action == order.action) return;
  const bool creates = order.kind == esxi::OrderKind::kCreate;
  if (creates) disk.state = {order.vm + "-disk", order.vm + "-flat", 1 << 20, 4096, 0};
  ++disk.state.generation;
  const bool new_dek = order.kind == esxi::OrderKind::kEncrypt || creates ||
                       order.depth == vcenter::RecryptDepth::kDeep;
  if (new_dek) {
    disk.fingerprint.resize(kFingerprintBytes);
    world_.random().fill(disk.fingerprint);
  }
  disk.wrapped_by = order.kind == esxi::OrderKind::kDecrypt ? KeyId{} : order.key;
  if (disk.wrapped_by.is_none()) disk.fingerprint.clear();
  disk.action = order.action;
}

// A guest has its disk open until it ends, by itself perhaps.
void HostNode::start_guest(const std::string& vm) {
  if (!process_->guests.insert(vm).second) return;
  lock(vm);
  if (world_.random().chance(0.5)) return;
  after(world_.random().below(kGuestRunsMax), [this, vm] {
    if (!process_->guests.contains(vm)) return;
    end_guest(vm);
    process_->core->on_guest_ended({.vm = vm, .detail = {}, .usage = {}});
    step();
  });
}

void HostNode::end_guest(const std::string& vm) {
  if (process_->guests.erase(vm) > 0) datastore_.locks.erase(vm);
}

void HostNode::lock(const std::string& vm) {
  const auto [held, fresh] = datastore_.locks.emplace(vm, name_);
  if (!fresh) world_.fail(name_ + " opens the disk of " + vm + ", which " + held->second + " has");
}

void HostNode::tick() {
  step();
  after(kTickEvery, [this] { tick(); });
}

void HostNode::after(TimeNs delay, std::function<void()> what) {
  world_.after(delay, [this, life = life_, what = std::move(what)] {
    if (life == life_) what();
  });
}

}  // namespace keytrail::simulation
