// LogReader: reads and follows the log over the store's read socket, for the CLI, replay and the
// C++ SDK.
//
//   LogReader reader(context, {.endpoint = "tcp://127.0.0.1:5692", .server_key = …}, keys);
//   reader.read(0, 0, {}, [](const ReadFact& fact) { …; return true; });       what is there
//   reader.follow({}, 0, {}, {.on_fact = …, .on_change = …}, stop_fd);          and what comes
// Ordered, filtered by the store, nothing twice. A lost connection is made again: reads go on where
// they were, follows resume behind the last fact given. Calls block; one thread.
// Errors: kUnavailable nobody answers within `patience_ms`; kRefused the key, or what was asked, is
// not granted; kInvalid the question is malformed; kCorrupt the log is not the one we know, or is
// damaged.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/protocol/messages.h"
#include "bus/wire/curve.h"
#include "bus/wire/read_protocol.h"

namespace keytrail::wire {
class Context;
}

namespace keytrail::client {

struct ReadFact {
  Position position = 0;
  StoredFact stored;
  std::vector<Attachment> attachments;  // those that the selection asked for and the grants allow
};

// What a follower may want to tell its user.
enum class FollowChange {
  kCaughtUp,  // everything up to the head was given
  kFellBehind,
  kLost,     // no connection; nothing new is known
  kResumed,  // connected again: what came in between follows without a gap
};

class LogReader {
 public:
  struct Options {
    std::string endpoint;    // the store's read socket
    std::string server_key;  // z85
    protocol::Known known;   // presented at HELLO
    int patience_ms = 5000;
  };
  using OnFact = std::function<bool(const ReadFact& fact)>;  // false ends the reading
  struct FollowHandlers {
    OnFact on_fact;
    // `position`: processed up to here. False ends the following.
    std::function<bool(FollowChange change, Position position, Position head)> on_change;
  };

  // `context` and `keys` are borrowed, and outlive it.
  LogReader(wire::Context& context, Options options, const wire::CurveKeys& keys);
  ~LogReader();

  // What the store said at HELLO: log id, generation, granted topics.
  [[nodiscard]] Result<wire::Welcome> welcome();
  [[nodiscard]] Result<protocol::Head> head();

  // The selected facts of (after, until], in order; `until` 0 is the head of now. Gives how far it
  // got.
  [[nodiscard]] Result<Position> read(Position after, Position until,
                                      const wire::Selection& selection, const OnFact& on_fact);

  // From behind `after` (none: from the end), until a handler says false or `stop_fd` (-1: none) is
  // readable. Never gives up on a store that is away, from the start on: `patience_ms` does not
  // bound it.
  [[nodiscard]] Result<void> follow(std::optional<Position> after, const wire::Selection& selection,
                                    const FollowHandlers& handlers, int stop_fd);

  // The last position whose time (log time, never goes back) is before `time`; 0 = none. Counts
  // only facts that this identity may read.
  [[nodiscard]] Result<Position> position_before(TimeNs time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::client
