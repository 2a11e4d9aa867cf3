// Seeds: which ones a simulation runs: 200, unless a flag says otherwise.
//
//   PROGRAM [--seeds N] [--seed S]      N from the first one; or S alone, to see a failure again
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace keytrail::simulation {

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t count = 200;
  [[nodiscard]] std::uint64_t end() const { return first + count; }
};

[[nodiscard]] inline Seeds seeds_from(int argc, char** argv) {
  Seeds seeds;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--seeds") seeds.count = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seed") seeds = {std::strtoull(argv[i + 1], nullptr, 10), 1};
  }
  return seeds;
}

}  // namespace keytrail::simulation
