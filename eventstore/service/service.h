// Service: the event store as a running thing, over an opened log.
//
//   start  walks the whole chain, compares it with the checkpoint, replays it to the orderer; binds
//   run    orders until told to stop: what is decided is made durable, and only then visible
// Threads: receive and order (the caller of run) · write and sync · publish · reads · checkpoints ·
// commands. Errors are one sentence for the operator each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/events/clock.h"
#include "bus/secret/random.h"
#include "bus/wire/curve.h"
#include "eventstore/log/event_log.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

// "tcp://127.0.0.1:5690"; port "*" takes a free one.
struct StoreEndpoints {
  std::string append, live, read, command;
};

enum class ClockDoubt {
  kRefuse,
  kAccept
};  // kAccept: an operator vouches for a clock far behind the log

struct ServiceOptions {
  std::string name = "store-1";  // the identity is eventstore/NAME
  std::string installation;      // names the log in CloudEvents' `source`
  std::string program_version;
  StoreEndpoints endpoints;
  wire::CurveKeys keys;  // of all its sockets
  std::string checkpoint_file;
  SecretBytes checkpoint_key;        // Ed25519 seed
  std::vector<Identity> identities;  // those of the configuration
  int heartbeat_ms = 500;
  ClockDoubt clock_doubt = ClockDoubt::kRefuse;
};

class Service {
 public:
  // `log`, `clock` and `random` outlive it. kCorrupt: the log is damaged, was cut, or is not the
  // checkpoint's; kUnavailable: a port is in use; kRefused: the clock is far behind the log;
  // kInvalid: the options.
  [[nodiscard]] static Result<std::unique_ptr<Service>> start(EventLog& log, ServiceOptions options,
                                                              const Clock& clock, Random& random);
  ~Service();

  // Where it really listens.
  [[nodiscard]] const StoreEndpoints& endpoints() const;

  // Until `stop_fd` is readable or an operator says stop. An error: why it could not go on.
  // REQUIRES: once.
  [[nodiscard]] Result<void> run(int stop_fd);

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::eventstore
