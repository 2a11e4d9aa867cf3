#include "cli/json_fields.h"

#include <boost/json.hpp>

namespace keytrail::cli {

namespace json = boost::json;

namespace {

// Every letter as \uXXXX, and the quotes.
constexpr std::size_t quoted_bytes_max(std::size_t bytes) { return 6 * bytes + 2; }

// REQUIRES: `to` has room, so that it does not move and leave a copy behind.
void append_quoted(std::string& to, std::string_view text) {
  const std::size_t begin = to.size();
  to.resize(begin + quoted_bytes_max(text.size()));
  json::serializer serializer;
  serializer.reset(json::string_view(text));
  to.resize(begin + serializer.read(to.data() + begin, to.size() - begin).size());
}

}  // namespace

Result<json::object> parse_object(std::string_view text, const std::string& whose) {
  boost::system::error_code malformed;
  json::value value = json::parse(text, malformed);
  if (malformed || !value.is_object()) {
    return Error{ErrorCode::kCorrupt, whose + " is not a JSON object"};
  }
  return std::move(value.get_object());
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::int64_t number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

bool flag_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

std::vector<const json::object*> objects_at(const json::object& object, std::string_view key) {
  std::vector<const json::object*> objects;
  const json::value* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return objects;
  for (const json::value& item : list->get_array()) {
    if (item.is_object()) objects.push_back(&item.get_object());
  }
  return objects;
}

bool is_utf8(std::string_view text) {
  boost::system::error_code malformed;
  (void)json::parse(json::serialize(json::string_view(text)),
                    malformed);  // It judges what is sent.
  return !malformed;
}

std::span<char> plain_text_at(std::string& json, std::string_view key) {
  const std::string name = '"' + std::string(key) + '"';
  const std::size_t at = json.find(name);
  if (at == std::string::npos) return {};
  const std::size_t quote = json.find_first_not_of(": \t\r\n", at + name.size());
  if (quote == std::string::npos || json[quote] != '"') return {};
  const std::size_t end = json.find('"', quote + 1);
  if (end == std::string::npos) return {};
  return {json.data() + quote + 1, end - quote - 1};
}

std::string user_and_password(std::string_view user, const SecretBytes& password) {
  const ByteView secret = password.read(SecretAccess());
  std::string written;
  written.reserve(quoted_bytes_max(user.size()) + quoted_bytes_max(secret.size()) + 32);
  written.append(R"({"user":)");
  append_quoted(written, user);
  written.append(R"(,"password":)");
  append_quoted(written, as_text(secret));
  return written.append("}");
}

}  // namespace keytrail::cli
