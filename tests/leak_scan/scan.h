// Searching for secrets: raw, in hexadecimal, and in base64 at each of its three alignments.
//
// Files are read in pieces that overlap, so a secret across a border is found. A process is
// searched as a core dump of it would be: all its memory but what is marked "do not dump". Threads:
// one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/secret/secret_bytes.h"

namespace keytrail::leak_scan {

struct Secret {
  std::string what;  // "KEK 1f0c…", "DEK of vm-1"
  std::string key;   // unique identifier of the KEK; empty for what is none
  SecretBytes bytes;
  std::string home = {};  // the file that it is kept in, and must be; empty if there is none
};

struct Needle {
  std::string what;  // "DEK of vm-1, base64"
  SecretBytes bytes;
  std::string home = {};  // not searched
};
[[nodiscard]] std::vector<Needle> needles_of(const std::vector<Secret>& secrets);

struct Hit {
  std::string what;
  std::string where;  // "FILE at 4096", "pid 12 at 7f…"
};
struct Scanned {
  std::vector<Hit> hits;
  std::uint64_t places = 0;  // files, or memory regions
  std::uint64_t bytes = 0;
  std::vector<std::string> unread;  // what could not be read, and why
};

// Every regular file below `folder` (or the file itself), symbolic links not followed.
void scan_files(const std::string& folder, const std::vector<Needle>& needles, Scanned& scanned);
void scan_process(int pid, const std::vector<Needle>& needles, Scanned& scanned);

}  // namespace keytrail::leak_scan
