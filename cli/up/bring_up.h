// Bring-up: starts the parts of an installation in order, each once the one before answers.
//
// The first replica makes the cluster; the others ask to be admitted, and `up`, being the operator
// of the replicas it starts, admits them. Threads: one, which keeps supervising (Meanwhile) while
// this waits.
#pragma once

#include <map>
#include <string>

#include "cli/endpoints.h"
#include "cli/up/supervisor.h"

namespace keytrail::cli {

// Who waits meanwhile: the loop of `keytrail up`.
class Meanwhile {
 public:
  virtual ~Meanwhile() = default;
  virtual void turn() = 0;  // keeps supervising; returns soon
  [[nodiscard]] virtual bool is_stopping() const = 0;
  virtual void tell(const std::string& sentence) = 0;
};

// Fills in what only running parts know. A replica that does not start is told and stays down, as
// long as another one serves. kUnavailable: a part did not answer in time; says which, and where
// its log is.
[[nodiscard]] Result<void> bring_up(Endpoints& endpoints, Supervisor& supervisor,
                                    Meanwhile& meanwhile);

// Whether a part answers as it should: a live store or vCenter, a serving replica, a started host.
struct Readiness {
  bool ready = false;
  std::string state;  // in words
};

// How long a part may take to answer. A person's one question waits, for a busy machine's part is
// slow, not gone; a loop asks again, and hears neither signals nor its socket meanwhile.
inline constexpr int kPersonWaitsMs = 5000;
inline constexpr int kLoopWaitsMs = 1000;

// Hosts have no socket to ask: vCenter tells which boot of each it knows from the log.
using HostBoots = std::map<std::string, std::string>;
[[nodiscard]] bool is_host(const Endpoints& endpoints, const std::string& part);
// Whoever wants to know whether a host comes up *again* takes these before its start. Empty if
// vCenter does not answer.
[[nodiscard]] HostBoots boots_before(const Endpoints& endpoints, int wait_ms);

// Asks once. A host is ready with any boot but that `before`.
[[nodiscard]] Readiness ask_now(const Endpoints& endpoints, const std::string& part, int wait_ms,
                                const HostBoots& before = {});

}  // namespace keytrail::cli
