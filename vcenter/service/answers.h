// Answers: the results of commands, as JSON text. vcenter/README.md has the table of their members.
//
// Pure functions of the state and of facts.
#pragma once

#include <string>

#include "vcenter/service/requests.h"
#include "vcenter/service/work.h"

namespace keytrail::vcenter {

// What `user` may see of it.
[[nodiscard]] std::string answer_question(const State& state, const std::string& user,
                                          const Question& question);

// A step of an action, for PROGRESS: nothing for facts that say nothing to a person.
[[nodiscard]] std::string progress_text(const Body& body);
[[nodiscard]] std::string progress_json(const Body& body, Position position);

// The end of an action that did what was asked: read off its last fact.
[[nodiscard]] std::string action_result(const Body& last);
[[nodiscard]] std::string mode_result(const ActionId& action, const std::string& host,
                                      const esxi::HostModeChanged& mode);
// Of a command that is done as soon as it is recorded.
[[nodiscard]] std::string command_result(const ActionId& action, const Command& command,
                                         const Decision& decision);
[[nodiscard]] std::string provider_result(const State& state, const std::string& provider,
                                          const std::string& vendor, const std::string& probe_key,
                                          bool is_default);

[[nodiscard]] std::string seen_result(const std::string& provider, const ServersSeen& seen,
                                      const std::vector<KmipServer>& servers,
                                      const Hash& client_fingerprint);
[[nodiscard]] std::string checked_result(const State& state, const ServersChecked& checked);

struct Health {
  std::string log;
  Position followed = 0;
  std::size_t sessions = 0;
};
[[nodiscard]] std::string status_result(const State& state, const Health& health);

// Of the error codes on the command socket.
[[nodiscard]] std::string code_of(Refusal reason);
// What to do about it, where the refusal itself does not say so; empty otherwise.
[[nodiscard]] std::string hint_of(Refusal reason);

}  // namespace keytrail::vcenter
