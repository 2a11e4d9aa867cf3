#include "bus/secret/secret_codec.h"

#include <algorithm>
#include <limits>

namespace keytrail {
namespace {

constexpr std::size_t kFirstCapacity = 256;

Error cut_short() { return {ErrorCode::kCorrupt, "a sealed record ends too early"}; }

}  // namespace

void SecretWriter::raw(ByteView bytes) {
  if (buffer_.size() - size_ < bytes.size()) {
    SecretBytes larger(std::max({kFirstCapacity, 2 * buffer_.size(), size_ + bytes.size()}));
    std::ranges::copy(buffer_.read(SecretAccess{}).first(size_),
                      larger.write(SecretAccess{}).begin());
    buffer_ = std::move(larger);
  }
  std::ranges::copy(bytes, buffer_.write(SecretAccess{}).subspan(size_).begin());
  size_ += bytes.size();
}

void SecretWriter::sized(ByteView bytes) {
  KEYTRAIL_CHECK(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  u32(static_cast<std::uint32_t>(bytes.size()));
  raw(bytes);
}

void SecretWriter::number(std::uint64_t value, std::size_t bytes) {
  std::uint8_t encoded[8];
  for (std::size_t i = 0; i < bytes; ++i) encoded[i] = static_cast<std::uint8_t>(value >> (8 * i));
  raw({encoded, bytes});
}

SecretBytes SecretWriter::finish() {
  SecretBytes written = buffer_.slice(0, size_);
  buffer_.wipe();
  size_ = 0;
  return written;
}

Result<std::uint64_t> SecretReader::number(std::size_t bytes) {
  if (left() < bytes) return cut_short();
  const ByteView encoded = bytes_.read(SecretAccess{}).subspan(position_, bytes);
  position_ += bytes;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{encoded[i]} << (8 * i);
  return value;
}

Result<std::uint8_t> SecretReader::u8() { return static_cast<std::uint8_t>(TRY(number(1))); }
Result<std::uint32_t> SecretReader::u32() { return static_cast<std::uint32_t>(TRY(number(4))); }
Result<std::uint64_t> SecretReader::u64() { return number(8); }

Result<SecretBytes> SecretReader::raw(std::size_t size) {
  if (left() < size) return cut_short();
  SecretBytes bytes = bytes_.slice(position_, size);
  position_ += size;
  return bytes;
}

Result<SecretBytes> SecretReader::sized() { return raw(TRY(u32())); }

Result<std::string> SecretReader::text() {
  const SecretBytes bytes = TRY(sized());
  return std::string(as_text(bytes.read(SecretAccess{})));
}

Result<void> SecretReader::expect_end() const {
  if (left() == 0) return {};
  return Error{ErrorCode::kCorrupt, "a sealed record is longer than what it says"};
}

}  // namespace keytrail
