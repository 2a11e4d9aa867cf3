#include "kms/service/command_json.h"

#include <boost/json.hpp>

#include "bus/events/match.h"
#include "kms/kmip/certificate.h"

namespace keytrail::kms {
namespace {

namespace json = boost::json;

constexpr std::size_t kTextBytesMax = 64 * 1024;
constexpr std::size_t kDepthMax = 8;

Error invalid(std::string why) { return {ErrorCode::kInvalid, std::move(why)}; }

Result<std::string> text_in(const json::object& arguments, std::string_view name,
                            bool required = true) {
  const json::value* value = arguments.if_contains(name);
  if (value == nullptr && !required) return std::string();
  if (value == nullptr || !value->is_string() || value->as_string().size() > kTextBytesMax) {
    return invalid("The argument '" + std::string(name) + "' is missing or is no text.");
  }
  return std::string(value->as_string());
}

Result<Hash> fingerprint_in(const json::object& arguments) {
  std::string text = TRY(text_in(arguments, "fingerprint"));
  std::erase(text, ':');  // As OpenSSL prints it.
  const Result<Bytes> bytes = from_hex(text);
  if (!bytes || bytes->size() != sizeof(Hash)) {
    return invalid("A fingerprint is the SHA-256 of a certificate in hexadecimal.");
  }
  Hash hash{};
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

Result<EnrolClient> enrolment_in(const json::object& arguments) {
  EnrolClient enrol{.client = TRY(text_in(arguments, "client")),
                    .group = TRY(text_in(arguments, "group", false)),
                    .fingerprint = {},
                    .certificate = {}};
  const std::string pem = TRY(text_in(arguments, "certificate"));
  enrol.fingerprint = TRY(kmip::certificate_fingerprint(pem));
  enrol.certificate = to_bytes(as_bytes(pem));
  return enrol;
}

Result<ListKeys> list_in(const json::object& arguments) {
  ListKeys list{.after = TRY(text_in(arguments, "after", false))};
  if (const json::value* limit = arguments.if_contains("limit")) {
    if (!limit->is_int64() || limit->as_int64() < 1) return invalid("A limit is a number from 1.");
    list.limit = static_cast<std::size_t>(limit->as_int64());
  }
  return list;
}

using Parsed = std::variant<Command, SignRequest>;

Result<Parsed> parse(std::string_view name, const json::object& arguments) {
  if (name == "status") return Parsed(Command(AskStatus{}));
  if (name == "keys") return Parsed(Command(TRY(list_in(arguments))));
  if (name == "client.list") return Parsed(Command(ListClients{}));
  if (name == "client.add") return Parsed(Command(TRY(enrolment_in(arguments))));
  if (name == "client.remove") {
    return Parsed(Command(RemoveClient{TRY(text_in(arguments, "client"))}));
  }
  if (name == "sign-csr") return Parsed(SignRequest{TRY(text_in(arguments, "request"))});
  if (name == "admit") {
    return Parsed(
        Command(AdmitReplica{TRY(text_in(arguments, "replica")), TRY(fingerprint_in(arguments))}));
  }
  if (name == "retire") {
    return Parsed(Command(RetireReplica{TRY(text_in(arguments, "replica"))}));
  }
  if (name == "shredded") return Parsed(Command(AskShredded{TRY(text_in(arguments, "key"))}));
  if (name == "stop") return Parsed(Command(Stop{}));
  return invalid("A key server knows no command '" + std::string(name.substr(0, 64)) + "'.");
}

std::string_view name_of(ObjectType type) {
  switch (type) {
    case ObjectType::kSymmetricKey:
      return "symmetric key";
    case ObjectType::kSecretData:
      return "secret data";
    case ObjectType::kOpaqueObject:
      return "opaque object";
  }
  KEYTRAIL_CHECK(false);
}

json::object status_json(const StatusAnswer& status, const Certificates& certificates) {
  json::array members;
  for (const auto& [name, member] : status.cluster.members) {
    members.push_back(json::object{{"replica", name},
                                   {"retired", member.retired},
                                   {"fingerprint", to_hex(member.certificate)},
                                   {"shredded_through", std::to_string(member.shredded_through)}});
  }
  return {{"state", to_string(status.phase)},
          {"followed", std::to_string(status.followed)},
          {"keys", status.objects},
          {"clients", status.clients},
          {"punctured_through", std::to_string(status.punctured_through)},
          {"cluster", status.cluster.name},
          {"members", std::move(members)},
          {"certificate_fingerprint", to_hex(certificates.identity_fingerprint)},
          {"certificate", certificates.kmip_pem},
          {"ca_certificate", certificates.ca_pem}};
}

json::object keys_json(const KeysAnswer& answer) {
  json::array keys;
  for (const auto& [object, state] : answer.keys) {
    keys.push_back(json::object{{"key", object.id},
                                {"type", name_of(object.type)},
                                {"state", to_string(state)},
                                {"owner", object.owner},
                                {"length_bits", object.length_bits},
                                {"names", json::value_from(object.names)},
                                {"fingerprint", to_hex(object.fingerprint)}});
  }
  return {{"keys", std::move(keys)}, {"more", answer.more}};
}

json::object clients_json(const ClientsAnswer& answer) {
  json::array clients;
  for (const Client& client : answer.clients) {
    json::array certificates;
    for (const Hash& certificate : client.certificates) {
      certificates.push_back(json::value(to_hex(certificate)));
    }
    clients.push_back(json::object{{"client", client.name},
                                   {"group", client.group},
                                   {"removed", client.removed},
                                   {"certificates", std::move(certificates)}});
  }
  return {{"clients", std::move(clients)}};
}

json::object shredded_json(const ShreddedAnswer& answer) {
  const Shredding& shredding = answer.shredding;
  json::array replicas;
  const auto add = [&](const std::vector<std::string>& names, bool shredded,
                       std::string_view detail) {
    for (const std::string& name : names) {
      replicas.push_back(
          json::object{{"replica", name}, {"shredded", shredded}, {"detail", detail}});
    }
  };
  add(shredding.gone, true, "can no longer derive it");
  add(shredding.not_provable, true, "forgot it, not provable on this medium");
  add(shredding.may_hold, false,
      answer.destroyed ? "has not said yet that it forgot it" : "the key is not destroyed");
  return {{"key", answer.object},
          {"destroyed", answer.destroyed},
          {"shredded", answer.destroyed && shredding.may_hold.empty()},
          {"provable", shredding.not_provable.empty()},
          {"replicas", std::move(replicas)}};
}

}  // namespace

Result<std::variant<Command, SignRequest>> parse_command(const std::string& text) {
  boost::system::error_code malformed;
  json::parse_options options;
  options.max_depth = kDepthMax;
  const json::value value = json::parse(text, malformed, {}, options);
  if (malformed || !value.is_object()) return invalid("A command is a JSON object.");
  const json::value* command = value.as_object().if_contains("command");
  if (command == nullptr || !command->is_string()) return invalid("The command has no name.");
  const json::value* arguments = value.as_object().if_contains("arguments");
  if (arguments == nullptr) return parse(command->as_string(), json::object());
  if (!arguments->is_object()) return invalid("Arguments are a JSON object.");
  return parse(command->as_string(), arguments->as_object());
}

std::string to_json(const Answer& answer, const Certificates& certificates) {
  return json::serialize(match(
      answer, [&](const StatusAnswer& status) { return status_json(status, certificates); },
      [](const KeysAnswer& keys) { return keys_json(keys); },
      [](const ClientsAnswer& clients) { return clients_json(clients); },
      [](const ShreddedAnswer& shredded) { return shredded_json(shredded); },
      [](const DoneAnswer& done) {
        json::object object{{"name", done.name}};
        if (done.position == 0)  // No fact was needed.
          object["unchanged"] = true;
        else
          object["position"] = std::to_string(done.position);
        return object;
      },
      [](const StoppingAnswer&) { return json::object{{"stopping", true}}; },
      [](const SignedAnswer& cert) {
        return json::object{{"certificate", cert.certificate_pem},
                            {"fingerprint", to_hex(cert.fingerprint)}};
      },
      [](const FailedAnswer&) -> json::object { KEYTRAIL_CHECK(false); }));
}

}  // namespace keytrail::kms
