// The body of a fact, as any bytes: refused in words, or read, written and read again as the same.
#include <cstdlib>

#include "bus/events/codec.h"
#include "bus/events/facets.h"
#include "bus/events/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keytrail;
  const ByteView bytes(data, size);
  const auto header = peek_body(bytes);
  const auto body = decode_body(bytes);
  if (!body.ok()) return 0;
  if (!header.ok() || header.value().stream != body.value().stream) std::abort();
  if (header.value().effect != effect_of(body.value().event)) std::abort();

  const auto again = encode_body(body.value());
  // What was read may be too large to write: pointers may share a target that a copy has twice.
  if (again.ok() && decode_body(again.value()).value() != body.value()) std::abort();
  static_cast<void>(facets_of(body.value()));
  static_cast<void>(to_cloudevent({Stamp{}, body.value()}, Hash{}, "fuzz"));
  return 0;
}
