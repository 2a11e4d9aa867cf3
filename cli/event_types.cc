#include "cli/event_types.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <variant>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::cli {
namespace {

struct Name {
  std::string part, type;
};

template <class PartEvent, std::size_t... Index>
void add_names_of_part(std::vector<Name>& names, std::index_sequence<Index...>) {
  const auto add = [&](const Event& event) {
    names.push_back({std::string(part_of(event)), std::string(type_of(event))});
  };
  (add(PartEvent(std::variant_alternative_t<Index, PartEvent>{})), ...);
}

template <std::size_t... Part>
std::vector<Name> names_of(std::index_sequence<Part...>) {
  std::vector<Name> names;
  (add_names_of_part<std::variant_alternative_t<Part, Event>>(
       names,
       std::make_index_sequence<std::variant_size_v<std::variant_alternative_t<Part, Event>>>()),
   ...);
  return names;
}

bool is_same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool holds(std::string_view type, std::string_view text) {
  return std::search(type.begin(), type.end(), text.begin(), text.end(),
                     [](unsigned char x, unsigned char y) {
                       return std::tolower(x) == std::tolower(y);
                     }) != type.end();
}

}  // namespace

Result<std::string> event_type(const std::string& text) {
  constexpr std::size_t kShownMax = 8;
  const std::string slip = text.substr(text.rfind('.') + 1);
  std::string like;
  std::size_t shown = 0;
  for (const Name& name : names_of(std::make_index_sequence<std::variant_size_v<Event>>())) {
    const std::string full = name.part + "." + name.type;
    const std::string all_of_part = name.part + ".*";
    if (is_same(name.type, text)) return name.type;
    if (is_same(full, text)) return full;
    if (is_same(all_of_part, text)) return all_of_part;
    if (slip.empty() || !holds(name.type, slip) || ++shown > kShownMax) continue;
    like += (like.empty() ? "" : ", ") + name.type;
  }
  return Error{ErrorCode::kInvalid,
               "--type takes the name of an event, e.g. KeyReleased or kms.*; not \"" + text +
                   "\"" + (like.empty() ? "" : "; there are " + like)};
}

}  // namespace keytrail::cli
