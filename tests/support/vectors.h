// Test vectors as text: blocks of `name: value` lines, separated by blank lines; `#` starts a
// comment.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "bus/secret/bytes.h"
#include "bus/secret/secret_bytes.h"

namespace keytrail::test {

class Vector {
 public:
  void set(const std::string& name, const std::string& value) { fields_[name] = value; }
  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] bool has(const std::string& name) const { return fields_.contains(name); }

  [[nodiscard]] const std::string& text(const std::string& name) const {
    static const std::string kNothing;
    const auto field = fields_.find(name);
    EXPECT_NE(field, fields_.end()) << "the vector has no '" << name << "'";
    return field == fields_.end() ? kNothing : field->second;
  }
  [[nodiscard]] Bytes bytes(const std::string& name) const { return from_hex(text(name)).value(); }
  [[nodiscard]] SecretBytes secret(const std::string& name) const {
    return SecretBytes::copy_of(bytes(name));
  }

 private:
  std::map<std::string, std::string> fields_;
};

// The vectors of a file under tests/golden; fails the test if there is none.
inline std::vector<Vector> read_vectors(const std::string& name) {
  std::ifstream file(std::string(KEYTRAIL_SOURCE_DIR) + "/tests/golden/" + name);
  std::vector<Vector> vectors(1);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) {
      if (!vectors.back().empty()) vectors.emplace_back();
    } else {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      vectors.back().set(line.substr(0, colon),
                         value == std::string::npos ? "" : line.substr(value));
    }
  }
  if (vectors.back().empty()) vectors.pop_back();
  EXPECT_FALSE(vectors.empty()) << "no vectors in tests/golden/" << name;
  return vectors;
}

}  // namespace keytrail::test
