// The sources as text: what the rules of the house are checked on. Made-up trees show that a check
// can fail.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace keytrail::architecture {

using SourceTree = std::map<std::string, std::string>;  // path from the root -> text

// Every .h, .cc and .capnp file of the project's folders below `root`.
[[nodiscard]] SourceTree read_tree(const std::string& root);

struct Include {
  std::string target;      // as written between the signs
  bool is_system = false;  // <…>
  int line = 0;
};
[[nodiscard]] std::vector<Include> includes_of(const std::string& text);
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
// "kms/model" of "kms/model/object.h".
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace keytrail::architecture
