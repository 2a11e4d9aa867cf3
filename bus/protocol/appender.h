// Appender: the author's end of the log, without I/O.
//
// A unit submitted here is completed exactly once, in the order of submission, across reconnects,
// lost answers and the orderer's restarts: what is unanswered is sent again under its request id,
// on a new connection and after a silence on a standing one, and the orderer answers a repeat as it
// did the first time.
// Thread safety: one thread; the shell (bus/wire/log_link.h) carries inputs in and outputs out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bus/protocol/messages.h"

namespace keytrail::protocol {

using TicketId = std::uint64_t;  // the submitter's own number for a unit

class Appender {
 public:
  struct Options {
    std::string epoch_stream;          // "kms/kms-1/epoch"; its guard is added to every unit
    std::size_t in_flight_max = 1024;  // <= kWindowMax
    std::size_t waiting_max = 65'536;  // submit refuses beyond: the part sheds load
    // The oldest unit unanswered for so long is asked for again, in vain then after twice as long.
    std::uint64_t silence_ms = 3000;
    std::uint64_t silence_max_ms = 30'000;
  };
  struct Completed {
    TicketId ticket = 0;
    Ack ack;
    bool operator==(const Completed&) const = default;
  };
  struct Outputs {
    std::vector<AppendBatch> send;     // each one message
    std::vector<Completed> completed;  // in the order of submission
    bool fenced = false;               // a newer process has this identity: wipe secrets, exit
  };

  explicit Appender(Options options);

  // The epoch that this process claims with its first unit (PartStarted, guarded by version epoch -
  // 1). REQUIRES: called once, before any submit.
  void begin(std::uint64_t epoch);

  // False: `waiting_max` reached, nothing was taken. `unit.n` and the epoch's guard are set here.
  // REQUIRES: unit.bodies is not empty; each stream is the author's own.
  [[nodiscard]] bool submit(Unit unit, TicketId ticket);

  void on_connected();     // sends all that is unanswered again, in order
  void on_disconnected();  // nothing is sent until connected
  void on_acks(const std::vector<Ack>& acks);
  // A fact that this process followed. PartStarted of a newer process of this identity fences it:
  // who has nothing to append would not hear of it from an answer.
  void on_followed(const Fact& fact);
  void tick(TimeNs now);  // monotonic

  // What the calls since the last take want done. Units that wait leave as one message.
  [[nodiscard]] Outputs take_outputs();

  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Pending {
    TicketId ticket = 0;
    Unit unit;
    std::optional<Ack> ack;
    TimeNs sent_at = 0;
  };
  void complete_answered(std::vector<Completed>& completed);
  void send_due(std::vector<AppendBatch>& send);
  // The claim goes alone: had another process claimed the same epoch first, units sent behind it
  // would pass for that one's.
  [[nodiscard]] std::size_t in_flight_limit() const {
    return claimed_ ? options_.in_flight_max : 1;
  }

  Options options_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_n_ = 1;
  bool connected_ = false;
  bool resend_ = false;
  bool claimed_ = false;
  bool fenced_ = false;
  TimeNs now_ = 0;  // of the last tick
  std::uint64_t patience_ms_ = 0;
  std::deque<Pending> in_flight_;
  std::deque<Pending> waiting_;
};

}  // namespace keytrail::protocol
