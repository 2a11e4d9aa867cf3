// Texts: what an event says, in words.
//
// One exhaustive match per part (texts_PART.cc): a new event does not compile until it has its
// sentence. Pure; any thread.
#pragma once

#include <string>

#include "bus/events/fact.h"

namespace keytrail::replay {

struct EventText {
  std::string operation;  // "Encrypt VM: requested"
  std::string detail;     // particulars that no facet holds; may be empty

  bool operator==(const EventText&) const = default;
};
[[nodiscard]] EventText text_of(const Event& event);

// Of one part's events; text_of picks among them.
[[nodiscard]] EventText text_of(const part::Event& event);
[[nodiscard]] EventText text_of(const eventstore::Event& event);
[[nodiscard]] EventText text_of(const kms::Event& event);
[[nodiscard]] EventText text_of(const vcenter::Event& event);
[[nodiscard]] EventText text_of(const esxi::Event& event);

}  // namespace keytrail::replay
