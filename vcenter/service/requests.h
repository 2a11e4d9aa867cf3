// Requests: what comes in on the command socket, as the core sees it.
//
//   JSON ── parse_command.h ──► Request ── vcenter_core.h ──► Answer
// A password is never in here: the shell keeps it under the request's token until it was verified
// or stored. Values; no threads.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "vcenter/model/vcenter.h"

namespace keytrail::vcenter {

using Token = std::uint64_t;  // names one request until it is answered

struct Login {
  std::string user;
  Hash session{};  // SHA-256 of the session that the shell will hand out if this succeeds
  bool operator==(const Login&) const = default;
};

// Both calls of `provider add`: without `accepted` the servers are shown, with it they are trusted.
struct AddProviderRequest {
  std::string provider;
  std::vector<KmipServer> servers;
  bool accepts = false;
  std::vector<Hash> accepted;
  bool operator==(const AddProviderRequest&) const = default;
};

// Connects to every server and tells how each is.
struct CheckProviders {
  std::string provider;  // empty: all
  bool operator==(const CheckProviders&) const = default;
};

// What is answered from the state alone, once everything up to the head was followed.
struct Question {
  enum class About : std::uint8_t { kProviders, kHosts, kVms, kPrincipals, kRoles, kPermissions };
  About about = About::kVms;
  std::string name;  // restricts the answer; empty: all
  bool operator==(const Question&) const = default;
};
struct StatusRequest {
  bool operator==(const StatusRequest&) const = default;
};
struct StopRequest {
  bool operator==(const StopRequest&) const = default;
};

using Ask = std::variant<Login, StatusRequest, StopRequest, Question, CheckProviders,
                         AddProviderRequest, Command>;

struct Request {
  Token token = 0;
  ActionId action;  // fresh, from the shell
  Origin origin;
  Hash session{};  // SHA-256 of the session that came with it; all zero: none
  Ask ask;
};

}  // namespace keytrail::vcenter
