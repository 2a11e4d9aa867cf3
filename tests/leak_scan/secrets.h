// The secrets of an installation, gathered the way anyone could who was let in: every KEK over
// KMIP, as a client of vCenter's group (each release is on the log), and every DEK unwrapped from
// the descriptors of a datastore. And what the installation keeps in files of mode 0600.
//
// Only this test collects them; no product command does. Threads: one.
#pragma once

#include <string>
#include <vector>

#include "kms/kmip/client.h"
#include "tests/leak_scan/scan.h"

namespace keytrail::leak_scan {

struct KmipFiles {
  std::string server;  // host:port
  std::string certificate, key, ca;
};

// All keys that the client may Get. An error if there is none: a scan for nothing proves nothing.
[[nodiscard]] Result<std::vector<Secret>> gather_keks(const KmipFiles& files);
// All DEKs of the descriptors under `datastore` that one of `keks` unwraps.
[[nodiscard]] Result<std::vector<Secret>> gather_deks(const std::string& datastore,
                                                      const std::vector<Secret>& keks);
// What `files` keep: of a CURVE key file the secret half, of a PEM file its DER and each of its
// lines, of any other (a password, an unlock secret) all but a last end of line. kInvalid: a file
// is empty or no PEM.
[[nodiscard]] Result<std::vector<Secret>> gather_kept(const std::vector<std::string>& files);

}  // namespace keytrail::leak_scan
