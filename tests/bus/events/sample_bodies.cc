#include "tests/bus/events/sample_bodies.h"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize.h>

#include <cctype>
#include <cstring>
#include <ostream>

#include "bus/events/event.capnp.h"

namespace keytrail::test {
namespace {

using capnp::DynamicStruct;
using capnp::DynamicValue;
using capnp::StructSchema;

std::string lower_first(std::string text) {
  text[0] = static_cast<char>(std::tolower(text[0]));
  return text;
}

// Gives each field a value that no other field of the same body has.
class Filler {
 public:
  void fill(DynamicStruct::Builder to) {
    for (const StructSchema::Field field : to.getSchema().getNonUnionFields()) set(to, field);
  }

 private:
  void set(DynamicStruct::Builder to, StructSchema::Field field) {
    const std::string name = field.getProto().getName().cStr();
    const capnp::Type type = field.getType();
    if (name == "event" || name == "effect") return;  // The caller's.
    if (type.isList()) {
      auto list = to.init(field, 2).as<capnp::DynamicList>();
      for (unsigned i = 0; i < list.size(); ++i) {
        if (type.asList().getElementType().isStruct()) {
          fill(list[i].as<DynamicStruct>());
        } else {
          element(list, i, type.asList().getElementType(), name);
        }
      }
    } else if (type.isStruct()) {
      fill(to.init(field).as<DynamicStruct>());
    } else {
      value(type, name, [&](const DynamicValue::Reader& v) { to.set(field, v); });
    }
  }

  void element(capnp::DynamicList::Builder list, unsigned i, capnp::Type type,
               const std::string& name) {
    value(type, name, [&](const DynamicValue::Reader& v) { list.set(i, v); });
  }

  template <class Use>
  void value(capnp::Type type, const std::string& name, Use use) {
    ++count_;
    if (type.isText()) {
      const std::string text =
          name == "stream" ? "part/sample/stream/1" : name + " " + std::to_string(count_);
      use(capnp::Text::Reader(text.c_str(), text.size()));
    } else if (type.isData()) {
      Bytes bytes(name == "action" ? 16 : 32, static_cast<std::uint8_t>(count_));
      use(capnp::Data::Reader(bytes.data(), bytes.size()));
    } else if (type.isEnum()) {
      const auto enumerants = type.asEnum().getEnumerants();
      use(capnp::DynamicEnum(enumerants[enumerants.size() - 1]));
    } else if (type.isBool()) {
      use(true);
    } else {
      use(count_);  // A small number: fits every width.
    }
  }

  std::uint32_t count_ = 0;
};

Bytes sample_of(const Event& event) {
  capnp::MallocMessageBuilder message(8192);
  DynamicStruct::Builder root = message.initRoot<encoded::Body>();
  Filler filler;
  filler.fill(root);
  root.set("effect", effect_of(event) == Effect::kChange ? "change" : "note");
  auto part = root.get("event").as<DynamicStruct>().init(std::string(part_of(event)).c_str());
  filler.fill(part.as<DynamicStruct>()
                  .init(lower_first(std::string(type_of(event))).c_str())
                  .as<DynamicStruct>());
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

template <class OfPart, std::size_t... kIndex>
void append_all(std::vector<Event>& events, std::index_sequence<kIndex...>) {
  (events.push_back(OfPart(std::variant_alternative_t<kIndex, OfPart>{})), ...);
}

template <class... OfParts>
std::vector<Event> all_of(const std::variant<OfParts...>*) {
  std::vector<Event> events;
  (append_all<OfParts>(events, std::make_index_sequence<std::variant_size_v<OfParts>>{}), ...);
  return events;
}

}  // namespace

std::vector<Event> all_events() { return all_of(static_cast<const Event*>(nullptr)); }

void PrintTo(const SampleBody& sample, std::ostream* out) {
  *out << sample.part << '.' << sample.type;
}

std::vector<SampleBody> sample_bodies() {
  std::vector<SampleBody> samples;
  for (const Event& event : all_events()) {
    samples.push_back({std::string(part_of(event)), std::string(type_of(event)), sample_of(event)});
  }
  return samples;
}

std::size_t events_in_schema() {
  std::size_t count = 0;
  const StructSchema event = capnp::Schema::from<encoded::Body::Event>();
  for (const StructSchema::Field part : event.getUnionFields()) {
    count += part.getType().asStruct().getUnionFields().size();
  }
  return count;
}

std::string print_body(ByteView bytes) {
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  capnp::FlatArrayMessageReader reader(words);
  return kj::str(reader.getRoot<encoded::Body>()).cStr();
}

}  // namespace keytrail::test
