// KmipSessions: what vCenter does at key servers, as a client like any other.
//
//   each call   for each server, in the provider's order:
//               TLS with the pinned certificate and the provider's client certificate,
//               Discover Versions, the operations, close; the first that serves is the answer
// A new connection per call costs a handshake, and no idle connection with a key in its buffers
// stays behind. Calls block, with bounds; they are for workers. Errors are WorkFailed with a
// sentence; `tried` says which servers answered. Threads: any number at once.
#pragma once

#include "bus/events/clock.h"
#include "bus/secret/random.h"
#include "vcenter/service/credentials.h"
#include "vcenter/service/work.h"

namespace keytrail::vcenter {

class KmipSessions {
 public:
  struct Options {
    std::string vcenter;
    int connect_ms = 3'000;
    int request_ms = 10'000;
    int replication_ms = 5'000;  // how long a probe's key may take to be on all servers
  };

  KmipSessions(Options options, Credentials& credentials, const Clock& clock, Random& random);

  // Found under its name if a crash left it there, else made; active in the end.
  [[nodiscard]] WorkDone create_key(WorkId id, const CreateKey& work);
  // The key leaves sealed; plain, it is in this call's memory only.
  [[nodiscard]] WorkDone fetch_key(WorkId id, const FetchKey& work);
  [[nodiscard]] WorkDone probe(WorkId id, const ProbeServers& work);
  [[nodiscard]] WorkDone look(WorkId id, const LookAtServers& work);
  [[nodiscard]] WorkDone check(WorkId id, const CheckServers& work);
  [[nodiscard]] WorkDone make_certificate(WorkId id, const MakeCertificate& work);

 private:
  Options options_;
  Credentials& credentials_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace keytrail::vcenter
