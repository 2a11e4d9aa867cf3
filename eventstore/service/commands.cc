#include "eventstore/service/commands.h"

#include <boost/json.hpp>

namespace keytrail::eventstore {

namespace json = boost::json;

namespace {

constexpr std::size_t kTextsMax = 64;
constexpr std::size_t kTextBytesMax = 256;

Error invalid(std::string detail) { return {ErrorCode::kInvalid, std::move(detail)}; }

Result<std::string> text_of(const json::object& object, const char* name) {
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_string())
    return invalid(std::string("the command needs a text \"") + name + "\"");
  if (member->get_string().size() > kTextBytesMax)
    return invalid(std::string("\"") + name + "\" is too long");
  return std::string(member->get_string());
}

Result<std::vector<std::string>> texts_of(const json::object& object, const char* name) {
  std::vector<std::string> texts;
  const json::value* member = object.if_contains(name);
  if (member == nullptr) return texts;
  const json::array* list = member->if_array();
  if (list == nullptr || list->size() > kTextsMax)
    return invalid(std::string("\"") + name + "\" is not a short list");
  for (const json::value& text : *list) {
    if (!text.is_string() || text.get_string().size() > kTextBytesMax) {
      return invalid(std::string("\"") + name + "\" holds what is not a short text");
    }
    texts.emplace_back(text.get_string());
  }
  return texts;
}

Result<Command> grant(const json::object& arguments) {
  return Command(GrantIdentity{{.name = TRY(text_of(arguments, "name")),
                                .curve_key = TRY(text_of(arguments, "key")),
                                .prefixes = TRY(texts_of(arguments, "prefixes")),
                                .topics = TRY(texts_of(arguments, "topics")),
                                .sockets = TRY(texts_of(arguments, "sockets"))}});
}

// A third party: it listens and reads, and can append nothing.
Result<Command> add_subscriber(const json::object& arguments) {
  return Command(GrantIdentity{{.name = TRY(text_of(arguments, "name")),
                                .curve_key = TRY(text_of(arguments, "key")),
                                .prefixes = {},
                                .topics = TRY(texts_of(arguments, "topics")),
                                .sockets = {"live", "read"}}});
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());  // Not braces: they would make a list of two.
}

}  // namespace

Result<Command> parse_command(const std::string& text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  const json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return invalid("the command is not a JSON object");
  const std::string command = TRY(text_of(value.get_object(), "command"));
  static const json::object kNone;
  const json::value* given = value.get_object().if_contains("arguments");
  if (given != nullptr && !given->is_object()) return invalid("\"arguments\" is not an object");
  const json::object& arguments = given != nullptr ? given->get_object() : kNone;

  if (command == "identities grant") return grant(arguments);
  if (command == "subscribers add") return add_subscriber(arguments);
  if (command == "identities list" || command == "subscribers list")
    return Command(ListIdentities{});
  if (command == "identities revoke" || command == "subscribers revoke") {
    return Command(RevokeIdentity{.name = TRY(text_of(arguments, "name"))});
  }
  if (command == "status") return Command(ShowStatus{});
  if (command == "stop") return Command(StopStore{});
  return invalid(
      "the event store has no command \"" + command +
      "\"; it has: identities grant, list, revoke; subscribers add, list, revoke; status; stop");
}

std::string to_json(const Status& status) {
  return json::serialize(json::object{{"log", status.log_id},
                                      {"generation", std::to_string(status.head.generation)},
                                      {"head", std::to_string(status.head.durable_head)},
                                      {"log_time", std::to_string(status.head.log_time)},
                                      {"checkpoint_key", status.checkpoint_key},
                                      {"identity", status.identity},
                                      {"epoch", std::to_string(status.epoch)},
                                      {"identities", status.identities}});
}

std::string to_json(const Identities& identities) {
  json::array list;
  for (const auto& [name, entry] : identities.entries) {
    list.push_back(json::object{{"name", name},
                                {"key", entry.identity.curve_key},
                                {"prefixes", array_of(entry.identity.prefixes)},
                                {"topics", array_of(entry.identity.topics)},
                                {"sockets", array_of(entry.identity.sockets)},
                                {"from", entry.bootstrap ? "configuration" : "log"}});
  }
  return json::serialize(json::object{{"identities", std::move(list)}});
}

std::string recorded_json(const std::string& name, Position position) {
  return json::serialize(json::object{{"name", name}, {"position", std::to_string(position)}});
}

}  // namespace keytrail::eventstore
