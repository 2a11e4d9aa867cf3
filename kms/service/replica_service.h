// ReplicaService: a KMS replica as a process: its core, and everything around it that touches the
// world.
//
//   start  opens secrets and keyring, binds the command and the keyring port
//   run    the core's loop: log, requests, commands in; submissions, answers, punctures out; until
//          told to stop
// The KMIP listener opens when the core says that it serves, and closes when the log is away.
// Threads: the caller of run() is the core's; KMIP server, command server and keyring port have one
// each and only put into a bounded mailbox (strangers into one of their own); fetching the keyring
// is a thread while it lasts. Errors are one sentence for the operator each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/events/clock.h"
#include "bus/secret/random.h"
#include "bus/secret/secret_file.h"
#include "bus/secret/unlock.h"
#include "bus/wire/log_link.h"
#include "kms/service/kmip_server.h"

namespace keytrail::kms {

// Another replica, to fetch the keyring from.
struct KeyringPeer {
  std::string name;
  std::string endpoint;  // "tcp://127.0.0.1:5710"
};

struct ReplicaServiceOptions {
  std::string name;  // "kms-1"; the identity is kms/NAME
  std::string cluster;
  std::string program_version;
  std::string folder;  // its own: keyring, keyring.pages/, last
  wire::LogEndpoints log;
  wire::CurveKeys keys;  // of all its sockets
  KmipServerOptions kmip;
  std::string keyring_endpoint;
  std::string command_endpoint;
  std::vector<KeyringPeer> peers;
  std::vector<wire::AllowedKey> operators;  // who may give commands
  std::vector<std::string> host_names;      // in its certificate, beside localhost and 127.0.0.1
  bool founds = true;  // the cluster, if the log has none yet: of several replicas, only one should
  bool record_reads = false;
  std::string when_log_is_away = "refuse";  // the only way there is yet
  std::uint64_t log_lost_ms = 3000;
  std::uint64_t shred_interval_ms = 1000;
  // A line for the part's own log. Called by any of the threads above, several at a time.
  std::function<void(const std::string&)> tell;
};

class ReplicaService {
 public:
  // What is borrowed outlives it. kUnavailable: a port is in use; kRefused: the unlock secret does
  // not open the keyring; kInvalid: the options.
  struct Surroundings {
    SecretFile& secrets;
    const UnlockSecret& unlock;
    FileSystem& files;
    const Clock& clock;
    Random& random;
  };
  [[nodiscard]] static Result<std::unique_ptr<ReplicaService>> start(ReplicaServiceOptions options,
                                                                     Surroundings surroundings);
  ~ReplicaService();

  // Until `stop_fd` is readable or an operator says stop. An error: why it could not go on.
  // REQUIRES: once.
  [[nodiscard]] Result<void> run(int stop_fd);

  // Where it really listens.
  [[nodiscard]] std::string keyring_endpoint() const;

 private:
  class Impl;
  explicit ReplicaService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::kms
