#include "kms/service/replica_core.h"

#include <algorithm>

#include "bus/secret/sha256.h"

namespace keytrail::kms {
namespace {

constexpr TimeNs kNsPerMs = 1'000'000;
constexpr std::string_view kNothingDone = " Nothing was done: ask another replica.";
constexpr std::string_view kOutcomeUnknown =
    " Whether this was recorded is not known yet: look, then ask again.";

}  // namespace

Result<Hash> keyring_fingerprint(keyring::Keyring& keyring) {
  const SecretBytes last_leaf = TRY(keyring.seal_key(keyring::kLeafIndexEnd - 1));
  return sha256({as_bytes("keytrail/keyring/1"), last_leaf.read(SecretAccess())});
}

ReplicaCore::ReplicaCore(ReplicaOptions options)
    : options_(std::move(options)),
      scope_{.cluster = options_.cluster, .replica = options_.name},
      materials_(options_.cluster, options_.cached_bytes_max),
      decider_(state_, materials_, leaves_, scope_, options_.record_reads) {}

void ReplicaCore::use(keyring::Keyring& keyring) {
  keyring_ = &keyring;
  keyring_wanted_ = false;
  materials_.use(keyring);
  move_on();
}

void ReplicaCore::advance(TimeNs wall, TimeNs log_time) {
  wall_ = std::max(wall_, wall);
  log_time_ = std::max(log_time_, log_time);
  if (phase_ == Phase::kRetired) return move_on();
  if (phase_ != Phase::kServing) return;
  puncture_if_due();
  for (part::RefusalsRepeated& due : refusals_.take_due(wall_)) begin_duty(std::move(due));
}

Outputs ReplicaCore::take_outputs() {
  tell_clients_if_due();
  for (const Submission& submission : outputs_.submit) undecided_.erase(submission.id);
  // What ended without an append, the second time, is given back to whoever appends.
  std::erase_if(undecided_, [this](Id id) {
    if (open_.contains(id)) return false;
    outputs_.submit.push_back({id, {}});
    return true;
  });
  return std::exchange(outputs_, {});
}

// Once for all that changed between two rounds: while the log is caught up with, that is much.
void ReplicaCore::tell_clients_if_due() {
  if (phase_ != Phase::kServing || std::exchange(clients_told_, true)) return;
  std::set<Hash>& certificates = outputs_.clients.emplace();
  for (const auto& [name, client] : state_.clients()) {
    if (client.removed) continue;
    certificates.insert(client.certificates.begin(), client.certificates.end());
  }
}

void ReplicaCore::stop() {
  if (phase_ != Phase::kEnded) end({});
}

void ReplicaCore::on(const wire::LinkEvent& event) {
  if (phase_ == Phase::kEnded) return;
  std::visit([this](const auto& one) { on_link(one); }, event);
}

void ReplicaCore::on_link(const wire::Followed& followed) {
  const Fact& fact = followed.fact;
  log_time_ = std::max(log_time_, fact.stamp.time);
  if (!concerns(scope_.cluster, fact)) return;
  if (const auto* event = std::get_if<Event>(&fact.body.event)) {
    const auto* created = std::get_if<ObjectCreated>(event);
    if (created != nullptr && !followed.attachments.empty()) {
      materials_.keep(created->object, followed.attachments.front().bytes);
    }
    if (const auto* destroyed = std::get_if<KeyDestroyed>(event)) {
      materials_.forget(destroyed->object);
      owed_.push_back(destroyed->leaf);
    }
    if (std::holds_alternative<ClientEnrolled>(*event) ||
        std::holds_alternative<ClientRemoved>(*event)) {
      clients_told_ = false;
    }
  }
  evolve(state_, fact);
}

void ReplicaCore::on_link(const wire::FollowedThrough& through) {
  followed_ = std::max(followed_, through.position);
  std::vector<Id> reached;
  const auto end = below_floor_.upper_bound(followed_);
  for (auto entry = below_floor_.begin(); entry != end; ++entry) reached.push_back(entry->second);
  below_floor_.erase(below_floor_.begin(), end);
  for (const Id id : reached) decide(id);
  std::erase_if(floors_, [this](const auto& floor) { return floor.second <= followed_; });
  move_on();
}

void ReplicaCore::on_link(const wire::FollowStateChanged& changed) {
  follow_ = changed.state;
  if (follow_ == protocol::FollowState::kLost && phase_ == Phase::kServing) {
    leave_service(Phase::kAway, "The log is out of reach.");
  }
  move_on();
}

void ReplicaCore::on_link(const wire::TransactionAccepted& accepted) {
  finish(accepted.id, accepted.first);
}

void ReplicaCore::on_link(const wire::TransactionDecideAgain& again) {
  undecided_.insert(again.id);
  const auto found = open_.find(again.id);
  if (found != open_.end()) {
    if (Course* course = course_of(found->second)) course->submitted = false;
  }
  decide(again.id);
}

void ReplicaCore::on_link(const wire::TransactionFailed& failed) {
  const auto found = open_.find(failed.id);
  if (found == open_.end()) return;
  Open open = std::move(found->second);
  open_.erase(found);
  std::visit([&](auto& one) { fail(one, failed.error.detail); }, open);
}

void ReplicaCore::on_link(const wire::HeadAnswered& answered) {
  const auto found = open_.find(answered.question);
  if (found == open_.end()) return;
  if (Course* course = course_of(found->second)) course->fresh = true;
  decide(answered.question);
}

void ReplicaCore::on_link(const wire::LinkEnded& ended) { end(ended.reason); }

// --- The way to serving.

void ReplicaCore::move_on() {
  if (phase_ == Phase::kEnded || follow_ != protocol::FollowState::kLive) return;
  if (!epoch_begun_) {
    epoch_begun_ = true;
    outputs_.begin_epoch = state_.epoch("kms/" + scope_.replica);
  }
  const Cluster& cluster = state_.cluster();
  if (is_member(cluster, scope_.replica)) return move_on_as_member();
  if (state_.member(scope_.replica) != nullptr) return move_on_as_retired();
  if (!cluster.name.empty() || !options_.founds) {
    phase_ = Phase::kUnadmitted;
    return;
  }
  if (keyring_ == nullptr) {
    if (!std::exchange(keyring_wanted_, true)) outputs_.make_keyring = true;
    return;
  }
  if (phase_ == Phase::kFounding) return;
  phase_ = Phase::kFounding;
  const Result<Hash> fingerprint = keyring_fingerprint(*keyring_);
  if (!fingerprint) return end(fingerprint.error().detail);
  begin_duty(
      FoundCluster{.certificate = options_.certificate, .keyring_fingerprint = *fingerprint});
}

// It serves nobody, but as long as it has the keyring it could still derive what is destroyed: it
// goes on forgetting, and saying so.
void ReplicaCore::move_on_as_retired() {
  if (phase_ == Phase::kServing) leave_service(Phase::kRetired, "This replica was retired.");
  phase_ = Phase::kRetired;
  if (keyring_ == nullptr || puncturing_ || owed_.empty()) return;
  count_owed();  // Whatever was gone before it was retired is not owed again.
  puncture_if_due();
}

void ReplicaCore::move_on_as_member() {
  if (state_.member(scope_.replica)->certificate != options_.certificate) {
    return end("The cluster knows " + scope_.replica +
               " by another certificate: retire it there, then admit this one.");
  }
  if (keyring_ == nullptr) return want_keyring();
  switch (phase_) {
    case Phase::kFollowing:
    case Phase::kFounding:
    case Phase::kUnadmitted:
    case Phase::kRetired:
    case Phase::kWithoutKeyring:
      return take_up_service();
    case Phase::kAway:
      return serve();
    case Phase::kServing:
      puncture_if_due();
      return lease_if_due();
    case Phase::kPuncturing:
    case Phase::kEnded:
      return;
  }
}

void ReplicaCore::want_keyring() {
  phase_ = Phase::kWithoutKeyring;
  if (!std::exchange(keyring_wanted_, true)) outputs_.fetch_keyring = true;
}

// What was destroyed while this replica was not there must be gone before it answers anybody.
void ReplicaCore::take_up_service() {
  const Result<Hash> fingerprint = keyring_fingerprint(*keyring_);
  if (!fingerprint) return end(fingerprint.error().detail);
  if (*fingerprint != state_.cluster().keyring_fingerprint) {
    if (state_.cluster().founder == scope_.replica) {
      return end("The keyring of " + scope_.replica + " is not the one that it founded " +
                 scope_.cluster + " with: give it back its own.");
    }
    // It made one to found the cluster, and another replica was faster.
    keyring_ = nullptr;
    materials_.use_none();
    return want_keyring();
  }
  count_owed();
  const Position stated = state_.member(scope_.replica)->shredded_through;
  if (punctured_through_ < stated) {
    restored_ = StateRestored{.found = punctured_through_, .stated = stated};
  }
  // A keyring that is ahead of what was stated (granted, or a crash came between) is stated now.
  if (owed_.empty() && punctured_through_ <= stated) {
    state_restored();
    return serve();
  }
  phase_ = Phase::kPuncturing;
  order_puncture();
}

void ReplicaCore::count_owed() {
  punctured_through_ = keyring_->punctured_through();
  owed_.clear();
  for (const OwedPuncture& owed : owed_punctures(state_, punctured_through_)) {
    owed_.push_back(owed.leaf);
  }
}

void ReplicaCore::state_restored() {
  if (restored_) begin_duty(*std::exchange(restored_, std::nullopt));
}

// REQUIRES: the log is live.
void ReplicaCore::serve() {
  phase_ = Phase::kServing;
  outputs_.listener = ListenerOrder::kOpen;
  lease_if_due();
}

// Nobody is left waiting. What the log has already may stand on it all the same.
void ReplicaCore::leave_service(Phase phase, const std::string& why) {
  phase_ = phase;
  outputs_.listener = ListenerOrder::kClose;
  for (auto& [id, open] : open_) {
    const Course* course = course_of(open);
    if (course == nullptr || course->answered) continue;
    const std::string told = why + std::string(course->submitted ? kOutcomeUnknown : kNothingDone);
    std::visit([&](auto& one) { fail(one, told); }, open);
  }
}

void ReplicaCore::end(std::string reason) {
  leave_service(Phase::kEnded, reason.empty() ? "This replica stops." : reason);
  open_.clear();
  if (reason.empty()) state_last_refusals();
  outputs_.end = std::move(reason);
}

// --- The keyring.

void ReplicaCore::on(const Punctured& punctured) {
  punctured_through_ = std::max(punctured_through_, punctured.through);
  puncturing_.reset();
  if (phase_ == Phase::kEnded) return;
  state_restored();  // It comes before the ShreddedThrough that it explains.
  begin_duty(StateShredded{
      .through = punctured.through, .leaves = punctured.leaves, .provable = punctured.provable});
  if (phase_ != Phase::kPuncturing) return;
  phase_ = Phase::kAway;  // Unless the log is there.
  move_on();
}

void ReplicaCore::puncture_if_due() {
  if (owed_.empty() || puncturing_ || keyring_ == nullptr) return;
  if (wall_ - last_puncture_ >= options_.shred_interval_ms * kNsPerMs) order_puncture();
}

void ReplicaCore::order_puncture() {
  last_puncture_ = wall_;
  // Facts come in order, so every destruction up to the last of them is among those followed.
  puncturing_ = PunctureOrder{.leaves = std::exchange(owed_, {}),
                              .through = std::max(followed_, state_.position())};
  outputs_.puncture = puncturing_;
}

void ReplicaCore::lease_if_due() {
  if (phase_ != Phase::kServing || leasing_ || !leaves_.needs_block()) return;
  leasing_ = true;
  decide(begin(OpenLease{}));
}

}  // namespace keytrail::kms
