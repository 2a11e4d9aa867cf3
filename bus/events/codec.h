// Codec: the only translator between Body and the Cap'n Proto bytes of event.capnp.
//
// A body is one unpacked single-segment message as a flat array. decode_body refuses anything else:
// more segments, far pointers, a traversal over 16 Ki words, texts over their caps (kInvalid); an
// event or an enumerator that this program does not know is kNotFound, so that a reader can skip
// and count it. Pure; any thread.
#pragma once

#include "bus/events/fact.h"

namespace keytrail {

// REQUIRES: the encoded body has at most kBodyBytesMax bytes, which holds for any body whose texts
// came through the caps of the interface that read them; kInvalid otherwise.
[[nodiscard]] Result<Bytes> encode_body(const Body& body);
[[nodiscard]] Result<Body> decode_body(ByteView bytes);
[[nodiscard]] Result<Fact> decode_fact(const StoredFact& fact);

// What the orderer needs, without decoding the event: 54 ns instead of 2 us.
struct BodyHeader {
  std::string_view stream;  // into `bytes`
  std::string_view part;    // "kms", …
  Effect effect = Effect::kChange;
  std::vector<Hash> attachments;
};
[[nodiscard]] Result<BodyHeader> peek_body(ByteView bytes);

}  // namespace keytrail
