// Commands to the key servers of an installation, as its operator. Any replica answers: the first
// that is there.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/table.h"

namespace keytrail::cli {

// `arguments`: a JSON object; with `replica` (may be empty) only that one is asked.
[[nodiscard]] Exit run_kms(const Globals& globals, const std::string& replica,
                           const std::string& command, const std::string& arguments,
                           const View& view = {});
// Enrols the certificate in `certificate_file` as `client`.
[[nodiscard]] Exit run_client_add(const Globals& globals, const std::string& client,
                                  const std::string& group, const std::string& certificate_file);
// Prints the certificate that the cluster's CA signed.
[[nodiscard]] Exit run_sign_csr(const Globals& globals, const std::string& request_file);
// Which replicas can still derive a key's material; with `within`, waits until none can. kFailed
// while one can.
[[nodiscard]] Exit run_shredded(const Globals& globals, const std::string& key,
                                std::optional<std::chrono::seconds> within);

}  // namespace keytrail::cli
