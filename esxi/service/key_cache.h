// KeyCache: the KEKs that this host holds, in locked memory, never on disk.
//
// A key that arrived is not used before its KeyReceived is durable: arrive, then adopt. Work on
// other threads takes clones with it, so nothing is shared. Threads: one, the core's.
#pragma once

#include <map>
#include <optional>

#include "bus/events/ids.h"
#include "bus/secret/secret_bytes.h"

namespace keytrail::esxi {

class KeyCache {
 public:
  void arrive(const KeyId& key, SecretBytes kek) {
    arrivals_.insert_or_assign(key, std::move(kek));
  }

  void adopt(const KeyId& key) {
    const auto arrived = arrivals_.find(key);
    if (arrived == arrivals_.end()) return;  // Dropped meanwhile.
    usable_.insert_or_assign(key, std::move(arrived->second));
    arrivals_.erase(arrived);
  }

  void drop(const KeyId& key) {
    arrivals_.erase(key);
    usable_.erase(key);
  }

  // A copy for one piece of work; nothing if the key is not usable.
  [[nodiscard]] std::optional<SecretBytes> clone(const KeyId& key) const {
    const auto found = usable_.find(key);
    if (found == usable_.end()) return std::nullopt;
    return found->second.clone();
  }

 private:
  std::map<KeyId, SecretBytes> arrivals_;
  std::map<KeyId, SecretBytes> usable_;
};

}  // namespace keytrail::esxi
