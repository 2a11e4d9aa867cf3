// The checkpoint file: outside the database, since RocksDB, cut at a record's boundary, opens as if
// nothing had ever been there.
//
// The store writes it every second while the head moves and at its stop, and refuses to start below
// it, or with another root there. Its content is a public format: bus/proof/checkpoint.h. Threads:
// any, one at a time per file.
#pragma once

#include <optional>
#include <string>

#include "bus/proof/checkpoint.h"

namespace keytrail::eventstore {

// Written beside, synced, renamed: after a crash it is the old one or the new one.
[[nodiscard]] Result<void> write_checkpoint_file(const std::string& file, const std::string& note);
// nullopt: there is no such file. kCorrupt: it is not a checkpoint, or not signed with the key.
[[nodiscard]] Result<std::optional<proof::Checkpoint>> read_checkpoint_file(
    const std::string& file, const std::optional<Bytes>& public_key);

}  // namespace keytrail::eventstore
