// Checkpoint: what the log's end was, signed.
//
//   keytrail/<log id>              C2SP tlog-checkpoint: a signed note, Ed25519
//   <size> = the head's position
//   <root> in base64               of the RFC 6962 tree over the first <size> leaves
//   generation <n>                 an extension line
//
//   — keytrail/<log id> <base64 of the key's id and the signature>
//   — kms-1 …                      cosignatures of those who saw that the log only grew
// Values; pure; any thread.
#pragma once

#include <string>

#include "bus/events/ids.h"
#include "bus/proof/note.h"

namespace keytrail::proof {

using LogId = std::array<std::uint8_t, 16>;

struct Checkpoint {
  LogId log_id{};
  std::uint64_t generation = 0;
  Position size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

// The name of the log and of its key: the note's first line.
[[nodiscard]] std::string origin_of(const LogId& log_id);
[[nodiscard]] NoteKey log_key(const LogId& log_id, Bytes public_key);

// The text of the note, and what one says. kCorrupt: it is not a checkpoint of a Keytrail log.
[[nodiscard]] std::string text_of(const Checkpoint& checkpoint);
[[nodiscard]] Result<Checkpoint> checkpoint_from(std::string_view text);

// The whole note, signed with the log's Ed25519 seed.
[[nodiscard]] std::string sign_checkpoint(const Checkpoint& checkpoint, const SecretBytes& key);
// kCorrupt also if `public_key` is given and its signature is not there or does not hold.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view note,
                                                  const std::optional<Bytes>& public_key);

}  // namespace keytrail::proof
