// The first start of an installation: folders, identities, configuration. Nothing of it is made
// twice.
//
// Who may do what at the event store is decided here, in one table: a part appends its own streams
// and follows what it acts on; the operator appends nothing and reads all but sealed material.
// Threads: one.
#pragma once

#include "bus/secret/random.h"
#include "cli/endpoints.h"
#include "cli/up/installation.h"

namespace keytrail::cli {

// REQUIRES: `options.data` is absolute, exists, and is empty but for the lock.
[[nodiscard]] Result<void> make_first_start(const UpOptions& options, Random& random);

// The endpoints of an installation of that shape, from its files; without what only running parts
// know.
[[nodiscard]] Result<Endpoints> endpoints_of(const UpOptions& options);

}  // namespace keytrail::cli
