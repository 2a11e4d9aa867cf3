// The shape of a body: what may be said of any Cap'n Proto message before one knows what it means.
//
// Walks the pointers once, without the schema, and counts: one segment that fills the bytes; every
// target within it; no far pointer and no capability; caps on texts, lists, depth and the words
// visited (pointers may share targets, so that a small message can be a large tree). What passes
// can be read without surprise. The only place that knows these caps. Pure; any thread. Layout:
// capnproto.org/encoding.html.
#pragma once

#include "bus/secret/bytes.h"

namespace keytrail {

inline constexpr std::size_t kTextBytesMax = 4096;  // of one text or data field, its NUL included
inline constexpr std::size_t kListSizeMax = 1024;   // elements
inline constexpr std::size_t kTraversalWordsMax = 16 * 1024;
inline constexpr int kNestingMax = 16;

// kInvalid, with the reason, for bytes that no author of ours would send.
[[nodiscard]] Result<void> check_body_shape(ByteView bytes);

}  // namespace keytrail
