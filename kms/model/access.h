// Access: whose an object is, and who may touch it.
//
// An object belongs to its maker's group if there is one, else to the maker; members of a group
// have equal rights. Somebody else's object is answered like none at all, so that nobody learns
// which identifiers exist; the log says which it was.
#pragma once

#include "kms/model/draft.h"
#include "kms/model/refusal.h"

namespace keytrail::kms {

[[nodiscard]] Decided<const Object*> find_object(Draft& draft, const Client& client,
                                                 const std::string& id);
// The same, for operations that a destroyed object is beyond.
[[nodiscard]] Decided<const Object*> find_living_object(Draft& draft, const Client& client,
                                                        const std::string& id);

// Records that an operation was refused. `object` is what was asked for, if it can be one's
// identifier.
void record_refusal(Draft& draft, std::uint32_t operation, const std::string& object,
                    const std::string& client, const Refusal& refusal);

}  // namespace keytrail::kms
