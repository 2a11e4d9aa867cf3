// Admission: whether a unit may be considered at all, before any guard is looked at.
//
// Well-formed within the caps, of the author's own part, on streams that the identity may append,
// with exactly the attachments that its facts name. So one bad author cannot poison the log. Pure.
#pragma once

#include <string>
#include <vector>

#include "bus/events/codec.h"
#include "bus/protocol/messages.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

// Views into the unit that was admitted.
struct Admitted {
  struct Named {
    std::size_t body = 0;        // which body names it
    std::uint32_t index = 0;     // its place in that body's list
    std::size_t attachment = 0;  // which attachment of the unit it is
    bool operator==(const Named&) const = default;
  };
  std::vector<BodyHeader> bodies;
  std::vector<Named> attachments;
  std::size_t attachment_bytes = 0;  // of a blob that holds each as often as it is named
  bool claims_epoch = false;         // its one body is PartStarted on the author's epoch stream
};

[[nodiscard]] std::string epoch_stream_of(std::string_view author);

// kInvalid, with a sentence for the author.
[[nodiscard]] Result<Admitted> admit(const Identity& identity, const protocol::Unit& unit);

}  // namespace keytrail::eventstore
