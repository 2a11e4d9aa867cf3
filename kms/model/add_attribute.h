// Add Attribute (KMIP 1.4, section 4.14): a client gives an object one more attribute.
//
//   kms  AttributeAdded, NameBound (a Name), KeyActivated (an Activation Date)
//        or OperationRefused
#pragma once

#include "kms/model/access.h"

namespace keytrail::kms {

enum class Instances { kOne, kMany };

struct AddAttribute {
  std::string object;
  Attribute attribute;
  Instances instances = Instances::kOne;  // how many of it an object may have
  std::string name;                       // of a KMIP Name: its text; else empty
};
struct AttributeGiven {
  std::string object;
  std::uint32_t index = 0;
};

[[nodiscard]] Decided<AttributeGiven> decide(Draft& draft, const Client& client,
                                             AddAttribute command);

}  // namespace keytrail::kms
