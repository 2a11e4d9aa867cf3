// ConnectionId: a KMIP client's connection, by the name that the server which holds it and the core
// that answers it share.
#pragma once

#include <cstdint>

namespace keytrail::kms {

using ConnectionId = std::uint64_t;  // Never used twice by a server.

}  // namespace keytrail::kms
