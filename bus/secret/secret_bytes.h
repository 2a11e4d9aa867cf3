// SecretBytes: bytes that must not leave by accident.
//
// Move-only; the pages are locked and left out of core dumps; wiped on destruction and on
// move-from; compared in constant time. No encoder, no printer: they are read only with a
// SecretAccess token, so that `git grep SecretAccess` lists every place that sees a key.
// Threads: a value; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bus/secret/bytes.h"

namespace keytrail {

// The right to read a secret. Made where a key is really used, never stored, never passed further
// than a call.
class SecretAccess {
 public:
  explicit SecretAccess() = default;
};

class SecretBytes {
 public:
  SecretBytes() = default;
  // `size` zero bytes. Aborts when the memory cannot be had.
  explicit SecretBytes(std::size_t size);
  // Takes over a copy of `bytes`; the source is the caller's to wipe.
  static SecretBytes copy_of(ByteView bytes);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  [[nodiscard]] ByteView read(SecretAccess) const { return {data_, size_}; }
  [[nodiscard]] std::span<std::uint8_t> write(SecretAccess) { return {data_, size_}; }

  // A deliberate second copy, e.g. of a cached key that a duty takes with it.
  [[nodiscard]] SecretBytes clone() const;
  // Bytes [offset, offset + length) as a secret of their own. REQUIRES: within size().
  [[nodiscard]] SecretBytes slice(std::size_t offset, std::size_t length) const;

  void wipe();  // Now empty.

  // In constant time for equal sizes; sizes are no secret.
  [[nodiscard]] bool equals(const SecretBytes& other) const;
  [[nodiscard]] bool equals(ByteView other) const;

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Wipes plain memory that had to hold a secret for a moment (a parser's buffer, a TLS record).
void wipe(std::span<std::uint8_t> bytes);
void wipe(std::string& text);

// Public values (digests, tokens) compared without telling where they differ.
[[nodiscard]] bool equal_in_constant_time(ByteView a, ByteView b);

// Once, at the start of `main`: no core dumps, no ptrace by others, no swap for secrets where the
// limits allow it. False, with the process usable, if locking is not permitted: the caller logs it.
[[nodiscard]] bool harden_process();

}  // namespace keytrail
