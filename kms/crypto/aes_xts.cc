#include "kms/crypto/aes_xts.h"

#include <openssl/evp.h>

#include <array>

namespace keytrail::crypto {
namespace {

constexpr std::size_t kSectorBytesMax = 64 * 1024;

const EVP_CIPHER* algorithm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-XTS", nullptr);
  return cipher;
}

std::array<std::uint8_t, 16> tweak_of(std::uint64_t byte_offset) {
  std::array<std::uint8_t, 16> tweak{};
  const std::uint64_t unit = byte_offset / kXtsTweakUnitBytes;
  for (std::size_t i = 0; i < 8; ++i) tweak[i] = static_cast<std::uint8_t>(unit >> (8 * i));
  return tweak;
}

}  // namespace

void AesXts::ContextFree::operator()(EVP_CIPHER_CTX* context) const {
  EVP_CIPHER_CTX_free(context);  // Wipes the key schedule.
}

Result<AesXts> AesXts::make(const SecretBytes& key, Direction direction, std::size_t sector_bytes) {
  if (key.size() != kXtsKeyBytes) {
    return Error{ErrorCode::kInvalid, "an AES-256-XTS key has 64 bytes"};
  }
  const ByteView raw = key.read(SecretAccess{});
  if (equal_in_constant_time(raw.first(kXtsKeyBytes / 2), raw.last(kXtsKeyBytes / 2))) {
    return Error{ErrorCode::kInvalid, "the two halves of an AES-256-XTS key must differ"};
  }
  if (sector_bytes == 0 || sector_bytes % kXtsTweakUnitBytes != 0 ||
      sector_bytes > kSectorBytesMax) {
    return Error{ErrorCode::kInvalid, "a sector has 512 bytes, or a multiple up to 65536"};
  }
  Context context(EVP_CIPHER_CTX_new());
  KEYTRAIL_CHECK(context != nullptr);
  const int encrypt = direction == Direction::kEncrypt ? 1 : 0;
  KEYTRAIL_CHECK(
      EVP_CipherInit_ex2(context.get(), algorithm(), raw.data(), nullptr, encrypt, nullptr) == 1);
  return AesXts(std::move(context), sector_bytes);
}

void AesXts::apply(std::uint64_t byte_offset, std::span<std::uint8_t> sectors) {
  KEYTRAIL_CHECK(byte_offset % sector_bytes_ == 0 && sectors.size() % sector_bytes_ == 0);
  const int length = static_cast<int>(sector_bytes_);
  for (std::size_t done = 0; done < sectors.size(); done += sector_bytes_) {
    const auto tweak = tweak_of(byte_offset + done);
    std::uint8_t* const sector = sectors.data() + done;
    int written = 0;
    // Direction -1: as before. Key null: the schedule is kept.
    KEYTRAIL_CHECK(
        EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, tweak.data(), -1, nullptr) == 1);
    KEYTRAIL_CHECK(EVP_CipherUpdate(context_.get(), sector, &written, sector, length) == 1);
    KEYTRAIL_CHECK(written == length);
  }
}

}  // namespace keytrail::crypto
