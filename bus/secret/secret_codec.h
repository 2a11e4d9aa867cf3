// Writing and reading the inside of what is sealed: little-endian numbers and byte strings, in a
// secret's memory only.
//
// Threads: values, one thread each. The reader checks every length before it allocates: kCorrupt
// where bytes are missing.
#pragma once

#include <string>
#include <string_view>

#include "bus/secret/secret_bytes.h"

namespace keytrail {

class SecretWriter {
 public:
  void u8(std::uint8_t value) { number(value, 1); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void raw(ByteView bytes);  // Without a length.
  void raw(const SecretBytes& bytes) { raw(bytes.read(SecretAccess{})); }
  void sized(ByteView bytes);  // After its length as u32.
  void sized(const SecretBytes& bytes) { sized(bytes.read(SecretAccess{})); }
  void sized(std::string_view text) { sized(as_bytes(text)); }

  // All that was written; the writer is empty again.
  [[nodiscard]] SecretBytes finish();

 private:
  void number(std::uint64_t value, std::size_t bytes);

  SecretBytes buffer_;  // Its size is the capacity.
  std::size_t size_ = 0;
};

class SecretReader {
 public:
  // `bytes` must outlive the reader.
  explicit SecretReader(const SecretBytes& bytes) : bytes_(bytes) {}

  [[nodiscard]] Result<std::uint8_t> u8();
  [[nodiscard]] Result<std::uint32_t> u32();
  [[nodiscard]] Result<std::uint64_t> u64();
  [[nodiscard]] Result<SecretBytes> raw(std::size_t size);
  [[nodiscard]] Result<SecretBytes> sized();
  [[nodiscard]] Result<std::string> text();  // For what is no secret: names.

  [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
  [[nodiscard]] Result<void> expect_end() const;

 private:
  Result<std::uint64_t> number(std::size_t bytes);

  const SecretBytes& bytes_;
  std::size_t position_ = 0;
};

}  // namespace keytrail
