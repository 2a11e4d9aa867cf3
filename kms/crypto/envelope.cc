#include "kms/crypto/envelope.h"

#include <algorithm>
#include <array>
#include <map>

#include "bus/secret/sha256.h"

namespace keytrail::crypto {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kAttributesAt = 512;
constexpr std::size_t kCryptoFooterAt = kBlockBytes - 512;  // Within its block.
constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kHeaderMagic = "DataTransformEnvelope";
constexpr std::string_view kAeadMagic = "DataTransformAeadFooter";
constexpr std::string_view kCryptoMagic = "DataTransformCryptoFooter";
constexpr std::string_view kCipherName = "AES-256-GCM";
constexpr std::uint32_t kHeaderVersion = 2;
constexpr std::uint32_t kFooterVersion = 1;

enum AttributeType : std::uint8_t { kNoMore = 0, kString = 0xb, kByteString = 0xc };

Error corrupt(std::string_view what) {
  return {ErrorCode::kCorrupt, "not an envelope that can be opened: " + std::string(what)};
}

void put_number(std::span<std::uint8_t> bytes, std::size_t at, std::uint64_t value,
                std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t number_at(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

// A magic at the start, and two numbers at the end of 512 or 4,096 bytes: the frame of all three
// blocks.
void put_frame(std::span<std::uint8_t> bytes, std::string_view magic, std::uint32_t number,
               std::uint32_t version) {
  std::ranges::copy(magic, bytes.begin());
  put_number(bytes, bytes.size() - 8, number, 4);
  put_number(bytes, bytes.size() - 4, version, 4);
}

bool has_frame(ByteView bytes, std::string_view magic, std::uint32_t version) {
  return as_text(bytes.first(magic.size())) == magic && bytes[magic.size()] == 0 &&
         number_at(bytes, bytes.size() - 4, 4) == version;
}

Hash key_hash(const SecretBytes& key) {
  return sha256({as_bytes(kCipherName), key.read(SecretAccess{})});
}

// --- Attributes: type, flag, two zeros, name and zero, value -------------------------------------

void append_attribute(Bytes& header, AttributeType type, std::string_view name, ByteView value) {
  header.insert(header.end(), {type, 0, 0, 0});
  header.insert(header.end(), name.begin(), name.end());
  header.push_back(0);
  if (type == kByteString) {
    header.resize(header.size() + 8);
    put_number(header, header.size() - 8, value.size(), 8);
  }
  header.insert(header.end(), value.begin(), value.end());
  if (type == kString) header.push_back(0);
}

using Attributes = std::map<std::string, Bytes>;

Result<Bytes> take_until_zero(ByteView& rest) {
  const auto zero = std::ranges::find(rest, 0);
  if (zero == rest.end()) return corrupt("an attribute does not end");
  Bytes taken(rest.begin(), zero);
  rest = rest.subspan(taken.size() + 1);
  return taken;
}

Result<Attributes> parse_attributes(ByteView rest) {
  Attributes attributes;
  while (!rest.empty() && rest[0] != kNoMore) {
    const std::uint8_t type = rest[0];
    if (rest.size() < 4) return corrupt("an attribute does not end");
    rest = rest.subspan(4);
    const Bytes name = TRY(take_until_zero(rest));
    Bytes value;
    if (type == kString) {
      value = TRY(take_until_zero(rest));
    } else if (type == kByteString) {
      const std::uint64_t size = rest.size() < 8 ? rest.size() : number_at(rest, 0, 8);
      if (rest.size() < 8 || size > rest.size() - 8) return corrupt("an attribute does not end");
      value = to_bytes(rest.subspan(8, size));
      rest = rest.subspan(8 + size);
    } else {
      return corrupt("an attribute of an unknown type");
    }
    attributes.insert_or_assign(std::string(as_text(name)), std::move(value));
  }
  return attributes;
}

Bytes header_of(const SecretBytes& key, std::string_view key_info, const AeadNonce& nonce) {
  Bytes header(kAttributesAt);
  put_frame(header, kHeaderMagic, kBlockBytes - kAttributesAt, kHeaderVersion);
  append_attribute(header, kString, "vmware.keyInfo", as_bytes(key_info));
  append_attribute(header, kString, "vmware.cipherName", as_bytes(kCipherName));
  append_attribute(header, kByteString, "vmware.keyHash", key_hash(key));
  append_attribute(header, kByteString, "vmware.iv", nonce);
  KEYTRAIL_CHECK(header.size() < kBlockBytes);
  header.resize(kBlockBytes);
  return header;
}

Result<Attributes> parse_header(ByteView envelope) {
  // The smallest: header, the block with the crypto footer, AEAD footer.
  if (envelope.size() < 3 * kBlockBytes || envelope.size() % kBlockBytes != 0 ||
      envelope.size() > kEnvelopeContentBytesMax + 4 * kBlockBytes) {
    return corrupt("its size is no envelope's");
  }
  if (!has_frame(envelope.first(kAttributesAt), kHeaderMagic, kHeaderVersion)) {
    return corrupt("another magic or version");
  }
  Attributes attributes = TRY(parse_attributes(envelope.first(kBlockBytes).subspan(kAttributesAt)));
  if (as_text(attributes["vmware.cipherName"]) != kCipherName ||
      attributes["vmware.iv"].size() != kAeadNonceBytes) {
    return corrupt("another cipher");
  }
  return attributes;
}

}  // namespace

Bytes seal_envelope(const SecretBytes& key, std::string_view key_info, const AeadNonce& nonce,
                    const SecretBytes& content) {
  KEYTRAIL_CHECK(key.size() == kKeyBytes && content.size() <= kEnvelopeContentBytesMax);
  KEYTRAIL_CHECK(key_info.size() <= kEnvelopeKeyInfoBytesMax &&
                 key_info.find('\0') == std::string_view::npos);
  const std::size_t padding = (kBlockBytes - content.size() % kBlockBytes) % kBlockBytes;
  SecretBytes body(content.size() + padding + kBlockBytes);
  const auto out = body.write(SecretAccess{});
  std::ranges::copy(content.read(SecretAccess{}), out.begin());
  put_frame(out.last(kBlockBytes - kCryptoFooterAt), kCryptoMagic,
            static_cast<std::uint32_t>(padding), kFooterVersion);

  Bytes envelope = header_of(key, key_info, nonce);
  std::array<std::uint8_t, kAeadTagBytes> tag;
  AeadCipher(Aead::kAes256Gcm, key).seal(nonce, envelope, out, tag);
  envelope.insert(envelope.end(), out.begin(), out.end());
  Bytes footer(kBlockBytes);
  put_frame(footer, kAeadMagic, kAeadTagBytes, kFooterVersion);
  std::ranges::copy(tag, footer.begin() + 32);
  envelope.insert(envelope.end(), footer.begin(), footer.end());
  return envelope;
}

Result<std::string> envelope_key_info(ByteView envelope) {
  return std::string(as_text(TRY(parse_header(envelope))["vmware.keyInfo"]));
}

Result<SecretBytes> open_envelope(const SecretBytes& key, ByteView envelope) {
  KEYTRAIL_CHECK(key.size() == kKeyBytes);
  Attributes attributes = TRY(parse_header(envelope));
  if (!equal_in_constant_time(attributes["vmware.keyHash"], key_hash(key))) {
    return Error{ErrorCode::kRefused, "the envelope was sealed under another key"};
  }
  const ByteView footer = envelope.last(kBlockBytes);
  if (!has_frame(footer, kAeadMagic, kFooterVersion) ||
      number_at(footer, kBlockBytes - 8, 4) != kAeadTagBytes) {
    return corrupt("its footer is damaged");
  }
  AeadNonce nonce;
  std::ranges::copy(attributes["vmware.iv"], nonce.begin());
  SecretBytes body =
      SecretBytes::copy_of(envelope.subspan(kBlockBytes, envelope.size() - 2 * kBlockBytes));
  const auto content = body.write(SecretAccess{});
  if (!AeadCipher(Aead::kAes256Gcm, key)
           .open(nonce, envelope.first(kBlockBytes), content,
                 footer.subspan<32, kAeadTagBytes>())) {
    return corrupt("it is damaged");
  }
  const auto crypto_footer = content.last(kBlockBytes - kCryptoFooterAt);
  const std::uint64_t padding = number_at(crypto_footer, crypto_footer.size() - 8, 4);
  if (!has_frame(crypto_footer, kCryptoMagic, kFooterVersion) || padding >= kBlockBytes ||
      padding > body.size() - kBlockBytes) {
    return corrupt("its inner footer is not as it should be");
  }
  return body.slice(0, body.size() - kBlockBytes - padding);
}

}  // namespace keytrail::crypto
