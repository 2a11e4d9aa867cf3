#include "bus/events/ids.h"

#include <algorithm>

namespace keytrail {

std::string to_string(const ActionId& action) { return to_hex(action.bytes); }

Result<ActionId> action_from(std::string_view text) {
  const auto bytes = from_hex(text);
  ActionId action;
  if (!bytes.ok() || bytes.value().size() != action.bytes.size()) {
    return Error{ErrorCode::kInvalid, "an action id is 32 hexadecimal digits"};
  }
  std::copy(bytes.value().begin(), bytes.value().end(), action.bytes.begin());
  return action;
}

}  // namespace keytrail
