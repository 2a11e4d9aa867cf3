// Golden bytes: what was written once, kept in tests/golden, so that the two ends of a format
// cannot change together unseen.
//
//   const Bytes kept = golden("protocol/head_v1.bin", encode(head));
//   EXPECT_EQ(kept, encode(head));
//   EXPECT_EQ(decode_head(kept).value(), head);
// A format that grows keeps its _v1, which must still be read, and gets a _v2. One thread.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "bus/secret/bytes.h"

namespace keytrail::test {

// The bytes of tests/golden/NAME. A file that is missing fails the test until
// KEYTRAIL_UPDATE_GOLDEN=1 has written it from `now`; none is ever overwritten.
inline Bytes golden(const std::string& name, ByteView now) {
  namespace fs = std::filesystem;
  const fs::path path = fs::path(KEYTRAIL_SOURCE_DIR) / "tests/golden" / name;
  if (!fs::exists(path) && std::getenv("KEYTRAIL_UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << as_text(now);
  }
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path
                              << ": run with KEYTRAIL_UPDATE_GOLDEN=1 and commit what it writes";
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace keytrail::test
