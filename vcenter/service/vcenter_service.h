// VCenterService: a running vCenter: the shell around VCenterCore.
//
//   core thread       LogLink, the core, and everything that is decided
//   command thread    JSON to requests; a password stays beside its request, wiped after use
//   host channel      WANT to the core, sealed keys back
//   KMIP workers      what vCenter asks key servers; a fetched key is sealed before it leaves one
//   password worker   scrypt
// What ends it is told in a sentence: fenced by a newer process, a log that is not the one it knew,
// a port in use.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bus/secret/secret_file.h"
#include "bus/wire/log_link.h"

namespace keytrail::vcenter {

class VCenterService {
 public:
  struct Host {
    std::string name;         // "host-1"
    std::string channel_key;  // CURVE public key, z85
    std::string cluster;      // "cluster-1"
  };
  struct Options {
    std::string instance;  // "vc-1"
    std::string program_version;
    wire::LogEndpoints log;
    std::string command_endpoint;
    std::string host_endpoint;
    std::string last_file;
    std::string administrator_password_file;  // written at the first start, 0600
    wire::CurveKeys keys;                     // of vCenter, on every socket
    std::vector<Host> hosts;
    std::vector<wire::AllowedKey>
        operators;  // who may give commands: {"operator/cli", key, {"command"}}
    std::size_t kmip_workers = 4;
    std::function<void(const std::string& sentence)> tell;  // the operator; on run()'s thread
  };

  // `secrets` is vCenter's secret file, used by nobody else from here on. All are borrowed.
  VCenterService(Options options, SecretFile& secrets, FileSystem& files, const Clock& clock,
                 Random& random);
  ~VCenterService();
  VCenterService(const VCenterService&) = delete;
  VCenterService& operator=(const VCenterService&) = delete;

  // Binds its sockets. kUnavailable: a port is in use, says which.
  [[nodiscard]] Result<void> start();
  // On the caller's thread, until `stop_fd` is readable or an operator says stop. An error: why it
  // could not go on. REQUIRES: started.
  [[nodiscard]] Result<void> run(int stop_fd);

  // The real endpoints, once started.
  [[nodiscard]] const std::string& command_endpoint() const;
  [[nodiscard]] const std::string& host_endpoint() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keytrail::vcenter
