#include "eventstore/model/identities.h"

#include <algorithm>
#include <array>

#include "bus/events/match.h"

namespace keytrail::eventstore {
namespace {

constexpr std::size_t kCurveKeyLetters = 40;
constexpr std::size_t kListMax = 64;
constexpr std::string_view kZ85Signs = ".-:+=^!/*?&<>()[]{}@%$#";

constexpr std::array<std::string_view, 4> kParts = {"eventstore", "kms", "vcenter", "esxi"};
constexpr std::array<std::string_view, 4> kSockets = {"append", "live", "read", "command"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_z85(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') ||
         kZ85Signs.find(c) != std::string_view::npos;
}

template <class List>
bool contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_topic(std::string_view topic) {
  if (topic == "head" || topic == "kms.sealed") return true;
  const std::size_t dot = topic.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view effect = topic.substr(dot + 1);
  return contains(kParts, topic.substr(0, dot)) && (effect == "change" || effect == "note");
}

// Without the slash that some like to end a prefix with.
std::string_view trimmed(std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return prefix;
}

bool lies_below(std::string_view stream, std::string_view prefix) {
  return stream.starts_with(prefix) &&
         (stream.size() == prefix.size() || stream[prefix.size()] == '/');
}

Error invalid(const Identity& identity, std::string what) {
  return {ErrorCode::kInvalid, "identity " + identity.name + ": " + std::move(what)};
}

// What holds for any identity, wherever it comes from.
Result<void> check_form(const Identity& identity) {
  if (!is_identity_name(identity.name)) {
    return invalid(identity, "a name is PART/INSTANCE, at most 10 of [a-z] and 21 of [a-z0-9-]");
  }
  const std::string_view part = part_of_name(identity.name);
  if (identity.curve_key.size() != kCurveKeyLetters ||
      !std::all_of(identity.curve_key.begin(), identity.curve_key.end(), is_z85)) {
    return invalid(identity, "its key is not a public CURVE key of 40 z85 letters");
  }
  if (std::max({identity.prefixes.size(), identity.topics.size(), identity.sockets.size()}) >
      kListMax) {
    return invalid(identity, "over 64 prefixes, topics or sockets");
  }
  for (const std::string& prefix : identity.prefixes) {
    if (prefix.size() > kStreamBytesMax || !trimmed(prefix).starts_with(std::string(part) + "/")) {
      return invalid(identity, "prefix " + prefix + " is not below " + std::string(part) + "/");
    }
  }
  for (const std::string& topic : identity.topics) {
    if (!is_topic(topic)) return invalid(identity, "there is no topic " + topic);
    if (topic == "kms.sealed" && part != "kms") {
      return Error{ErrorCode::kRefused, "kms.sealed is for replicas of the key servers alone"};
    }
  }
  for (const std::string& socket : identity.sockets) {
    if (!contains(kSockets, socket)) return invalid(identity, "there is no socket " + socket);
  }
  if (may_use(identity, "append") && !contains(kParts, part)) {
    return invalid(identity, "only parts append, and " + std::string(part) + " is none");
  }
  return {};
}

std::string stream_of(std::string_view store, std::string_view name) {
  return stream_name({"eventstore", store, "identity", name});
}

std::uint64_t version_of(const Identities& state, std::string_view name) {
  const auto at = state.versions.find(name);
  return at == state.versions.end() ? 0 : at->second;
}

}  // namespace

bool may_use(const Identity& identity, std::string_view socket) {
  return contains(identity.sockets, socket);
}

bool may_follow(const Identity& identity, std::string_view topic) {
  return contains(identity.topics, topic);
}

bool may_append(const Identity& identity, std::string_view stream) {
  const auto holds = [&](std::string_view prefix) { return lies_below(stream, trimmed(prefix)); };
  return lies_below(stream, identity.name) ||
         std::any_of(identity.prefixes.begin(), identity.prefixes.end(), holds);
}

bool is_identity_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view part = name.substr(0, slash);
  const std::string_view instance = name.substr(slash + 1);
  const auto is_letter = [](char c) { return is_lower(c) || is_digit(c) || c == '-'; };
  return !part.empty() && part.size() <= 10 && std::all_of(part.begin(), part.end(), is_lower) &&
         !instance.empty() && instance.size() <= 21 &&
         std::all_of(instance.begin(), instance.end(), is_letter);
}

std::string_view part_of_name(std::string_view name) { return name.substr(0, name.find('/')); }

const Identity* Identities::find(std::string_view name) const {
  const auto at = entries.find(name);
  return at == entries.end() ? nullptr : &at->second.identity;
}

Result<Identities> bootstrap(const std::vector<Identity>& identities) {
  Identities state;
  for (const Identity& identity : identities) {
    TRY(check_form(identity));
    for (const auto& [name, entry] : state.entries) {
      if (entry.identity.curve_key == identity.curve_key) {
        return invalid(identity, "its key is that of " + name);
      }
    }
    if (!state.entries.emplace(identity.name, Identities::Entry{identity, true}).second) {
      return invalid(identity, "stands twice in the configuration");
    }
  }
  return state;
}

Result<IdentityDecision> decide(const Identities& state, std::string_view store,
                                const GrantIdentity& command) {
  const Identity& identity = command.identity;
  TRY(check_form(identity));
  if (part_of_name(identity.name) == "eventstore") {
    return Error{ErrorCode::kRefused,
                 identity.name +
                     ": an event store stands in its own configuration; who "
                     "spoke as one could grant and revoke without being asked"};
  }
  if (may_use(identity, "command")) {
    return Error{ErrorCode::kRefused,
                 "commands are operator/cli's alone, and it stands in the configuration"};
  }
  for (const auto& [name, entry] : state.entries) {
    if (name == identity.name && entry.bootstrap) {
      return Error{ErrorCode::kRefused,
                   name + " stands in the store's configuration: change it there"};
    }
    if (name != identity.name && entry.identity.curve_key == identity.curve_key) {
      return Error{ErrorCode::kRefused, "this key is that of " + name};
    }
  }
  return IdentityDecision{.event = IdentityGranted{.name = identity.name,
                                                   .curve_key = identity.curve_key,
                                                   .prefixes = identity.prefixes,
                                                   .topics = identity.topics,
                                                   .sockets = identity.sockets},
                          .stream = stream_of(store, identity.name),
                          .version = version_of(state, identity.name)};
}

Result<IdentityDecision> decide(const Identities& state, std::string_view store,
                                const RevokeIdentity& command) {
  const auto at = state.entries.find(command.name);
  if (at == state.entries.end()) {
    return Error{ErrorCode::kNotFound, "there is no identity " + command.name};
  }
  if (at->second.bootstrap) {
    return Error{ErrorCode::kRefused,
                 command.name + " stands in the store's configuration: take it out there"};
  }
  return IdentityDecision{.event = IdentityRevoked{.name = command.name},
                          .stream = stream_of(store, command.name),
                          .version = version_of(state, command.name)};
}

Identities evolve(Identities state, const Fact& fact) {
  const Event* event = std::get_if<Event>(&fact.body.event);
  if (event == nullptr) return state;
  match(
      *event,
      [&](const IdentityGranted& e) {
        state.versions[e.name] = fact.stamp.version;
        const auto at = state.entries.find(e.name);
        if (at != state.entries.end() && at->second.bootstrap) return;
        state.entries[e.name] = {{e.name, e.curve_key, e.prefixes, e.topics, e.sockets}, false};
      },
      [&](const IdentityRevoked& e) {
        state.versions[e.name] = fact.stamp.version;
        const auto at = state.entries.find(e.name);
        if (at != state.entries.end() && !at->second.bootstrap) state.entries.erase(at);
      },
      [](const ClockStepped&) {}, [](const LogRepaired&) {});
  return state;
}

}  // namespace keytrail::eventstore
