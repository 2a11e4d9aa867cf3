// One body of each event there is, with every field set to a value of its own.
//
// Made from event.capnp by reflection, not from our structs: a field that the codec forgot shows as
// a difference. Deterministic, so the bytes serve as golden files.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bus/events/fact.h"

namespace keytrail::test {

struct SampleBody {
  std::string part;
  std::string type;  // "KeyReleased"
  Bytes bytes;
};
// For GoogleTest, which would show raw memory in the tests' names.
void PrintTo(const SampleBody& sample, std::ostream* out);
[[nodiscard]] std::vector<SampleBody> sample_bodies();

// Default-constructed, one of each type, in the order of the variants.
[[nodiscard]] std::vector<Event> all_events();
// How many events event.capnp has.
[[nodiscard]] std::size_t events_in_schema();
// All fields and values of a body, as Cap'n Proto prints them.
[[nodiscard]] std::string print_body(ByteView bytes);

}  // namespace keytrail::test
