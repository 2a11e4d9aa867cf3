// What the server says of itself: Discover Versions and Query (KMIP 1.4, sections 4.25 and 4.26).
// The same for every client, and on every replica. Pure.
#pragma once

#include "kms/kmip/payloads.h"

namespace keytrail::kms {

inline constexpr std::string_view kVendor = "Keytrail";

[[nodiscard]] kmip::DiscoverVersionsResponse discover(const kmip::DiscoverVersionsRequest& request);
[[nodiscard]] kmip::QueryResponse query(const kmip::QueryRequest& request,
                                        kmip::ProtocolVersion version);

}  // namespace keytrail::kms
