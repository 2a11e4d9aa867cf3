// Folders of these tests lie in memory: what is durable is theirs to say, so nothing waits for a
// disk.
#pragma once

#include <stdlib.h>
#include <unistd.h>

namespace keytrail::testing {

// Before the first TempFolder.
inline void use_memory_for_folders() {
  constexpr const char* kMemory = "/dev/shm";
  if (::access(kMemory, W_OK) == 0) ::setenv("TMPDIR", kMemory, 1);
}

}  // namespace keytrail::testing
