#include "tests/simulation/installation/seen_keys.h"

#include <algorithm>

namespace keytrail::simulation {
namespace {

bool holds(const Bytes& bytes, const Bytes& key) {
  return std::search(bytes.begin(), bytes.end(), key.begin(), key.end()) != bytes.end();
}

bool holds(const test::MemoryLog::Row& row, const Bytes& key) {
  return holds(row.fact.body, key) ||
         std::any_of(row.attachments.begin(), row.attachments.end(),
                     [&](const Attachment& attachment) { return holds(attachment.bytes, key); });
}

}  // namespace

std::optional<std::string> SeenKeys::leaked_into(const test::MemoryLog& log) const {
  for (const auto& [id, key] : keys_) {
    for (const auto& row : log.rows()) {
      if (holds(row, key)) return "the log holds key " + id.id + " in the clear";
    }
  }
  return std::nullopt;
}

}  // namespace keytrail::simulation
