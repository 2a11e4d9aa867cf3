// The names of all events, as `--type` takes them.
#pragma once

#include <string>

#include "bus/secret/result.h"

namespace keytrail::cli {

// As the filter wants it: "KeyReleased" for "keyreleased", "kms.KeyReleased" and "kms.*" for
// themselves. kInvalid for what no event is called: otherwise a slip of the hand would read like
// "nothing of the kind happened".
[[nodiscard]] Result<std::string> event_type(const std::string& text);

}  // namespace keytrail::cli
