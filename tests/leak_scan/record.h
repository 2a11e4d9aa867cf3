// Recording the bus: what a third party with every topic that one can be granted is sent.
#pragma once

#include <cstdint>
#include <string>

#include "bus/secret/result.h"

namespace keytrail::leak_scan {

struct Recorded {
  std::uint64_t facts = 0;
  std::uint64_t attachments = 0;
};

// Every fact from position 1 to the head of now, and its attachments, in the bytes of the bus, to
// `file`. Reads as the identity of `key_file` from the installation in `data`. Blocks; one thread.
// Errors: kUnavailable, nobody answers; kRefused, the identity is not granted.
Result<Recorded> record_bus(const std::string& data, const std::string& key_file,
                            const std::string& file);

}  // namespace keytrail::leak_scan
