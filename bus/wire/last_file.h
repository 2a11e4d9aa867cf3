// LastFile: (generation, position, leaf) of the furthest that a part knows of the log, which it
// presents at HELLO.
//
// "generation position leaf\n". A witness, not state: none means only that nothing is presented. A
// damaged one is an error all the same: it is replaced in one step and synced, so no crash explains
// it, and who cuts a log would damage its witnesses first. One thread.
#pragma once

#include <string>

#include "bus/protocol/messages.h"
#include "bus/secret/file.h"

namespace keytrail::wire {

// All zero if there is none. `path` may be empty. kCorrupt: it is not what was written.
[[nodiscard]] Result<protocol::Known> read_last_file(FileSystem& files, const std::string& path);
[[nodiscard]] Result<void> write_last_file(FileSystem& files, const std::string& path,
                                           const protocol::Known& known);

}  // namespace keytrail::wire
