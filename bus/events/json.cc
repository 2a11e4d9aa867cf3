#include "bus/events/json.h"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "bus/events/codec.h"
#include "bus/events/event.capnp.h"
#include "bus/events/facets.h"

// The fields are walked by the schema of event.capnp, so that there is no second list of them to
// keep.
namespace keytrail {
namespace {

namespace json = boost::json;

// JSON is UTF-8; a text of a fact is what a client sent. Each byte that is no UTF-8 becomes U+FFFD.
std::string as_utf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0x80                    ? 1
                               : lead >= 0xC2 && lead <= 0xDF ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    bool whole = length != 0 && i + length <= text.size();
    for (std::size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      whole = (next & 0xC0) == 0x80;
      // Overlong forms, surrogates, and what lies beyond U+10FFFF.
      if (k == 1 && ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ||
                     (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F))) {
        whole = false;
      }
    }
    out += whole ? text.substr(i, length) : kReplacement;
    i += whole ? length : 1;
  }
  return out;
}

json::value value_of(const capnp::DynamicValue::Reader& value, capnp::Type type);

json::value list_of(capnp::DynamicList::Reader list) {
  json::array array;
  const capnp::Type type = list.getSchema().getElementType();
  for (const auto element : list) array.push_back(value_of(element, type));
  return array;
}

json::object object_of(capnp::DynamicStruct::Reader from) {
  json::object object;
  for (const auto field : from.getSchema().getFields()) {
    object[field.getProto().getName().cStr()] = value_of(from.get(field), field.getType());
  }
  return object;
}

json::value value_of(const capnp::DynamicValue::Reader& value, capnp::Type type) {
  switch (type.which()) {
    case capnp::schema::Type::BOOL:
      return value.as<bool>();
    case capnp::schema::Type::UINT16:
    case capnp::schema::Type::UINT32:
      return value.as<std::uint32_t>();
    case capnp::schema::Type::UINT64:
      return json::value(std::to_string(value.as<std::uint64_t>()));
    case capnp::schema::Type::TEXT: {
      const auto text = value.as<capnp::Text>();
      return json::value(as_utf8({text.begin(), text.size()}));
    }
    case capnp::schema::Type::DATA: {
      const auto data = value.as<capnp::Data>();
      return json::value(to_hex({data.begin(), data.size()}));
    }
    case capnp::schema::Type::ENUM: {
      KJ_IF_MAYBE (enumerant, value.as<capnp::DynamicEnum>().getEnumerant()) {
        return json::value(enumerant->getProto().getName().cStr());
      }
      return nullptr;
    }
    case capnp::schema::Type::LIST:
      return list_of(value.as<capnp::DynamicList>());
    case capnp::schema::Type::STRUCT:
      return object_of(value.as<capnp::DynamicStruct>());
    default:
      return nullptr;  // No event has a field of another kind.
  }
}

// The arm of a union that is set.
capnp::DynamicStruct::Reader arm_of(capnp::DynamicStruct::Reader from) {
  KJ_IF_MAYBE (field, from.which()) {
    return from.get(*field).as<capnp::DynamicStruct>();
  }
  KJ_FAIL_REQUIRE("no event");
}

json::object fields_of(const Event& event) {
  Body body;
  body.stream = "json";  // Any: only the event is looked at.
  body.event = event;
  const auto bytes = encode_body(body);
  if (!bytes.ok()) return {{"unprintable", bytes.error().detail}};
  try {
    auto words = kj::heapArray<capnp::word>(bytes.value().size() / sizeof(capnp::word));
    std::memcpy(words.begin(), bytes.value().data(), bytes.value().size());
    capnp::FlatArrayMessageReader reader(words);
    capnp::DynamicStruct::Reader root = reader.getRoot<encoded::Body>();
    return object_of(arm_of(arm_of(root.get("event").as<capnp::DynamicStruct>())));
  } catch (const kj::Exception& exception) {
    return {{"unprintable", exception.getDescription().cStr()}};
  }
}

// OpenTelemetry's SeverityNumber, which CloudEvents' severity extension takes.
int severity_number(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return 9;
    case Severity::kNotice:
      return 10;
    case Severity::kWarning:
      return 13;
    case Severity::kError:
      return 17;
  }
  return 0;
}

std::string padded(std::uint64_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%020llu", static_cast<unsigned long long>(number));
  return text.data();
}

std::string span_id(Position position) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(position));
  return text.data();
}

}  // namespace

std::string event_to_json(const Event& event) { return json::serialize(fields_of(event)); }

std::string json_string(std::string_view text) {
  return json::serialize(json::value(as_utf8(text)));
}

std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
  json::object object;
  for (const auto& [name, value] : members) object[name] = as_utf8(value);
  return json::serialize(object);
}

std::string to_cloudevent(const Fact& fact, const Hash& leaf, std::string_view installation) {
  const Stamp& stamp = fact.stamp;
  const Body& body = fact.body;
  const Facets facets = facets_of(body);
  const std::string action = to_string(body.action);
  const std::string type = "keytrail." + facets.part + "." + facets.type;

  json::object event;
  event["specversion"] = "1.0";
  event["id"] = std::to_string(stamp.position);
  event["source"] = as_utf8("//keytrail/" + std::string(installation) + "/" + stamp.author);
  event["type"] = type;
  if (const std::string subject = subject_of(facets); !subject.empty()) {
    event["subject"] = as_utf8(subject);
  }
  event["time"] = to_rfc3339(stamp.time);
  event["datacontenttype"] = "application/json";
  event["dataschema"] = "urn:keytrail:event.capnp:" + type;
  event["sequence"] = padded(stamp.position);
  event["correlationid"] = action;
  if (body.cause != 0) event["causationid"] = std::to_string(body.cause);
  if (!body.action.is_none()) {
    event["traceparent"] = "00-" + action + "-" + span_id(stamp.position) + "-01";
  }
  event["recordedtime"] = to_rfc3339(body.clock);
  event["authtype"] = body.user.empty() ? "unauthenticated" : "user";
  if (!body.user.empty()) event["authid"] = as_utf8(body.user);
  event["severitytext"] = std::string(to_string(facets.severity));
  event["severitynumber"] = severity_number(facets.severity);
  event["ktstream"] = as_utf8(body.stream);
  event["kteffect"] = effect_of(body.event) == Effect::kChange ? "change" : "note";
  if (!body.origin.address.empty()) event["ktaddress"] = as_utf8(body.origin.address);
  if (!body.origin.certificate_fingerprint.empty()) {
    event["ktcertificate"] = as_utf8(body.origin.certificate_fingerprint);
  }
  if (!body.origin.session.empty()) event["ktsession"] = as_utf8(body.origin.session);
  event["ktepoch"] = std::to_string(stamp.author_epoch);
  event["ktrequest"] = std::to_string(stamp.request);
  event["ktversion"] = std::to_string(stamp.version);
  event["ktprevious"] = to_hex(stamp.previous);
  event["ktpreviousinstream"] = std::to_string(stamp.previous_in_stream);
  event["ktleaf"] = to_hex(leaf);
  if (!body.attachments.empty()) {
    std::string hashes;
    for (const Hash& hash : body.attachments) hashes += (hashes.empty() ? "" : " ") + to_hex(hash);
    event["ktattachments"] = hashes;
  }
  event["data"] = fields_of(body.event);
  return json::serialize(event);
}

}  // namespace keytrail
