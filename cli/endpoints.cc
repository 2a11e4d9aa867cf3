#include "cli/endpoints.h"

#include <boost/json.hpp>

#include "bus/secret/file.h"
#include "cli/json_fields.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kBytesMax = 1 << 20;

template <class T, class Read>
std::vector<T> list_at(const json::object& object, std::string_view key, Read read) {
  std::vector<T> items;
  for (const json::object* item : objects_at(object, key)) items.push_back(read(*item));
  return items;
}

template <class T, class Write>
json::array list_of(const std::vector<T>& items, Write write) {
  json::array array;
  for (const T& item : items) array.push_back(write(item));
  return array;
}

KmsEndpoint read_kms(const json::object& o) {
  return {.name = text_at(o, "name"),
          .address = text_at(o, "address"),
          .port = static_cast<std::uint16_t>(number_at(o, "port")),
          .pid = static_cast<int>(number_at(o, "pid")),
          .command = text_at(o, "command"),
          .keyring = text_at(o, "keyring"),
          .server_key = text_at(o, "server_key"),
          .certificate = text_at(o, "certificate")};
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
  return {.name = text_at(o, "name"),
          .address = text_at(o, "address"),
          .port = static_cast<std::uint16_t>(number_at(o, "port")),
          .user = text_at(o, "user"),
          .password_file = text_at(o, "password_file"),
          .ca = text_at(o, "ca"),
          .pid = static_cast<int>(number_at(o, "pid")),
          .command = text_at(o, "command"),
          .host_channel = text_at(o, "host_channel"),
          .server_key = text_at(o, "server_key")};
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
  return {text_at(o, "name"), text_at(o, "key_file")};
}

json::object write_identity(const KeyedIdentity& x) {
  return {{"name", x.name}, {"key_file", x.key_file}};
}

LogEndpoint read_log(const json::object& o) {
  return {text_at(o, "id"),
          text_at(o, "append"),
          text_at(o, "live"),
          text_at(o, "read"),
          text_at(o, "command"),
          text_at(o, "server_key"),
          text_at(o, "checkpoint_key")};
}

}  // namespace

std::string address_of(const Endpoints& endpoints, std::string_view part) {
  if (part == "eventstore") return endpoints.log.append;
  if (part == endpoints.vcenter.name) return endpoints.vcenter.command;
  for (const KmsEndpoint& replica : endpoints.kms) {
    if (part == replica.name) {
      return "kmip://" + replica.address + ":" + std::to_string(replica.port);
    }
  }
  for (const HostEndpoint& host : endpoints.hosts) {
    if (part == host.name) return "-";
  }
  return "";
}

std::string to_json(const Endpoints& x) {
  const json::object root{
      {"version", kVersion},
      {"data", x.data},
      {"log", json::object{{"id", x.log.id},
                           {"append", x.log.append},
                           {"live", x.log.live},
                           {"read", x.log.read},
                           {"command", x.log.command},
                           {"server_key", x.log.server_key},
                           {"checkpoint_key", x.log.checkpoint_key}}},
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
  const Result<json::object> parsed = parse_object(text_of_file, "endpoints.json");
  if (!parsed.ok()) {
    return Error{parsed.error().code,
                 parsed.error().detail + "; restart `keytrail up` to write it anew"};
  }
  const json::object& root = *parsed;
  if (number_at(root, "version") != kVersion) {
    return Error{ErrorCode::kRefused,
                 "endpoints.json has version " + std::to_string(number_at(root, "version")) +
                     ", this program knows version 1; use the program that wrote it"};
  }
  Endpoints x;
  x.data = text_at(root, "data");
  x.log = read_log(object_at(root, "log"));
  x.operator_identity = read_identity(object_at(root, "operator"));
  x.subscriber = read_identity(object_at(root, "subscriber"));
  x.kms = list_at<KmsEndpoint>(root, "kms", read_kms);
  const json::object& client = object_at(root, "kmip_client");
  x.kmip_client = {text_at(client, "certificate"), text_at(client, "key"), text_at(client, "ca")};
  x.vcenter = read_vcenter(object_at(root, "vcenter"));
  x.hosts = list_at<HostEndpoint>(root, "hosts", [](const json::object& o) {
    return HostEndpoint{text_at(o, "name"), static_cast<int>(number_at(o, "pid"))};
  });
  x.datastores = list_at<Datastore>(root, "datastores", [](const json::object& o) {
    return Datastore{text_at(o, "name"), text_at(o, "path")};
  });
  x.eventstore_pid = static_cast<int>(number_at(object_at(root, "eventstore"), "pid"));
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
