// What goes into a replica's core and what comes out: values only, so that a shell and a simulation
// drive it alike.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "bus/protocol/transactor.h"
#include "bus/wire/log_link.h"
#include "kms/service/commands.h"
#include "kms/service/connection_id.h"

namespace keytrail::kms {

// Randomness is data: each request brings fresh bytes, of which identifiers, keys and nonces are
// derived.
inline constexpr std::size_t kEntropyBytes = 80;

using CommandToken = std::uint64_t;
using AskerToken = std::uint64_t;  // somebody at the keyring port

struct Requester {
  std::string address;
  std::optional<Hash> certificate;  // SHA-256; nothing: it came without one
  std::string session;
};

// --- Inputs. Those from the log are wire::LinkEvent.

// A whole KMIP message. REQUIRES: its connection has no other request open.
struct KmipRequest {
  ConnectionId connection = 0;
  Requester peer;
  SecretBytes bytes;
  SecretBytes entropy;  // kEntropyBytes
};
struct ConnectionClosed {
  ConnectionId connection = 0;
};
struct CommandGiven {
  CommandToken token = 0;
  std::string identity;  // "operator/cli"
  std::string address;
  Command command;
  ActionId action;  // a fresh one
};
// Another replica, known by its certificate, asks for the keyring.
struct KeyringAsked {
  AskerToken token = 0;
  std::string address;
  Hash certificate{};
  ActionId action;
};
// Somebody was turned away outside of the core: no TLS, a key that is not on the list.
struct StrangerTurnedAway {
  std::string socket;  // "kmip", "command", "keyring"
  std::string reason;
  std::string address;
};
// The keyring's file has forgotten the leaves of the puncture that was asked for.
struct Punctured {
  Position through = 0;
  std::uint64_t leaves = 0;
  bool provable = true;
};

// --- Outputs.

struct Submission {
  protocol::TransactionId id = 0;
  protocol::Decision decision;
};
struct Response {
  ConnectionId connection = 0;
  SecretBytes bytes;
};
struct CommandAnswer {
  CommandToken token = 0;
  Answer answer;
};
// One at a time; answered with Punctured.
struct PunctureOrder {
  std::vector<std::uint64_t> leaves;
  Position through = 0;
};
struct KeyringAnswer {
  AskerToken token = 0;
  bool granted = false;  // the grant is durable: send keyring and authority
  std::string reason;    // why not
};
enum class ListenerOrder { kOpen, kClose };

struct Outputs {
  std::vector<Submission> submit;
  std::vector<std::uint64_t> ask_head;
  std::vector<Response> respond;
  std::vector<CommandAnswer> answer;
  std::vector<KeyringAnswer> keyring_answers;
  std::optional<PunctureOrder> puncture;
  std::optional<ListenerOrder> listener;
  std::optional<std::set<Hash>> clients;     // the certificates of all enrolled ones: they changed
  std::optional<std::uint64_t> begin_epoch;  // after this last one
  bool make_keyring = false;       // a fresh one, with the cluster's authority; answered with use()
  bool fetch_keyring = false;      // from a member, in place of any other; answered with use()
  std::optional<std::string> end;  // wipe, exit with this sentence; empty: an orderly stop
};

}  // namespace keytrail::kms
