// Random: the seam through which fresh bytes enter. Shells draw, cores get bytes as data.
//
// Threads: OsRandom may be used by any; a twin in tests/support is seeded and belongs to one
// thread.
#pragma once

#include <cstdint>
#include <span>

#include "bus/secret/secret_bytes.h"

namespace keytrail {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  [[nodiscard]] SecretBytes secret(std::size_t size);
};

// OpenSSL's generator, seeded by the kernel. Aborts if it fails: nothing sensible can go on without
// it.
class OsRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace keytrail
