// Words: enumerators, lists and sentences as people read them, in tables, errors and on a terminal.
//
// The forms that programs read are elsewhere: event.capnp's numbers, the JSON form's camelCase.
// Pure; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "bus/events/kms_events.h"
#include "bus/events/vcenter_events.h"

namespace keytrail {

// The pieces, one after the other.
[[nodiscard]] inline std::string say(std::initializer_list<std::string_view> pieces) {
  std::string sentence;
  for (const std::string_view piece : pieces) sentence += piece;
  return sentence;
}

// "a, b, c", or `none`.
template <class Texts>
[[nodiscard]] std::string list_of(const Texts& texts, std::string_view none = "none") {
  std::string list;
  for (const auto& text : texts) {
    if (!list.empty()) list += ", ";
    list += text;
  }
  return list.empty() ? std::string(none) : list;
}

// A text of somebody else's for a terminal: each control character, of ASCII or of the second set
// (U+0080 to U+009F, among them another way to begin an escape sequence), is a question mark. So no
// line can pretend to be another and no escape sequence works.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace keytrail

namespace keytrail::kms {
[[nodiscard]] std::string_view word_of(ObjectType type);
[[nodiscard]] std::string_view word_of(ObjectState state);
}  // namespace keytrail::kms

namespace keytrail::vcenter {
[[nodiscard]] std::string_view word_of(EntityKind kind);
[[nodiscard]] std::string_view word_of(HostMode mode);
[[nodiscard]] std::string_view word_of(RecryptDepth depth);
[[nodiscard]] std::string_view word_of(PowerState power);
[[nodiscard]] std::string_view word_of(Refusal refusal);
}  // namespace keytrail::vcenter
