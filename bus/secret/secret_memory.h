// SecretMemory: how well this process keeps its secrets out of swap. For a part's log, at its start
// and when it ends. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace keytrail {

struct SecretMemory {
  std::size_t locked_bytes = 0;        // of the heap for secrets; 0: none could be locked
  std::uint64_t secrets_unlocked = 0;  // that did not fit into it, since the start
};
[[nodiscard]] SecretMemory secret_memory();

// A sentence for the operator, with what to do if it is less than it should be.
[[nodiscard]] std::string to_string(const SecretMemory& memory);

}  // namespace keytrail
