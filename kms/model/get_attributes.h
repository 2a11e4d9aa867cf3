// Get Attributes and its shorter sister, Get Attribute List (KMIP 1.4, sections 4.12 and 4.13):
// reads, also of destroyed objects. What an attribute looks like on the wire is the service's
// business.
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

struct GetAttributes {
  std::string object;
};
struct Described {
  const Object* object = nullptr;  // the draft's
};

[[nodiscard]] Decided<Described> decide(Draft& draft, const Client& client,
                                        const GetAttributes& command);

}  // namespace keytrail::kms
