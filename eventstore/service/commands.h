// Commands to the event store, from their JSON to what they ask for. Pure; any thread.
//
//   {"command": "identities grant",
//    "arguments": {"name", "key", "prefixes": […], "topics": […], "sockets": […]}}
//   {"command": "subscribers add", "arguments": {"name", "key", "topics": […]}}   may only listen
//   {"command": "identities list" | "subscribers list" | "status" | "stop"}
//   {"command": "identities revoke" | "subscribers revoke", "arguments": {"name"}}
#pragma once

#include <string>
#include <variant>

#include "bus/protocol/messages.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

struct ListIdentities {};
struct ShowStatus {};
struct StopStore {};
using Command = std::variant<GrantIdentity, RevokeIdentity, ListIdentities, ShowStatus, StopStore>;

// kInvalid: says what is wrong with it.
[[nodiscard]] Result<Command> parse_command(const std::string& json);

struct Status {
  std::string log_id;
  protocol::Head head;
  std::string checkpoint_key;  // public, hexadecimal: what its checkpoints are checked with
  std::string identity;
  std::uint64_t epoch = 0;
  std::size_t identities = 0;
};
[[nodiscard]] std::string to_json(const Status& status);
[[nodiscard]] std::string to_json(const Identities& identities);
// The answer to a grant or a revocation: where it stands in the log.
[[nodiscard]] std::string recorded_json(const std::string& name, Position position);

}  // namespace keytrail::eventstore
