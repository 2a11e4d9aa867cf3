#include "bus/wire/last_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace keytrail::wire {

protocol::Known read_last_file(const std::string& file) {
  if (file.empty()) return {};
  std::ifstream in(file);
  protocol::Known known;
  std::string leaf;
  in >> known.generation >> known.position;
  in.width(65);
  in >> leaf;
  const auto bytes = from_hex(leaf);
  if (!in || !bytes.ok() || bytes->size() != known.leaf.size()) return {};
  std::copy(bytes->begin(), bytes->end(), known.leaf.begin());
  return known;
}

Result<void> write_last_file(const std::string& file, const protocol::Known& known) {
  const std::string beside = file + ".new";
  {
    std::ofstream out(beside, std::ios::trunc);
    out << known.generation << ' ' << known.position << ' ' << to_hex(known.leaf) << '\n';
    out.close();
    if (out && std::rename(beside.c_str(), file.c_str()) == 0) return {};
  }
  return Error{ErrorCode::kUnavailable, file + " cannot be written: " + std::strerror(errno)};
}

}  // namespace keytrail::wire
