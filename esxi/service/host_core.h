// HostCore: an ESXi host without I/O.
//
//   facts ─► State (esxi/model) ─► owed ─┬─► decide ─► submit ─► accepted ─► followed: settled
//                                        └─► perform (the shell) ─► on_… ─► decide
// A step function: the shell calls what happened and takes what is due. Nothing is owed twice at
// once: an intent stays open until its facts came back from the log, so the next look at the state
// sees them. Nothing is forgotten: what could not be recorded is decided again, and an order whose
// outcome cannot be told yet (kUnavailable) performed again, after 1, 2, 4 … 30 s. Record, then
// use: a key is adopted only once KeyReceived is durable, an order performed only once claimed, old
// files retired only once the outcome was followed. Thread safety: one thread. Key material never
// enters: keys are named by id.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "bus/protocol/transactor.h"
#include "esxi/model/disks.h"
#include "esxi/model/guests.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// --- what the shell performs ---
struct AskForKeys {  // on the host channel; no answer: it is asked again
  std::set<KeyId> keys;
  bool operator==(const AskForKeys&) const = default;
};
struct AdoptKeys {  // from the arrivals into the cache that is used
  std::vector<KeyId> keys;
  bool operator==(const AdoptKeys&) const = default;
};
struct DropKeys {  // out of cache and arrivals, wiped
  std::set<KeyId> keys;
  bool operator==(const DropKeys&) const = default;
};
struct PerformOrder {  // safe to repeat; each ends with one on_order_done
  Order order;
  Vm vm;  // before it
  bool operator==(const PerformOrder&) const = default;
};
struct RetireFiles {  // what the VM's descriptor no longer names
  std::string vm;
  Vm known;  // to the log: the storage must agree before anything goes
  bool operator==(const RetireFiles&) const = default;
};
using Duty = std::variant<AskForKeys, AdoptKeys, DropKeys, PerformOrder, RetireFiles>;

// --- what the shell reports ---
struct OrderOutcome {
  DiskOutcome disk;                // orders about disks
  std::optional<DiskUsage> usage;  // power off: since the last summary
};
struct KeyArrival {
  KeyId key;
  bool available = false;  // false: vCenter could not get it, for the reason in `detail`
  std::string detail;
};

class HostCore {
 public:
  struct Options {
    Identity self;
    std::uint64_t ask_interval_ms = 1000;
  };
  struct Outputs {
    std::vector<std::pair<protocol::TransactionId, protocol::Decision>> submit;
    std::vector<Duty> perform;
  };

  explicit HostCore(Options options);

  void on_followed(const Fact& fact);
  void on_followed_through(Position position);

  // This process's boot. REQUIRES: once, followed to the head, epoch claimed.
  void start(std::string boot, const Hash& boot_key);

  void on_accepted(protocol::TransactionId id, Position first, std::uint32_t count);
  void on_decide_again(protocol::TransactionId id);
  void on_failed(protocol::TransactionId id, const Error& error);

  // kUnavailable: what stands on the storage cannot be told; any other error: nothing of it does,
  // so the order is refused.
  void on_order_done(const ActionId& action, Result<OrderOutcome> outcome);
  void on_guest_ended(GuestEnd end);
  void on_keys(const std::vector<KeyArrival>& arrivals);
  // What guests did to their disks since the last summary.
  void on_usage(const std::vector<DiskUsage>& usages);
  void tick(TimeNs now);  // also the time that bodies carry from here on

  [[nodiscard]] Outputs take_outputs();
  [[nodiscard]] const State& state() const { return state_; }
  // Nothing is under way: all that was decided stands in the log.
  [[nodiscard]] bool is_idle() const { return open_.empty() && ended_.empty(); }

 private:
  // What a transaction is about: decided again from the newest state on a conflict.
  struct Start {};
  struct StateMode {};
  struct Receive {
    std::vector<KeyId> keys;
  };
  struct Erase {
    std::set<KeyId> keys;
  };
  struct Claim {
    ActionId action;
  };
  struct TellDisk {
    ActionId action;
    std::string
        vm;  // The order is gone from the state once the fact is followed, maybe before its ack.
    DiskOutcome outcome;
  };
  struct Refuse {
    ActionId action;
    Refusal reason;
    std::string detail;
  };
  struct TellGuestStarted {
    ActionId action;
    std::string vm;
  };
  struct TellGuestStopped {
    GuestEnd end;
    std::optional<ActionId> action;
  };
  struct Lock {
    KeyId key;
  };
  struct Unlock {};
  struct TellLostGuests {};
  struct TellUsage {
    DiskUsage usage;
  };
  using Intent =
      std::variant<Start, StateMode, Receive, Erase, Claim, TellDisk, Refuse, TellGuestStarted,
                   TellGuestStopped, Lock, Unlock, TellLostGuests, TellUsage>;
  // Tried until it succeeds.
  struct Pause {
    TimeNs until = 0;  // 0: none
    std::uint32_t failures = 0;
    void lengthen(TimeNs now);
  };
  struct Open {
    Intent intent;
    Position settles_at = 0;  // accepted: gone once followed to here; 0 = under way
    Pause pause;              // failed: to be decided again
  };
  struct Attempt {
    bool is_under_way = false;
    Pause pause;
  };

  [[nodiscard]] Decision decide(const Intent& intent) const;
  void intend(Intent intent);
  void decide_and_submit(protocol::TransactionId id);
  void decide_again_what_failed();
  void settle();  // what was accepted and is followed now
  void adopt_received();
  void retire(const std::string& vm);
  // Settled, decided to nothing, or not worth a second try.
  void close(std::map<protocol::TransactionId, Open>::iterator at);
  template <class Kind>
  [[nodiscard]] bool is_open() const;
  template <class Kind, class Which>
  [[nodiscard]] bool is_open(Which is_it) const;

  void pursue();
  void pursue_keys();
  void ask_for_keys();
  void pursue_orders();
  void pursue_guests();
  void pursue_usage();

  Options options_;
  State state_;
  std::string boot_;
  Hash boot_key_{};
  TimeNs now_ = 0;
  Position followed_ = 0;
  TimeNs asked_at_ = 0;
  std::set<KeyId> asked_;
  protocol::TransactionId next_id_ = 1;
  std::map<protocol::TransactionId, Open> open_;
  std::map<ActionId, Attempt> attempts_;
  std::vector<KeyId> arrived_;              // keys whose receipt is not stated yet
  std::map<std::string, GuestEnd> ended_;   // guests whose end is not told yet
  std::map<std::string, DiskUsage> usage_;  // by VM, not told yet
  Outputs outputs_;
};

}  // namespace keytrail::esxi
