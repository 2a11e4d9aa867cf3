// Installation: the data folder of `keytrail up`, and what its first start puts there.
//
//   D/ VERSION lock endpoints.json ca.pem
//      config/PART.toml unlock/PART log/PART.log run/up.sock
//      client/{operator.key,subscriber.key,kmip.pem,kmip.key,admin.password}
//      eventstore/ kms-N/ vc-1/ host-N/ datastore/ds-1/
// Folders are 0700, files 0600. The first start makes every identity: CURVE keys into the parts'
// sealed secret files, public halves into the event store's allow-list. A second start finds all of
// it and makes nothing. Threads: one.
#pragma once

#include <string>
#include <vector>

#include "bus/secret/random.h"
#include "cli/config.h"
#include "cli/endpoints.h"
#include "cli/up/ports.h"

namespace keytrail::cli {

struct UpOptions {
  std::string data;
  std::uint16_t port_base = Ports::kDefaultBase;
  int replicas = 3;
  int hosts = 2;
  bool accept_clock = false;  // for the event store, see there
  bool json = false;          // the parts as JSON; what is told on the way goes to stderr
  bool is_given = false;      // a flag about the shape was given, not only defaults
};

// The folder, held by an exclusive lock until destroyed.
class Installation {
 public:
  // kConflict: another `keytrail up` has it, named by its pid. kRefused: of another version, or not
  // an installation. kInvalid: the flags ask for another shape than it has.
  static Result<Installation> open(const UpOptions& options, Random& random);
  Installation(Installation&& other) noexcept;
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;
  Installation& operator=(Installation&&) = delete;
  ~Installation();

  struct Part {
    std::string name;        // "kms-1"
    std::string subcommand;  // "kms"
    std::string config;      // path
    std::string log;         // path
  };
  // In the order of starting.
  [[nodiscard]] std::vector<Part> parts() const;
  // All but pids, and what only running parts know (certificates, the log's id).
  [[nodiscard]] const Endpoints& endpoints() const { return endpoints_; }
  [[nodiscard]] const std::string& data() const { return endpoints_.data; }

 private:
  Installation(int lock, Endpoints endpoints) : lock_(lock), endpoints_(std::move(endpoints)) {}

  int lock_ = -1;
  Endpoints endpoints_;
};

}  // namespace keytrail::cli
