#include "esxi/service/host_core.h"

#include <algorithm>

#include "bus/events/match.h"
#include "esxi/model/keys.h"
#include "esxi/model/mode.h"
#include "esxi/model/orders.h"

namespace keytrail::esxi {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr TimeNs kPauseMinNs = 1'000'000'000;
constexpr TimeNs kPauseMaxNs = 30 * kPauseMinNs;

protocol::Decision to_protocol(Decision decision, TimeNs now) {
  protocol::Decision out;
  for (Body& body : decision.facts) {
    body.clock = now;
    out.facts.push_back(std::move(body));
  }
  for (auto& [stream, version] : decision.guards) out.guards.push_back({stream, version});
  return out;
}

bool is_unlock_of(const Fact& fact, const State& state, const Identity& self) {
  const auto* event = std::get_if<vcenter::Event>(&fact.body.event);
  if (event == nullptr) return false;
  const auto* unlock = std::get_if<vcenter::UnlockRequested>(event);
  if (unlock == nullptr) return false;
  const auto vm = state.vms.find(unlock->vm);
  return vm != state.vms.end() && vm->second.host == self.host;
}

}  // namespace

HostCore::HostCore(Options options) : options_(std::move(options)) {}

void HostCore::Pause::lengthen(TimeNs now) {
  constexpr std::uint32_t kDoublingsMax = 5;  // 32 s: beyond the longest pause
  until = now + std::min(kPauseMinNs << std::min(failures, kDoublingsMax), kPauseMaxNs);
  ++failures;
}

// --- the log -------------------------------------------------------------------------------------

void HostCore::on_followed(const Fact& fact) {
  evolve(state_, options_.self, fact);
  if (is_unlock_of(fact, state_, options_.self)) asked_at_ = 0;  // Somebody waits: ask at once.
}

void HostCore::on_followed_through(Position position) {
  followed_ = position;
  settle();
  pursue();
}

void HostCore::start(std::string boot, const Hash& boot_key) {
  KEYTRAIL_CHECK(boot_.empty() && !boot.empty());
  boot_ = std::move(boot);
  boot_key_ = boot_key;
  intend(Start{});
}

void HostCore::on_accepted(protocol::TransactionId id, Position first, std::uint32_t count) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  found->second.settles_at = first + count - 1;
  settle();  // The facts may come back before the acknowledgement does.
}

void HostCore::settle() {
  adopt_received();
  for (auto entry = open_.begin(); entry != open_.end();) {
    const auto here = entry++;
    const Open& open = here->second;
    if (open.settles_at == 0 || open.settles_at > followed_) continue;
    if (const auto* told = std::get_if<TellDisk>(&open.intent)) {
      retire(told->vm);
    } else if (std::holds_alternative<Start>(open.intent)) {
      for (const auto& [name, vm] : state_.vms) retire(name);  // What the last boot had to leave.
    }
    close(here);
  }
}

void HostCore::retire(const std::string& vm) {
  const auto known = state_.vms.find(vm);
  if (known == state_.vms.end() || known->second.host != options_.self.host) return;
  outputs_.perform.emplace_back(RetireFiles{vm, known->second});
}

void HostCore::on_decide_again(protocol::TransactionId id) {
  if (!open_.contains(id)) return;
  decide_and_submit(id);
  // There is nothing to say any more: the transaction is given back.
  if (!open_.contains(id)) outputs_.submit.emplace_back(id, protocol::Decision{});
}

void HostCore::on_failed(protocol::TransactionId id, const Error&) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  // What vCenter sent is wiped, and asked for again.
  if (std::holds_alternative<Receive>(found->second.intent) ||
      std::holds_alternative<Lock>(found->second.intent)) {
    return close(found);
  }
  found->second.pause.lengthen(now_);
}

void HostCore::decide_again_what_failed() {
  std::vector<protocol::TransactionId> due;
  for (auto& [id, open] : open_) {
    if (open.pause.until == 0 || now_ < open.pause.until) continue;
    open.pause.until = 0;
    due.push_back(id);
  }
  for (const protocol::TransactionId id : due) decide_and_submit(id);
}

// --- what the shell reports ----------------------------------------------------------------------

void HostCore::on_order_done(const ActionId& action, Result<OrderOutcome> outcome) {
  const auto found = state_.orders.find(action);
  if (found == state_.orders.end()) return;
  const Order& order = found->second;
  if (!outcome.ok() && outcome.error().code == ErrorCode::kUnavailable) {
    Attempt& attempt = attempts_[action];
    attempt.is_under_way = false;
    attempt.pause.lengthen(now_);
  } else if (!outcome.ok()) {
    intend(Refuse{action, Refusal::kHostRefused, outcome.error().detail});
  } else if (order.kind == OrderKind::kPowerOn) {
    intend(TellGuestStarted{action, order.vm});
  } else if (order.kind == OrderKind::kPowerOff) {
    intend(TellGuestStopped{{order.vm, StopReason::kOrdered, "", outcome->usage}, action});
  } else {
    intend(TellDisk{action, order.vm, outcome->disk});
  }
}

void HostCore::on_guest_ended(GuestEnd end) {
  std::string vm = end.vm;
  ended_.insert_or_assign(std::move(vm), std::move(end));
  pursue();
}

void HostCore::on_keys(const std::vector<KeyArrival>& arrivals) {
  for (const KeyArrival& arrival : arrivals) {
    if (arrival.available) {
      arrived_.push_back(arrival.key);
    } else if (!is_open<Lock>([&](const Lock& lock) { return lock.key == arrival.key; })) {
      intend(Lock{arrival.key});
    }
  }
  pursue();
}

void HostCore::on_usage(const std::vector<DiskUsage>& usages) {
  for (const DiskUsage& more : usages) {
    DiskUsage& usage = usage_[more.vm];
    usage.vm = more.vm;
    usage.disk = more.disk;
    usage.read_bytes += more.read_bytes;
    usage.written_bytes += more.written_bytes;
    usage.reads += more.reads;
    usage.writes += more.writes;
  }
  pursue();
}

void HostCore::tick(TimeNs now) {
  now_ = now;
  decide_again_what_failed();
  pursue();
}

HostCore::Outputs HostCore::take_outputs() { return std::exchange(outputs_, {}); }

// --- intents -------------------------------------------------------------------------------------

Decision HostCore::decide(const Intent& intent) const {
  const Identity& self = options_.self;
  return match(
      intent, [&](const Start&) { return decide_start(state_, self, boot_, boot_key_); },
      [&](const StateMode&) { return decide_mode(state_, self); },
      [&](const Receive& x) { return decide_received(state_, self, x.keys); },
      [&](const Erase& x) { return decide_erased(state_, self, x.keys); },
      [&](const Claim& x) { return decide_claim(state_, self, x.action); },
      [&](const TellDisk& x) { return decide_disk_done(state_, self, x.action, x.outcome); },
      [&](const Refuse& x) { return decide_refuse(state_, self, x.action, x.reason, x.detail); },
      [&](const TellGuestStarted& x) { return decide_guest_started(state_, self, x.action); },
      [&](const TellGuestStopped& x) {
        return decide_guest_stopped(state_, self, x.end, x.action);
      },
      [&](const Lock& x) { return decide_locked(state_, self, x.key); },
      [&](const Unlock&) { return decide_unlocked(state_, self); },
      [&](const TellLostGuests&) { return decide_lost_guests(state_, self); },
      [&](const TellUsage& x) { return decide_usage(state_, self, x.usage); });
}

void HostCore::intend(Intent intent) {
  const protocol::TransactionId id = next_id_++;
  open_.emplace(id, Open{.intent = std::move(intent)});
  decide_and_submit(id);
}

void HostCore::decide_and_submit(protocol::TransactionId id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  Decision decision = decide(found->second.intent);
  if (decision.facts.empty()) return close(found);
  outputs_.submit.emplace_back(id, to_protocol(std::move(decision), now_));
}

// What the log says is held may be used, and orders that wait for it go on at once: so it is
// adopted when it is followed, which may be before its acknowledgement is there.
void HostCore::adopt_received() {
  for (auto& [id, open] : open_) {
    auto* receive = std::get_if<Receive>(&open.intent);
    if (receive == nullptr) continue;
    AdoptKeys held;
    std::erase_if(receive->keys, [&](const KeyId& key) {
      if (!state_.held.contains(key)) return false;
      held.keys.push_back(key);
      return true;
    });
    if (!held.keys.empty()) outputs_.perform.emplace_back(std::move(held));
  }
}

void HostCore::close(std::map<protocol::TransactionId, Open>::iterator at) {
  const Intent intent = std::move(at->second.intent);
  open_.erase(at);
  // A key whose receipt is not on the log is not used.
  if (const auto* receive = std::get_if<Receive>(&intent)) {
    std::set<KeyId> unused;
    for (const KeyId& key : receive->keys) {
      if (!state_.held.contains(key)) unused.insert(key);
    }
    if (!unused.empty()) outputs_.perform.emplace_back(DropKeys{std::move(unused)});
  }
}

template <class Kind>
bool HostCore::is_open() const {
  return is_open<Kind>([](const Kind&) { return true; });
}

template <class Kind, class Which>
bool HostCore::is_open(Which is_it) const {
  return std::ranges::any_of(open_, [&](const auto& entry) {
    const auto* const intent = std::get_if<Kind>(&entry.second.intent);
    return intent != nullptr && is_it(*intent);
  });
}

// --- what is owed --------------------------------------------------------------------------------

void HostCore::pursue() {
  if (boot_.empty() || state_.boot != boot_) return;  // HostStarted comes first.
  pursue_keys();
  pursue_orders();
  pursue_guests();
  pursue_usage();
}

void HostCore::pursue_keys() {
  if (mode_is_due(state_) && !is_open<StateMode>()) intend(StateMode{});
  if (!is_open<Receive>()) {
    if (arrived_.empty()) {
      ask_for_keys();
    } else {
      const std::size_t count = std::min(arrived_.size(), kKeysPerUnitMax);
      const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(count);
      Receive receive{{arrived_.begin(), end}};
      arrived_.erase(arrived_.begin(), end);
      intend(std::move(receive));
    }
  }
  std::set<KeyId> unneeded = keys_to_erase(state_);
  if (!unneeded.empty() && !is_open<Erase>() && !is_open<Receive>()) {
    outputs_.perform.emplace_back(DropKeys{unneeded});
    intend(Erase{std::move(unneeded)});
  }
  const bool unlocks = std::any_of(state_.vms.begin(), state_.vms.end(), [&](const auto& entry) {
    const Vm& vm = entry.second;
    return vm.host == options_.self.host && vm.locked && state_.held.contains(vm.key);
  });
  if (unlocks && !is_open<Unlock>()) intend(Unlock{});
}

void HostCore::ask_for_keys() {
  std::set<KeyId> owed = keys_owed(state_);
  const bool time_is_up = asked_at_ == 0 || now_ >= asked_at_ + options_.ask_interval_ms * kNsPerMs;
  // Keys that came meanwhile are no reason: the others are on their way.
  if (owed.empty() || (!time_is_up && std::ranges::includes(asked_, owed))) return;
  asked_at_ = now_;
  asked_ = owed;
  outputs_.perform.emplace_back(AskForKeys{std::move(owed)});
}

void HostCore::pursue_orders() {
  for (const ActionId& action : orders_to_claim(state_)) {
    if (!is_open<Claim>([&](const Claim& claim) { return claim.action == action; })) {
      intend(Claim{action});
    }
  }
  std::erase_if(attempts_, [&](const auto& entry) { return !state_.orders.contains(entry.first); });
  for (const ActionId& action : orders_to_perform(state_)) {
    Attempt& attempt = attempts_[action];
    if (attempt.is_under_way || now_ < attempt.pause.until) continue;
    attempt.is_under_way = true;
    const Order& order = state_.orders.at(action);
    const auto vm = state_.vms.find(order.vm);
    outputs_.perform.emplace_back(
        PerformOrder{order, vm == state_.vms.end() ? Vm{.host = options_.self.host} : vm->second});
  }
}

void HostCore::pursue_guests() {
  if (guests_are_lost(state_, options_.self) && !is_open<TellLostGuests>()) {
    intend(TellLostGuests{});
  }
  for (auto end = ended_.begin(); end != ended_.end();) {
    const std::string& name = end->first;
    const auto vm = state_.vms.find(name);
    const bool is_on = vm != state_.vms.end() && vm->second.power == PowerState::kOn;
    const bool is_starting = std::ranges::any_of(state_.orders, [&](const auto& entry) {
      return entry.second.vm == name && entry.second.kind == OrderKind::kPowerOn;
    });
    const bool is_told = is_open<TellGuestStopped>(
        [&](const TellGuestStopped& told) { return told.end.vm == name; });
    if (is_on && !is_told) {
      intend(TellGuestStopped{end->second, std::nullopt});
      end = ended_.erase(end);
    } else if (!is_on && !is_starting) {
      end = ended_.erase(end);  // It never was told to run: the order was refused.
    } else {
      ++end;
    }
  }
}

void HostCore::pursue_usage() {
  for (auto usage = usage_.begin(); usage != usage_.end();) {
    if (is_open<TellUsage>([&](const TellUsage& tell) { return tell.usage.vm == usage->first; })) {
      ++usage;  // One at a time: while the log is away, they add up.
      continue;
    }
    intend(TellUsage{usage->second});
    usage = usage_.erase(usage);
  }
}

}  // namespace keytrail::esxi
