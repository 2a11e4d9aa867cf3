// Bring-up: starts the parts of an installation in order, each once the one before answers.
//
// The first replica makes the cluster; the others ask to be admitted, and `up`, being the operator
// of the replicas it starts, admits them. Threads: one; `turn` keeps supervising while this waits.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "cli/endpoints.h"
#include "cli/up/supervisor.h"

namespace keytrail::cli {

// Fills in what only running parts know. kUnavailable: a part did not answer in time; says which,
// and where its log is.
[[nodiscard]] Result<void> bring_up(Endpoints& endpoints, Supervisor& supervisor,
                                    const std::function<void()>& turn,
                                    const std::function<bool()>& is_stopping);

// Whether a part answers as it should: a live store or vCenter, a serving replica, a started host.
struct Readiness {
  bool ready = false;
  std::string state;  // in words
};

// Hosts have no socket to ask: vCenter tells which boot of each it knows from the log. Whoever
// wants to know whether a host came up *again* makes the probe before the start.
class ReadinessProbe {
 public:
  explicit ReadinessProbe(const Endpoints& endpoints);

  // Since the probe was made: a host must have begun another boot.
  [[nodiscard]] Readiness ask(const std::string& part) const;
  // At all.
  [[nodiscard]] Readiness ask_now(const std::string& part) const;

 private:
  [[nodiscard]] Readiness ask_host(const std::string& host, const std::string& but_not_boot) const;

  const Endpoints& endpoints_;
  std::map<std::string, std::string> boots_;  // host -> boot, when the probe was made
};

}  // namespace keytrail::cli
