// Checkpoint: what the log's end was, signed, in a file outside the database.
//
// RocksDB, cut at a record's boundary, opens as if nothing had ever been there. So the store writes
// this file every second while the head moves and at its stop, and refuses to start below it, or
// with another root there.
//
//   keytrail/<log id>              C2SP tlog-checkpoint: a signed note, Ed25519
//   <size> = the head's position
//   <root> in base64               of the RFC 6962 tree over the first <size> leaves
//   generation <n>                 an extension line
//
//   — keytrail/<log id> <base64 of the key's hash and the signature>
// Values; pure but for the two that say they touch the file.
#pragma once

#include <optional>
#include <string>

#include "bus/secret/secret_bytes.h"
#include "eventstore/log/event_log.h"

namespace keytrail::eventstore {

struct Checkpoint {
  LogId log_id{};
  std::uint64_t generation = 0;
  Position size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

// The whole note, signed with an Ed25519 seed.
[[nodiscard]] std::string sign_checkpoint(const Checkpoint& checkpoint, const SecretBytes& key);

// kCorrupt: not a checkpoint of ours. The signature is checked if `public_key` is given, and must
// then be there.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view note,
                                                  const std::optional<Bytes>& public_key);

// Written beside, synced, renamed: after a crash it is the old one or the new one.
[[nodiscard]] Result<void> write_checkpoint_file(const std::string& file, const std::string& note);
// nullopt: there is no such file.
[[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint_file(
    const std::string& file, const std::optional<Bytes>& public_key);

}  // namespace keytrail::eventstore
