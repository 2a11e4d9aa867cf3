#include "cli/kmip_commands.h"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <memory>
#include <utility>

#include "bus/secret/file.h"
#include "cli/answer.h"
#include "cli/endpoints.h"
#include "cli/pem_input.h"
#include "cli/secret_input.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaterialBytesMax = 512 * 1024;

Error usage(std::string detail) { return {ErrorCode::kInvalid, std::move(detail)}; }

// What is malformed once the question is on its way is the server's answer, not the command line.
Error blamed_on_server(Error error) {
  if (error.code == ErrorCode::kInvalid) error.code = ErrorCode::kCorrupt;
  return error;
}

// What the user left out, from the installation.
Result<KmipSession> complete(const Globals& globals, KmipSession session) {
  if (session.certificate_file.empty() != session.key_file.empty())
    return usage("--cert and --key belong together: give both, or neither for the installation's");
  if (session.username.empty() != session.password_file.empty())
    return usage("--username and --credential-file belong together");
  const bool whole = !session.server.empty() && !session.certificate_file.empty() &&
                     !session.key_file.empty() && !(session.ca_file.empty() && session.pin.empty());
  if (whole) return session;
  const Endpoints here = TRY(read_endpoints(globals.data));
  if (session.server.empty()) {
    if (here.kms.empty()) return usage("the installation has no key server; give --server");
    session.server = here.kms.front().address + ":" + std::to_string(here.kms.front().port);
  }
  if (session.certificate_file.empty()) session.certificate_file = here.kmip_client.certificate;
  if (session.key_file.empty()) session.key_file = here.kmip_client.key;
  if (session.ca_file.empty() && session.pin.empty()) session.ca_file = here.kmip_client.ca;
  return session;
}

Result<kmip::ServerTrust> trust_of(const KmipSession& session, const kmip::Endpoint& server) {
  if (session.pin.empty()) {
    kmip::TrustedAuthority authority;
    authority.ca_pem = TRY(read_pem(session.ca_file));
    authority.server_name = session.name.empty() ? server.host : session.name;
    return kmip::ServerTrust(std::move(authority));
  }
  std::string digits = session.pin;  // "AB:CD:…" is how others print it.
  std::erase(digits, ':');
  const Result<Bytes> bytes = from_hex(digits);
  kmip::PinnedCertificate pinned;
  if (!bytes || bytes->size() != pinned.fingerprint.size()) {
    return usage("a pin is the SHA-256 of a certificate: 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), pinned.fingerprint.begin());
  return kmip::ServerTrust(pinned);
}

Result<std::unique_ptr<kmip::Client>> connect(const Globals& globals, const KmipSession& given) {
  const KmipSession session = TRY(complete(globals, given));
  const kmip::Endpoint server = TRY(kmip::parse_endpoint(session.server));
  const kmip::TlsIdentity identity{TRY(read_pem(session.certificate_file)),
                                   TRY(read_secret(session.key_file, kmip::kPemBytesMax))};
  const kmip::ServerTrust trust = TRY(trust_of(session, server));
  const kmip::TlsContext tls = TRY(kmip::make_client_context(&identity, trust));
  kmip::ClientOptions options;
  options.timeouts = {session.timeout_ms, session.timeout_ms};
  options.username = session.username;
  if (!session.password_file.empty()) options.password = TRY(read_password(session.password_file));
  if (!session.version.empty()) {
    const auto spoken = std::find_if(
        kmip::kSpokenVersions.begin(), kmip::kSpokenVersions.end(),
        [&](kmip::ProtocolVersion v) { return kmip::version_text(v) == session.version; });
    if (spoken == kmip::kSpokenVersions.end()) {
      return usage("KMIP " + session.version + " is not spoken here; 1.0 to 1.4 are");
    }
    options.version = *spoken;
  }
  auto client = kmip::Client::connect(server, tls, std::move(options));
  if (!client.ok()) return blamed_on_server(client.error());
  if (!session.version.empty()) return client;
  const auto negotiated = (*client)->negotiate();
  if (!negotiated.ok()) return blamed_on_server(negotiated.error());
  return client;
}

// "x-owner=alice" as an attribute of text.
Result<std::vector<kmip::Attribute>> custom_attributes(const std::vector<std::string>& texts) {
  std::vector<kmip::Attribute> attributes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || !text.starts_with("x-")) {
      return usage("\"" + text + "\" is no attribute of a client's own: x-NAME=TEXT");
    }
    attributes.push_back({text.substr(0, equals), 0, text.substr(equals + 1)});
  }
  return attributes;
}

template <class E>
Result<E> named(const std::string& name, const char* what) {
  const std::optional<E> value = kmip::from_name<E>(name);
  if (!value) return usage("\"" + name + "\" is no " + what);
  return *value;
}

template <class E>
kmip::Attribute enumeration(std::string_view name, E value) {
  return {std::string(name), 0, kmip::ttlv::Enumeration{static_cast<std::uint32_t>(value)}};
}

// What Create and Register have in common, in the standard's order.
Result<std::vector<kmip::Attribute>> common_attributes(const std::string& usage_text,
                                                       const std::string& name,
                                                       const std::vector<std::string>& custom) {
  const std::optional<std::int32_t> mask = kmip::usage_mask_from(usage_text);
  if (!mask) return usage("\"" + usage_text + "\" is no usage: Encrypt|Decrypt, for example");
  std::vector<kmip::Attribute> attributes{
      {std::string(kmip::attribute::kCryptographicUsageMask), 0, *mask}};
  if (!name.empty()) {
    attributes.push_back(
        {std::string(kmip::attribute::kName), 0, kmip::to_value(kmip::Name{name})});
  }
  for (kmip::Attribute& attribute : TRY(custom_attributes(custom))) {
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

std::string time_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  char text[32] = {};
  if (gmtime_r(&time, &utc) == nullptr) return std::to_string(seconds);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// By name, where the kind of enumeration follows from that of the attribute or field.
json::value enumeration_json(std::string_view name, std::uint32_t number) {
  if (name == "State") return json::string(name_of(kmip::State{number}));
  if (name == "Object Type") return json::string(name_of(kmip::ObjectType{number}));
  if (name == "Cryptographic Algorithm") {
    return json::string(name_of(kmip::CryptographicAlgorithm{number}));
  }
  if (name == "Name Type") return json::string(name_of(kmip::NameType{number}));
  if (name == "Key Format Type") return json::string(name_of(kmip::KeyFormatType{number}));
  if (name == "Revocation Reason Code") {
    return json::string(name_of(kmip::RevocationReasonCode{number}));
  }
  return number;
}

json::value value_json(std::string_view attribute, const kmip::ttlv::Value& value) {
  struct Visitor {
    std::string_view attribute;
    json::value operator()(const kmip::ttlv::Structure& structure) const {
      json::object fields;
      for (const kmip::ttlv::Item& item : structure.items) {
        const std::string field = kmip::tag_name(item.tag);
        fields[field] = value_json(field, item.value);
      }
      return fields;
    }
    json::value operator()(std::int32_t number) const {
      if (attribute != kmip::attribute::kCryptographicUsageMask) return number;
      return json::string(kmip::usage_mask_text(number));
    }
    json::value operator()(std::int64_t number) const { return number; }
    json::value operator()(const kmip::ttlv::BigInteger& number) const {
      return json::string(to_hex(number.two_complement));
    }
    json::value operator()(kmip::ttlv::Enumeration value) const {
      return enumeration_json(attribute, value.number);
    }
    json::value operator()(bool flag) const { return flag; }
    json::value operator()(const std::string& text) const { return json::string(text); }
    json::value operator()(const Bytes& bytes) const { return json::string(to_hex(bytes)); }
    json::value operator()(kmip::ttlv::DateTime time) const {
      return json::string(time_text(time.seconds));
    }
    json::value operator()(kmip::ttlv::Interval interval) const { return interval.seconds; }
  };
  return std::visit(Visitor{attribute}, value);
}

// Runs `asks` in a session and shows the object that it gives.
template <class Asks>
Exit in_session(const Globals& globals, const KmipSession& session, Asks asks,
                const View& view = {}) {
  const auto result = [&]() -> Result<std::string> {
    const std::unique_ptr<kmip::Client> client = TRY(connect(globals, session));
    Result<json::object> answer = asks(*client);
    if (!answer.ok()) return blamed_on_server(answer.error());
    return json::serialize(*answer);
  }();
  return show(globals, result, view);
}

// Made before the key is asked for: a release that could not be kept would be recorded for nothing.
Result<kmip::GetResponse> get_into(kmip::Client& client, const std::string& id,
                                   const std::string& out) {
  OsFileSystem files;
  if (files.open(out, FileSystem::Open::kRead).ok()) {
    return Error{ErrorCode::kRefused,
                 out + " is there already, and may be the only copy of a key; choose another file "
                       "with --out"};
  }
  const std::unique_ptr<File> file = TRY(files.open(out, FileSystem::Open::kCreate));
  Result<kmip::GetResponse> got = client.get(id);
  Result<void> written =
      got ? file->write_at(0, kmip::material_of(got->object).read(SecretAccess()))
          : Result<void>(got.error());
  if (written) written = file->sync();
  if (written) written = files.sync_folder(folder_of(out));
  if (written) return got;
  (void)files.unlink(out).ok();
  return written.error();
}

Result<kmip::ManagedObject> object_of(kmip::ObjectType type, SecretBytes material,
                                      kmip::CryptographicAlgorithm algorithm) {
  kmip::KeyBlock block;
  switch (type) {
    case kmip::ObjectType::kSymmetricKey:
      block.algorithm = algorithm;
      block.length = static_cast<std::int32_t>(material.size() * 8);
      block.material = std::move(material);
      return kmip::ManagedObject(kmip::SymmetricKey{std::move(block)});
    case kmip::ObjectType::kSecretData:
      block.format = kmip::KeyFormatType::kOpaque;
      block.material = std::move(material);
      return kmip::ManagedObject(
          kmip::SecretData{kmip::SecretDataType::kPassword, std::move(block)});
    case kmip::ObjectType::kOpaqueObject:
      return kmip::ManagedObject(kmip::OpaqueObject{.value = std::move(material)});
    default:
      return usage("SymmetricKey, SecretData and OpaqueObject can be registered, not " +
                   name_of(type));
  }
}

Result<std::vector<kmip::Attribute>> filter_of(const KmipLocate& wanted) {
  std::vector<kmip::Attribute> filter = TRY(custom_attributes(wanted.attributes));
  if (!wanted.name.empty()) {
    filter.push_back(
        {std::string(kmip::attribute::kName), 0, kmip::to_value(kmip::Name{wanted.name})});
  }
  if (!wanted.state.empty()) {
    filter.push_back(
        enumeration(kmip::attribute::kState, TRY(named<kmip::State>(wanted.state, "state"))));
  }
  if (!wanted.type.empty()) {
    filter.push_back(enumeration(kmip::attribute::kObjectType,
                                 TRY(named<kmip::ObjectType>(wanted.type, "object type"))));
  }
  if (!wanted.group.empty()) {
    filter.push_back({std::string(kmip::attribute::kObjectGroup), 0, wanted.group});
  }
  return filter;
}

Result<kmip::CreateRequest> create_request(const KmipCreate& wanted) {
  kmip::CreateRequest request;
  request.attributes = {
      enumeration(kmip::attribute::kCryptographicAlgorithm,
                  TRY(named<kmip::CryptographicAlgorithm>(wanted.algorithm, "algorithm"))),
      {std::string(kmip::attribute::kCryptographicLength), 0, wanted.length_bits}};
  for (kmip::Attribute& attribute :
       TRY(common_attributes(wanted.usage, wanted.name, wanted.attributes))) {
    request.attributes.push_back(std::move(attribute));
  }
  return request;
}

Result<kmip::RegisterRequest> register_request(const KmipRegister& wanted) {
  kmip::RegisterRequest request;
  request.type = TRY(named<kmip::ObjectType>(wanted.type, "object type"));
  const auto algorithm = TRY(named<kmip::CryptographicAlgorithm>(wanted.algorithm, "algorithm"));
  SecretBytes material = TRY(read_secret(wanted.file, kMaterialBytesMax));
  request.object = TRY(object_of(request.type, std::move(material), algorithm));
  request.attributes = TRY(common_attributes(wanted.usage, wanted.name, wanted.attributes));
  return request;
}

Result<kmip::LocateRequest> locate_request(const KmipLocate& wanted) {
  kmip::LocateRequest request;
  request.maximum_items = wanted.maximum;
  request.attributes = TRY(filter_of(wanted));
  return request;
}

Result<kmip::RevocationReason> revocation_reason(const KmipRevoke& wanted) {
  kmip::RevocationReason reason;
  reason.code = TRY(named<kmip::RevocationReasonCode>(wanted.reason, "reason of revocation"));
  if (!wanted.message.empty()) reason.message = wanted.message;
  return reason;
}

}  // namespace

Exit run_kmip_discover(const Globals& globals, const KmipSession& session) {
  return in_session(globals, session,
                    [](kmip::Client& client) -> Result<json::object> {
                      json::array versions;
                      for (const kmip::ProtocolVersion version : TRY(client.discover_versions())) {
                        versions.push_back(json::object{{"version", kmip::version_text(version)}});
                      }
                      return json::object{{"versions", versions}};
                    },
                    {"versions", {{"VERSION", "version"}}});
}

Exit run_kmip_query(const Globals& globals, const KmipSession& session) {
  return in_session(globals, session, [](kmip::Client& client) -> Result<json::object> {
    const kmip::QueryResponse answer =
        TRY(client.query({kmip::QueryFunction::kOperations, kmip::QueryFunction::kObjects,
                          kmip::QueryFunction::kServerInformation}));
    json::array operations;
    json::array objects;
    for (const kmip::Operation operation : answer.operations) {
      operations.emplace_back(name_of(operation));
    }
    for (const kmip::ObjectType type : answer.object_types) objects.emplace_back(name_of(type));
    return json::object{{"vendor", answer.vendor.value_or("")},
                        {"version", kmip::version_text(client.version())},
                        {"operations", operations},
                        {"objects", objects}};
  });
}

Exit run_kmip_create(const Globals& globals, const KmipSession& session, const KmipCreate& wanted) {
  Result<kmip::CreateRequest> request = create_request(wanted);
  if (!request.ok()) return fail(request.error());
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    const std::string id = TRY(client.create(std::move(*request))).id;
    if (wanted.activate) TRY(client.activate(id));
    return json::object{{"id", id}, {"state", wanted.activate ? "Active" : "PreActive"}};
  });
}

Exit run_kmip_register(const Globals& globals, const KmipSession& session,
                       const KmipRegister& wanted) {
  Result<kmip::RegisterRequest> request = register_request(wanted);
  if (!request.ok()) return fail(request.error());
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    return json::object{{"id", TRY(client.register_object(std::move(*request))).id}};
  });
}

Exit run_kmip_get(const Globals& globals, const KmipSession& session, const std::string& id,
                  const std::string& out) {
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    const kmip::GetResponse got = TRY(out.empty() ? client.get(id) : get_into(client, id, out));
    json::object result{{"id", got.id},
                        {"type", name_of(got.type)},
                        {"bytes", kmip::material_of(got.object).size()}};
    if (!out.empty()) result["written_to"] = out;
    return result;
  });
}

Exit run_kmip_attributes(const Globals& globals, const KmipSession& session, const std::string& id,
                         const std::vector<std::string>& names) {
  return in_session(
      globals, session,
      [&](kmip::Client& client) -> Result<json::object> {
        json::array attributes;
        for (const kmip::Attribute& attribute : TRY(client.get_attributes(id, names))) {
          attributes.push_back(
              json::object{{"name", attribute.name},
                           {"index", attribute.index},
                           {"value", value_json(attribute.name, attribute.value)}});
        }
        return json::object{{"id", id}, {"attributes", attributes}};
      },
      {"attributes", {{"ATTRIBUTE", "name"}, {"INDEX", "index"}, {"VALUE", "value"}}});
}

Exit run_kmip_locate(const Globals& globals, const KmipSession& session, const KmipLocate& wanted) {
  Result<kmip::LocateRequest> request = locate_request(wanted);
  if (!request.ok()) return fail(request.error());
  return in_session(globals, session,
                    [&](kmip::Client& client) -> Result<json::object> {
                      json::array ids;
                      for (const std::string& id : TRY(client.locate(std::move(*request))).ids) {
                        ids.push_back(json::object{{"id", id}});
                      }
                      return json::object{{"objects", ids}};
                    },
                    {"objects", {{"ID", "id"}}});
}

Exit run_kmip_activate(const Globals& globals, const KmipSession& session, const std::string& id) {
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    TRY(client.activate(id));
    return json::object{{"id", id}, {"state", "Active"}};
  });
}

Exit run_kmip_revoke(const Globals& globals, const KmipSession& session, const KmipRevoke& wanted) {
  Result<kmip::RevocationReason> reason = revocation_reason(wanted);
  if (!reason.ok()) return fail(reason.error());
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    const bool compromised = reason->code == kmip::RevocationReasonCode::kKeyCompromise ||
                             reason->code == kmip::RevocationReasonCode::kCaCompromise;
    TRY(client.revoke(wanted.id, std::move(*reason)));
    return json::object{{"id", wanted.id}, {"state", compromised ? "Compromised" : "Deactivated"}};
  });
}

Exit run_kmip_destroy(const Globals& globals, const KmipSession& session, const std::string& id) {
  return in_session(globals, session, [&](kmip::Client& client) -> Result<json::object> {
    TRY(client.destroy(id));
    return json::object{{"id", id}, {"state", "Destroyed"}};
  });
}

}  // namespace keytrail::cli
