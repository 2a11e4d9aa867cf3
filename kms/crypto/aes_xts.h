// AES-256-XTS (IEEE 1619) over the sectors of a disk, so that Linux dm-crypt (`aes-xts-plain64`)
// reads it.
//
// The tweak of a sector is its byte offset / 512 as a little-endian 64-bit number, whatever the
// sector size: dm-crypt's rule without `iv_large_sectors`. XTS hides, it does not authenticate: a
// changed sector decrypts to noise, an old one is accepted.
// Threads: an object belongs to one thread and works in one direction. It keeps the expanded key
// and sets only the tweak per sector: setting the key again for each sector is slower with two
// threads than with one.
#pragma once

#include <memory>

#include "bus/secret/secret_bytes.h"

struct evp_cipher_ctx_st;

namespace keytrail::crypto {

inline constexpr std::size_t kXtsKeyBytes = 64;
inline constexpr std::uint64_t kXtsTweakUnitBytes = 512;

class AesXts {
 public:
  enum class Direction { kEncrypt, kDecrypt };

  // `sector_bytes` is 512 or a multiple of it up to 64 KiB.
  // kInvalid: the key is not 64 bytes, its halves are equal (IEEE 1619-2018 forbids it), or a bad
  // sector size.
  static Result<AesXts> make(const SecretBytes& key, Direction direction, std::size_t sector_bytes);

  // Encrypts or decrypts whole sectors in place.
  // REQUIRES: `byte_offset` (from the start of the disk) and `sectors.size()` are multiples of
  // sector_bytes().
  void apply(std::uint64_t byte_offset, std::span<std::uint8_t> sectors);

  [[nodiscard]] std::size_t sector_bytes() const { return sector_bytes_; }

 private:
  struct ContextFree {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, ContextFree>;

  AesXts(Context context, std::size_t sector_bytes)
      : context_(std::move(context)), sector_bytes_(sector_bytes) {}

  Context context_;
  std::size_t sector_bytes_;
};

}  // namespace keytrail::crypto
