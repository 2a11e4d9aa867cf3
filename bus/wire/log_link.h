// LogLink: a part's connection to the log. The shell of Follower, Appender and Transactor.
//
// Owns the part's three sockets to the store (append DEALER, live SUB, read DEALER, all CURVE) and
// is used by one thread, the part's core thread, which sleeps in wait():
//
//   for (;;) {
//     link.wait(next_timer_ms, {mailbox.fd()});
//     core.step(mailbox.take_all(), link.take_events(), clock.now()) -> link.submit(…),
//     link.ask_head(…), answers
//   }
// Keeps `last` (what the part presents at HELLO) in a file, replaced in one step and synced, at
// most once a second.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "bus/events/clock.h"
#include "bus/protocol/follower.h"
#include "bus/protocol/transactor.h"
#include "bus/wire/curve.h"
#include "bus/wire/log_connection.h"

namespace keytrail::wire {

class Context;  // bus/wire/context.h: zmq context, one I/O thread, the ZAP handler

struct LogLinkOptions {
  std::string author;  // "kms/kms-1"
  LogEndpoints endpoints;
  std::string last_file;  // may be empty: nothing is remembered
  protocol::Follower::Options follower;
  protocol::Appender::Options appender;
};

// What the link tells the core, in this order of arrival.
struct Followed {
  Fact fact;
  Hash leaf{};
  std::vector<Attachment> attachments;
};
struct FollowedThrough {  // after the facts of one answer or batch
  Position position = 0;
};
struct FollowStateChanged {
  protocol::FollowState state = protocol::FollowState::kConnecting;
};
struct TransactionAccepted {
  protocol::TransactionId id = 0;
  Position first = 0;
  std::uint32_t count = 0;
};
struct TransactionDecideAgain {
  protocol::TransactionId id = 0;
};
struct TransactionFailed {
  protocol::TransactionId id = 0;
  Error error;
};
struct HeadAnswered {  // everything up to `head` was followed after the question was asked
  std::uint64_t question = 0;
  Position head = 0;
};
// The log is not served to us, and why, for the operator: told once, and again when the reason is
// another. The link goes on trying.
struct LogUnserved {
  std::string why;
};
// Terminal: fenced, forked, upgrade first. The part wipes its secrets and exits with this sentence.
struct LinkEnded {
  std::string reason;
};
using LinkEvent =
    std::variant<Followed, FollowedThrough, FollowStateChanged, TransactionAccepted,
                 TransactionDecideAgain, TransactionFailed, HeadAnswered, LogUnserved, LinkEnded>;

class LogLink {
 public:
  // `context` and `clock` are borrowed, and outlive it; `keys` are copied.
  LogLink(Context& context, LogLinkOptions options, const CurveKeys& keys, const Clock& clock);
  ~LogLink();

  // Sleeps until a socket or one of `fds` is readable, an event waits, or the time is over: never
  // longer than 200 ms, whatever `timeout_ms` says (-1: no bound of the caller's), and 50 ms while
  // there is no connection. So a caller looks at its own timers after every return.
  void wait(int timeout_ms, const std::vector<int>& fds);
  [[nodiscard]] std::vector<LinkEvent> take_events();

  // After the first FollowedThrough in state live: claims epoch + 1 of the part's epoch stream with
  // PartStarted. REQUIRES: once.
  void begin_epoch(std::uint64_t last_epoch, std::string program_version);

  void submit(protocol::TransactionId id, const protocol::Decision& decision);
  // Many open questions share one HEAD. Answered by HeadAnswered once that head has been followed.
  void ask_head(std::uint64_t question);

  [[nodiscard]] protocol::FollowState state() const;
  [[nodiscard]] Position followed() const;
  [[nodiscard]] TimeNs log_time() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::wire
