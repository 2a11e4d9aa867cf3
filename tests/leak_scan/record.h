// Recording the bus: what a third party with every topic there is, kms.sealed included, is sent.
//
//   FOLDER/live   all frames of the live socket, as received, from the call on
//   FOLDER/read   all frames of READ from position 1 to the head, sealed attachments included,
//                 asked for when `stop_fd` becomes readable
// Frames stand one behind the other, each whole: what a secret of a frame looks like to a search is
// what it looks like on the wire.
#pragma once

#include <cstdint>
#include <string>

#include "bus/events/fact.h"

namespace keytrail::leak_scan {

struct Recorded {
  Position live_first = 0;  // of the first and the last batch on the live socket
  Position live_last = 0;
  std::uint64_t live_sealed = 0;  // attachments
  Position read_last = 0;         // the head; what was read begins at 1 and has no gap
  std::uint64_t read_sealed = 0;
};

// Reads as the identity of `key_file` from the installation in `data`, into `folder`, which is
// made. Blocks until `stop_fd` is readable, then until both recordings end at the same head. Writes
// FOLDER/ready once the store lets it in and the live socket speaks. One thread.
// Errors: kUnavailable, nobody answers any more, or the live socket does not come to the head;
// kRefused, the identity is not granted; kCorrupt, positions are missing in one of the recordings.
[[nodiscard]] Result<Recorded> record_bus(const std::string& data, const std::string& key_file,
                                          const std::string& folder, int stop_fd);

}  // namespace keytrail::leak_scan
