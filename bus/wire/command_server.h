// CommandServer: the `command` ROUTER of a part. KT1 | COMMAND | id | JSON -> PROGRESS*, RESULT or
// ERROR.
//
// Own thread. A command arrives through `on_command` on that thread (put it into the core's Mailbox
// and return); answers come from any thread, one RESULT or ERROR for each command. CURVE and ZAP
// domain "command"; the identity is the ZAP User-Id. At most kOpenCommandsMax are open; one more is
// answered "busy" at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bus/secret/result.h"
#include "bus/wire/curve.h"

namespace keytrail::wire {

class Context;

inline constexpr std::size_t kCommandBytesMax = 1024 * 1024;
inline constexpr std::size_t kOpenCommandsMax = 1024;

// Names one command until it is answered.
using CommandToken = std::uint64_t;

struct CommandMessage {
  CommandToken token = 0;
  std::string identity;  // "operator/cli"
  std::string address;   // of the peer
  // {"command", "arguments", "session"?}; at most kCommandBytesMax, not yet parsed. A password may
  // be in it: it is the taker's to wipe, everything before was.
  std::string json;
};

class CommandServer {
 public:
  using OnCommand = std::function<void(CommandMessage)>;

  // `context` and `keys` are borrowed, and outlive it.
  CommandServer(Context& context, std::string endpoint, const CurveKeys& keys,
                OnCommand on_command);
  ~CommandServer();
  [[nodiscard]] Result<void> start();  // kUnavailable: the port is in use, says which
  // Where it listens, once started: the real port if `endpoint` asked for any.
  [[nodiscard]] const std::string& endpoint() const;

  // Any thread: everybody shakes hands again, because a key was removed. Open commands lose their
  // askers. Nobody is let in until that is done.
  void rebind();

  void progress(CommandToken token, std::string json);  // dropped when too much waits to leave
  void result(CommandToken token, std::string json);
  // `code`: "refused", "not-found", "invalid", "unavailable", "unauthorized", "busy".
  void error(CommandToken token, std::string code, std::string message, std::string hint);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The other end: one command at a time, with progress. For the CLI.
class CommandClient {
 public:
  struct Answer {
    bool ok = false;
    std::string json;  // RESULT's, or ERROR's {"code", "message", "hint"}
  };
  // `context` and `keys` are borrowed, and outlive it.
  CommandClient(Context& context, std::string endpoint, std::string server_key,
                const CurveKeys& keys);
  ~CommandClient();
  // kUnavailable when nobody listens there, the connection is lost, or nothing was heard for
  // `timeout_ms` (progress counts as hearing); kRefused when the server does not let this key in.
  [[nodiscard]] Result<Answer> call(const std::string& json, int timeout_ms,
                                    const std::function<void(const std::string&)>& on_progress);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::wire
