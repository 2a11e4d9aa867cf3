// From KMIP's payloads to the model's commands: which attribute says what, and which may not be
// given at all.
//
// What the standard's table of attributes (kms/kmip/attributes.h) can say is checked here, the
// rules of life are the model's. Material is not looked at. Pure.
#pragma once

#include "kms/kmip/payloads.h"
#include "kms/model/activate.h"
#include "kms/model/add_attribute.h"
#include "kms/model/create.h"
#include "kms/model/get.h"
#include "kms/model/locate.h"
#include "kms/model/register.h"
#include "kms/model/revoke.h"

namespace keytrail::kms {

// A request whose identifier is left out means `placeholder`, the one of the batch; empty: there is
// none.
[[nodiscard]] Decided<std::string> identifier(const kmip::ObjectId& given,
                                              const std::string& placeholder);

[[nodiscard]] Decided<CreateKey> translate(const kmip::CreateRequest& request);
[[nodiscard]] Decided<RegisterObject> translate(const kmip::RegisterRequest& request);
[[nodiscard]] Decided<Get> translate(const kmip::GetRequest& request, std::string id);
[[nodiscard]] Decided<AddAttribute> translate(const kmip::AddAttributeRequest& request,
                                              std::string id);
inline constexpr std::size_t kLocateAttributesMax = 128;  // each is looked for in every candidate
[[nodiscard]] Decided<Locate> translate(const kmip::LocateRequest& request);
[[nodiscard]] Revoke translate(const kmip::RevokeRequest& request, std::string id);

[[nodiscard]] kmip::Failure to_failure(const Refusal& refusal);
[[nodiscard]] Refusal to_refusal(const kmip::Failure& failure);

}  // namespace keytrail::kms
