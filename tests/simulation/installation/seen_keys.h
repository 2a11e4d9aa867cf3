// SeenKeys: all key material that anybody saw in the clear during a run. The same key is the same
// everywhere; no byte of it is in the log.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "bus/events/ids.h"
#include "tests/support/memory_log.h"

namespace keytrail::simulation {

class SeenKeys {
 public:
  // False: it was seen before, and was another one.
  [[nodiscard]] bool see(const KeyId& key, const Bytes& material) {
    return keys_.emplace(key, material).first->second == material;
  }
  // The first of them that is in a body or an attachment.
  [[nodiscard]] std::optional<std::string> leaked_into(const test::MemoryLog& log) const;

 private:
  std::map<KeyId, Bytes> keys_;
};

}  // namespace keytrail::simulation
