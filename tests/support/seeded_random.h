// Random's twin: the same bytes for the same seed. One thread.
#pragma once

#include <random>

#include "bus/secret/random.h"

namespace keytrail::test {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
  }
  // A number below `end`. REQUIRES: end > 0.
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace keytrail::test
