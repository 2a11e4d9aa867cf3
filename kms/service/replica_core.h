// ReplicaCore: a replica of a KMS cluster, without I/O: inputs in, outputs out.
//
//   KMIP request ─► decide on a draft ─┬─► facts: submit, accepted ─► respond (record, then reveal)
//                    ▲  of the state   ├─► none: ask the head, follow to it, decide ─► respond
//                    └─── follow ◄── conflict
// Any replica answers anything at once: what a decision read is guarded, so a replica that lags
// meets a conflict, follows and decides again, with the same identifiers, material and leaves. A
// connection has a floor, the highest position acknowledged to it: its next request is decided when
// that has been followed, so a client reads its own writes. Every answer with a release, a change
// or a refusal leaves only when its unit is durable.
//
// On its way to serving, a replica follows the log to its end, founds the cluster or waits to be
// admitted and for the keyring, and punctures what was destroyed meanwhile. When the log is away it
// refuses: what waits ends with an error, which says whether its outcome is known, and the listener
// closes, so that clients fail over.
//
// Threads: one. Secrets: key material is in SecretBytes, in a bounded cache and in answers on their
// way.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "bus/events/refusal_counter.h"
#include "kms/keyring/keyring.h"
#include "kms/model/state.h"
#include "kms/service/leaf_blocks.h"
#include "kms/service/material_store.h"
#include "kms/service/replica_messages.h"
#include "kms/service/request_decider.h"

namespace keytrail::kms {

struct ReplicaOptions {
  std::string cluster;
  std::string name;
  Hash certificate{};   // of its KMIP and keyring ports
  bool founds = false;  // the cluster, if nobody has: the first replica
  bool record_reads = false;
  std::uint64_t shred_interval_ms = 1000;
  std::size_t cached_bytes_max = std::size_t{8} << 20;
  std::size_t requests_max = 4096;  // open at a time; beyond, the answer is an error
  Hash action_seed{};               // fresh per process: names what the replica does by itself
};

class ReplicaCore {
 public:
  explicit ReplicaCore(ReplicaOptions options);

  // Its keyring: the one it has at start, made for make_keyring, or got for fetch_keyring.
  // REQUIRES: outlives the core. Whoever owns it punctures it as ordered, between two calls of the
  // core.
  void use(keyring::Keyring& keyring);

  // Time is data: the wall clock for answers, log time for rules. Neither goes back.
  void advance(TimeNs wall, TimeNs log_time);

  void on(const wire::LinkEvent& event);
  void on(KmipRequest request);
  void on(const ConnectionClosed& closed);
  void on(CommandGiven given);
  void on(const KeyringAsked& asked);
  void on(const Punctured& punctured);
  void on(const StrangerTurnedAway& stranger);
  // In order: requests end with an error, the listener closes, and what is counted of refusals goes
  // to the log with the last outputs.
  void stop();

  [[nodiscard]] Outputs take_outputs();

  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const State& state() const { return state_; }

 private:
  using Id = protocol::TransactionId;

  // What waits for the log: a request, a command, a grant, or a duty of the replica itself.
  struct Course {            // of what somebody waits for
    bool fresh = false;      // decided at a head that was asked for after it came
    bool submitted = false;  // the log has it, and has not said what became of it
    bool answered = false;   // with an error, or nobody is there; only the log's word is awaited
  };
  struct OpenKmip {
    ConnectionId connection = 0;
    KmipWork work;
    SecretBytes answer;
    std::optional<std::size_t> last_change;  // among its facts; notes change nothing to be followed
    Course course;
  };
  struct OpenCommand {
    CommandGiven given;
    Answer answer;
    Course course;
  };
  struct OpenGrant {
    KeyringAsked asked;
    Course course;
  };
  struct OpenLease {
    std::uint64_t block = 0;
  };
  using Duty = std::variant<FoundCluster, StateShredded, StateRestored, part::RefusalsRepeated>;
  struct OpenDuty {
    Duty duty;
  };
  using Open = std::variant<OpenKmip, OpenCommand, OpenGrant, OpenLease, OpenDuty>;
  static Course* course_of(Open& open);  // null: the replica's own, nobody waits for it

  // replica_core.cc: the log, and the way to serving
  void on_link(const wire::Followed& followed);
  void on_link(const wire::FollowedThrough& through);
  void on_link(const wire::FollowStateChanged& changed);
  void on_link(const wire::TransactionAccepted& accepted);
  void on_link(const wire::TransactionDecideAgain& again);
  void on_link(const wire::TransactionFailed& failed);
  void on_link(const wire::HeadAnswered& answered);
  void on_link(const wire::LogUnserved&) {}  // For the operator: the shell tells.
  void on_link(const wire::LinkEnded& ended);
  void move_on();
  void move_on_as_member();
  void move_on_as_retired();
  void want_keyring();
  void take_up_service();
  void state_restored();
  void serve();
  void leave_service(Phase phase, const std::string& why);
  void end(std::string reason);
  void tell_clients_if_due();
  // REQUIRES: a keyring. What it still has to forget.
  void count_owed();
  void puncture_if_due();
  void order_puncture();
  void lease_if_due();

  // replica_requests.cc: what waits for the log
  [[nodiscard]] Id begin(Open open);
  void begin_duty(Duty duty);
  void decide(Id id);
  void decide(Id id, OpenKmip& open);
  void decide(Id id, OpenCommand& open);
  void decide(Id id, OpenGrant& open);
  void decide(Id id, OpenLease& open);
  void decide(Id id, OpenDuty& open);
  void complete(OpenKmip& open, Position first);
  void complete(OpenCommand& open, Position first);
  void complete(OpenGrant& open, Position first);
  void complete(OpenLease& open, Position first);
  void complete(OpenDuty& open, Position first);
  void fail(OpenKmip& open, const std::string& why);
  void fail(OpenCommand& open, const std::string& why);
  void fail(OpenGrant& open, const std::string& why);
  void fail(OpenLease& open, const std::string& why);
  void fail(OpenDuty& open, const std::string& why);
  void turn_away(Id id, OpenKmip& open);
  void turn_away(CommandGiven given);
  void state_refusal(Id id, const std::string& socket, const std::string& reason,
                     const std::string& address);
  void state_last_refusals();
  [[nodiscard]] protocol::Decision decision_to_state(const part::RefusalsRepeated& refusals);
  void respond(OpenKmip& open, SecretBytes answer);
  void submit(Id id, protocol::Decision decision);
  void finish(Id id, Position first);  // 0: nothing was recorded
  void decide_those_without_leaf();
  [[nodiscard]] Draft draft() const { return Draft(state_, scope_, log_time_); }
  [[nodiscard]] Authorship own_authorship();

  // replica_commands.cc
  [[nodiscard]] std::optional<Answer> read(const Command& command) const;
  [[nodiscard]] Decided<std::string> change(Draft& on, const Command& command) const;

  const ReplicaOptions options_;
  const Scope scope_;
  State state_;
  keyring::Keyring* keyring_ = nullptr;
  MaterialStore materials_;
  LeafBlocks leaves_;
  RefusalCounter refusals_;
  RequestDecider decider_;

  Phase phase_ = Phase::kFollowing;
  protocol::FollowState follow_ = protocol::FollowState::kConnecting;
  bool epoch_begun_ = false;
  bool keyring_wanted_ = false;  // asked of the shell already
  bool leasing_ = false;
  bool clients_told_ = false;  // to whoever holds the connections
  Position followed_ = 0;
  TimeNs wall_ = 0;
  TimeNs log_time_ = 0;
  std::uint64_t actions_ = 0;

  Id next_id_ = 1;
  std::map<Id, Open> open_;
  std::set<Id> undecided_;  // came back with a conflict, not submitted again yet
  std::size_t open_requests_ = 0;
  std::multimap<Position, Id> below_floor_;  // decided once this is followed
  std::vector<Id> without_leaf_;
  std::map<ConnectionId, Position> floors_;  // those that are not followed yet

  std::vector<std::uint64_t> owed_;  // leaves of destroyed objects, not yet ordered to be punctured
  std::optional<PunctureOrder> puncturing_;
  std::optional<StateRestored> restored_;  // the file was an old copy
  Position punctured_through_ = 0;
  TimeNs last_puncture_ = 0;

  Outputs outputs_;
};

// SHA-256 over a leaf that is never leased: says which keyring it is, not what it holds.
[[nodiscard]] Result<Hash> keyring_fingerprint(keyring::Keyring& keyring);

}  // namespace keytrail::kms
