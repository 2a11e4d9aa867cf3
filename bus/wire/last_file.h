// LastFile: (generation, position, leaf) of the last fact that a part has followed, which it
// presents at HELLO.
//
// "generation position leaf\n", written beside and renamed. It is a witness, not state: a missing
// or damaged one means only that nothing is presented. One thread.
#pragma once

#include <string>

#include "bus/protocol/messages.h"

namespace keytrail::wire {

// All zero if there is none that can be read. `file` may be empty.
[[nodiscard]] protocol::Known read_last_file(const std::string& file);
[[nodiscard]] Result<void> write_last_file(const std::string& file, const protocol::Known& known);

}  // namespace keytrail::wire
