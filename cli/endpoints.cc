#include "cli/endpoints.h"

#include <boost/json.hpp>

#include "bus/secret/file.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kBytesMax = 1 << 20;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

std::int64_t number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->as_int64() : 0;
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

template <class T, class Read>
std::vector<T> list_at(const json::object& object, std::string_view key, Read read) {
  std::vector<T> items;
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return items;
  for (const json::value& item : value->as_array()) {
    if (item.is_object()) items.push_back(read(item.as_object()));
  }
  return items;
}

template <class T, class Write>
json::array list_of(const std::vector<T>& items, Write write) {
  json::array array;
  for (const T& item : items) array.push_back(write(item));
  return array;
}

KmsEndpoint read_kms(const json::object& o) {
  return {.name = text(o, "name"),
          .address = text(o, "address"),
          .port = static_cast<std::uint16_t>(number(o, "port")),
          .pid = static_cast<int>(number(o, "pid")),
          .command = text(o, "command"),
          .keyring = text(o, "keyring"),
          .server_key = text(o, "server_key"),
          .certificate = text(o, "certificate")};
}

json::object write_kms(const KmsEndpoint& x) {
  return {{"name", x.name},
          {"address", x.address},
          {"port", x.port},
          {"pid", x.pid},
          {"command", x.command},
          {"keyring", x.keyring},
          {"server_key", x.server_key},
          {"certificate", x.certificate}};
}

VcenterEndpoint read_vcenter(const json::object& o) {
  return {.name = text(o, "name"),
          .address = text(o, "address"),
          .port = static_cast<std::uint16_t>(number(o, "port")),
          .user = text(o, "user"),
          .password_file = text(o, "password_file"),
          .ca = text(o, "ca"),
          .pid = static_cast<int>(number(o, "pid")),
          .command = text(o, "command"),
          .host_channel = text(o, "host_channel"),
          .server_key = text(o, "server_key")};
}

json::object write_vcenter(const VcenterEndpoint& x) {
  return {{"name", x.name},
          {"address", x.address},
          {"port", x.port},
          {"user", x.user},
          {"password_file", x.password_file},
          {"ca", x.ca},
          {"pid", x.pid},
          {"command", x.command},
          {"host_channel", x.host_channel},
          {"server_key", x.server_key}};
}

KeyedIdentity read_identity(const json::object& o) {
  return {text(o, "name"), text(o, "key_file")};
}

json::object write_identity(const KeyedIdentity& x) {
  return {{"name", x.name}, {"key_file", x.key_file}};
}

LogEndpoint read_log(const json::object& o) {
  return {text(o, "id"),   text(o, "append"),  text(o, "live"),
          text(o, "read"), text(o, "command"), text(o, "server_key")};
}

}  // namespace

std::string to_json(const Endpoints& x) {
  const json::object root{
      {"version", kVersion},
      {"data", x.data},
      {"log", json::object{{"id", x.log.id},
                           {"append", x.log.append},
                           {"live", x.log.live},
                           {"read", x.log.read},
                           {"command", x.log.command},
                           {"server_key", x.log.server_key}}},
      {"operator", write_identity(x.operator_identity)},
      {"subscriber", write_identity(x.subscriber)},
      {"kms", list_of(x.kms, write_kms)},
      {"kmip_client", json::object{{"certificate", x.kmip_client.certificate},
                                   {"key", x.kmip_client.key},
                                   {"ca", x.kmip_client.ca}}},
      {"vcenter", write_vcenter(x.vcenter)},
      {"hosts", list_of(x.hosts,
                        [](const HostEndpoint& h) {
                          return json::object{{"name", h.name}, {"pid", h.pid}};
                        })},
      {"datastores", list_of(x.datastores,
                             [](const Datastore& d) {
                               return json::object{{"name", d.name}, {"path", d.path}};
                             })},
      {"eventstore", json::object{{"pid", x.eventstore_pid}}}};
  return json::serialize(root);
}

Result<Endpoints> parse_endpoints(std::string_view text_of_file) {
  boost::system::error_code malformed;
  const json::value parsed = json::parse(text_of_file, malformed);
  if (malformed || !parsed.is_object()) {
    return Error{ErrorCode::kCorrupt,
                 "endpoints.json is not a JSON object; restart `keytrail up` to write it anew"};
  }
  const json::object& root = parsed.as_object();
  if (number(root, "version") != kVersion) {
    return Error{ErrorCode::kInvalid,
                 "endpoints.json has version " + std::to_string(number(root, "version")) +
                     ", this program knows version 1; use the program that wrote it"};
  }
  Endpoints x;
  x.data = text(root, "data");
  x.log = read_log(object_at(root, "log"));
  x.operator_identity = read_identity(object_at(root, "operator"));
  x.subscriber = read_identity(object_at(root, "subscriber"));
  x.kms = list_at<KmsEndpoint>(root, "kms", read_kms);
  const json::object& client = object_at(root, "kmip_client");
  x.kmip_client = {text(client, "certificate"), text(client, "key"), text(client, "ca")};
  x.vcenter = read_vcenter(object_at(root, "vcenter"));
  x.hosts = list_at<HostEndpoint>(root, "hosts", [](const json::object& o) {
    return HostEndpoint{text(o, "name"), static_cast<int>(number(o, "pid"))};
  });
  x.datastores = list_at<Datastore>(root, "datastores", [](const json::object& o) {
    return Datastore{text(o, "name"), text(o, "path")};
  });
  x.eventstore_pid = static_cast<int>(number(object_at(root, "eventstore"), "pid"));
  return x;
}

Result<Endpoints> read_endpoints(const std::string& data) {
  OsFileSystem files;
  const std::string path = data + "/endpoints.json";
  const Result<Bytes> bytes = read_file(files, path, kBytesMax);
  if (!bytes.ok() && bytes.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kUnavailable,
                 "no installation runs in " + data +
                     " (there is no endpoints.json); start one with `keytrail up --data " + data +
                     "` or name another with --data"};
  }
  if (!bytes.ok()) return bytes.error();
  return parse_endpoints(as_text(*bytes));
}

Result<void> write_endpoints(const Endpoints& endpoints) {
  OsFileSystem files;
  return replace_file(files, endpoints.data + "/endpoints.json",
                      as_bytes(to_json(endpoints) + "\n"));
}

}  // namespace keytrail::cli
