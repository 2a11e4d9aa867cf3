// HostService: an ESXi host as a process. The shell of HostCore.
//
//   core thread   log link, mailbox ─► HostCore ─► submit, perform
//   workers       disks and guests; results come back by mail
//   channel       WANT and sealed keys (bus/wire/host_channel.h)
// KEKs live in this process's locked memory only; DEKs only while a disk is open. Errors: run()
// ends with the one sentence that says why, after wiping what it held.
#pragma once

#include <memory>
#include <string>

#include "bus/wire/log_link.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

struct HostOptions {
  Identity self;
  wire::LogEndpoints log;
  std::string channel_endpoint;    // of vCenter's host channel
  std::string channel_server_key;  // z85
  std::string datastore;           // path of the mounted datastore
  std::string last_file;
  std::string run_folder;  // for sockets
};

class HostService {
 public:
  HostService(HostOptions options, wire::CurveKeys keys, Random& random, const Clock& clock);
  ~HostService();

  // Until `stop_fd` is readable (then guests are stopped and told, keys are dropped and told, and
  // PartStopped is stated), or the log turns this process away.
  [[nodiscard]] Result<void> run(int stop_fd);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::esxi
