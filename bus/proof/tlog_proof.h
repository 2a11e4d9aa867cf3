// A fact with the proof that it stands in a log: one file that can be checked without the log.
//
//   c2sp.org/tlog-proof@v1
//   extra <base64 of the fact: stamp and body>
//   index <position - 1>
//   <base64 hashes, from the leaf's sibling up>
//
//   <the checkpoint, verbatim>
// C2SP tlog-proof@v1. The format leaves `extra` to the application: ours is the entry itself, which
// the path then proves. Values; pure; any thread. kInvalid: it is no such file.
#pragma once

#include <string>

#include "bus/proof/merkle.h"
#include "bus/proof/note.h"

namespace keytrail::proof {

inline constexpr std::size_t kEntryBytesMax = 65'535;
inline constexpr std::size_t kProofBytesMax = 256 * 1024;

struct TlogProof {
  Bytes entry;
  std::uint64_t index = 0;
  Path path;
  std::string checkpoint;  // the whole note
  bool operator==(const TlogProof&) const = default;
};

[[nodiscard]] std::string format_proof(const TlogProof& proof);
[[nodiscard]] Result<TlogProof> parse_proof(std::string_view text);

// That the entry stands at its index under the checkpoint's root; who signed that is for a policy
// to say. kCorrupt, in a sentence, if it does not.
[[nodiscard]] Result<void> check_entry(const TlogProof& proof);

}  // namespace keytrail::proof
