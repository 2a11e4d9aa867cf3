// The JSON form of a fact: CloudEvents 1.0, structured mode (LOG format section 5).
//
// A rendering only: what is hashed is the Cap'n Proto body. Every 64-bit number is a string, hashes
// and keys are hexadecimal, words of enumerations stand as in event.capnp, and bytes that are no
// UTF-8 become U+FFFD. Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail {

// One line, no line feed. `installation` names the log in `source`.
[[nodiscard]] std::string to_cloudevent(const Fact& fact, const Hash& leaf,
                                        std::string_view installation);
// Only the event's fields, as a JSON object: for `data`, tables, and failure messages of tests.
[[nodiscard]] std::string event_to_json(const Event& event);

// Any text as a JSON string, quotes included; and an object of such texts, one line.
[[nodiscard]] std::string json_string(std::string_view text);
[[nodiscard]] std::string json_object(
    const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace keytrail
