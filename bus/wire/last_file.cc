#include "bus/wire/last_file.h"

#include <algorithm>
#include <sstream>

namespace keytrail::wire {

namespace {

constexpr std::size_t kLastFileBytesMax = 256;

}  // namespace

Result<protocol::Known> read_last_file(FileSystem& files, const std::string& path) {
  if (path.empty()) return protocol::Known{};
  const auto text = read_file(files, path, kLastFileBytesMax);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return protocol::Known{};
  const Error damaged{ErrorCode::kCorrupt,
                      path +
                          " is damaged: this part no longer knows how far it saw the log; "
                          "verify the log, then remove the file"};
  if (!text.ok()) return text.error().code == ErrorCode::kInvalid ? damaged : text.error();
  std::istringstream in{std::string(as_text(*text))};
  protocol::Known known;
  std::string leaf;
  in >> known.generation >> known.position >> leaf;
  const auto bytes = from_hex(leaf);
  if (in.fail() || !bytes.ok() || bytes->size() != known.leaf.size()) return damaged;
  std::copy(bytes->begin(), bytes->end(), known.leaf.begin());
  return known;
}

Result<void> write_last_file(FileSystem& files, const std::string& path,
                             const protocol::Known& known) {
  const std::string text = std::to_string(known.generation) + ' ' + std::to_string(known.position) +
                           ' ' + to_hex(known.leaf) + '\n';
  return replace_file(files, path, as_bytes(text));
}

}  // namespace keytrail::wire
