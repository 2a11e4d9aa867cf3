// A command to a vCenter, with its progress: JSON as text in and out (vcenter/README.md).
//
// Whoever names a password file is logged in with it, each time: a wrong password is refused, and
// on the log, whatever happened before. Only the installation's own administrator goes on with the
// session of the command before (kept_session.h), until vCenter says that it is over.
// Threads: one. Errors: kUnavailable, nobody answered; kRefused, kNotFound, kInvalid as vCenter
// said, with its hint.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/command_line.h"
#include "cli/endpoints.h"

namespace keytrail::cli {

class VcenterSession {
 public:
  using OnProgress = std::function<void(const std::string& json)>;

  static Result<std::unique_ptr<VcenterSession>> open(const Globals& globals);
  ~VcenterSession();

  // `arguments`: a JSON object. The RESULT's JSON.
  [[nodiscard]] Result<std::string> call(const std::string& command, const std::string& arguments,
                                         const OnProgress& on_progress = {});

 private:
  struct Impl;
  explicit VcenterSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

inline constexpr int kPartWaitMs = 30'000;

// A command to a part that knows the operator by its key alone (event store, replicas, vCenter's
// status).
[[nodiscard]] Result<std::string> operator_call(
    const Endpoints& endpoints, const std::string& command_endpoint, const std::string& server_key,
    const std::string& command, const std::string& arguments, int timeout_ms = kPartWaitMs);

struct KeyServerAnswer {
  std::string replica;  // who gave it
  std::string json;
};
struct KeyServerChoice {
  std::string only;  // this replica; empty: any
  int timeout_ms = kPartWaitMs;
};
// The first replica that answers: what one refuses, another would refuse too. One that is down costs
// no time. kNotFound: there is none of that name.
[[nodiscard]] Result<KeyServerAnswer> key_server_call(const Endpoints& endpoints,
                                                      const std::string& command,
                                                      const std::string& arguments,
                                                      const KeyServerChoice& choice = {});

}  // namespace keytrail::cli
