// The one way in which a command waits for something that it can only ask about.
#pragma once

#include <chrono>
#include <functional>

namespace keytrail::cli {

// Asks at once, then a few times a second, until `reached` says yes. False: it did not within the
// time; asked once more at its end, so a slow answer is not a late one.
[[nodiscard]] bool wait_until(std::chrono::seconds within, const std::function<bool()>& reached);

}  // namespace keytrail::cli
