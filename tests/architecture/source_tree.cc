#include "tests/architecture/source_tree.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace keytrail::architecture {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

SourceTree read_tree(const std::string& root) {
  SourceTree tree;
  for (const char* top :
       {"bus", "kms", "vcenter", "esxi", "eventstore", "replay", "cli", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc" && extension != ".capnp") continue;
      tree[fs::relative(entry.path(), root).generic_string()] = read_file(entry.path());
    }
  }
  return tree;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<Include> includes_of(const std::string& text) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)re");
  std::vector<Include> includes;
  int number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    std::smatch found;
    if (line.find("include") == std::string::npos || !std::regex_match(line, found, kInclude)) {
      continue;
    }
    includes.push_back({found[2], found[1] == "<", number});
  }
  return includes;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace keytrail::architecture
