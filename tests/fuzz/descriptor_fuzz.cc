// Hostile disk descriptors: a text is refused, or it reads as the same disk when it is written
// again, and names no file outside the VM's folder.
#include <cstdlib>

#include "esxi/disk/descriptor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keytrail::disk;  // NOLINT: a fuzz target of one page.
  const auto parsed = parse_descriptor(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed.ok()) return 0;
  if (!is_plain_file_name(parsed->flat)) std::abort();
  if (parsed->size_bytes == 0 || parsed->size_bytes % parsed->sector_bytes != 0) std::abort();
  const auto again = parse_descriptor(format_descriptor(*parsed));
  if (!again.ok() || *again != *parsed) std::abort();
  return 0;
}
