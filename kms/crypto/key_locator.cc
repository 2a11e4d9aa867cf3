#include "kms/crypto/key_locator.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "bus/secret/sha256.h"

namespace keytrail::crypto {
namespace {

constexpr std::string_view kPrefix = "vmware:key";
constexpr std::string_view kNull = "<VMWARE-NULL>";
constexpr std::string_view kMac = "HMAC-SHA-256";
constexpr std::string_view kKeyDictionary = "type=key:cipher=XTS-AES-256:key=";
constexpr std::size_t kIvBytes = 16;
constexpr std::size_t kBlockBytes = 16;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kDekBase64Bytes = (kDekBytes + 2) / 3 * 4;

Error malformed(std::string what) {
  return Error{ErrorCode::kInvalid, "malformed key safe: " + std::move(what)};
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c)) {
      escaped.push_back(c);
    } else {
      escaped += '%' + to_hex(as_bytes({&c, 1}));
    }
  }
  return escaped;
}

Result<std::string> unescape(std::string_view escaped) {
  std::string text;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '%') {
      text.push_back(escaped[i]);
      continue;
    }
    if (escaped.size() - i < 3) return malformed("a cut percent escape");
    const auto byte = from_hex(escaped.substr(i + 1, 2));
    if (!byte) return malformed("a bad percent escape");
    text.push_back(static_cast<char>((*byte)[0]));
    i += 2;
  }
  return text;
}

// --- The text, read from left to right -----------------------------------------------------------

class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  // The piece before `delimiter`, unescaped; the delimiter is consumed. kInvalid if there is none.
  Result<std::string> until(char delimiter) {
    const std::size_t end = rest_.find(delimiter);
    if (end == std::string_view::npos) {
      return malformed(std::string("'") + delimiter + "' is missing");
    }
    const std::string_view piece = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return unescape(piece);
  }

  // Consumes `c` if it comes next.
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

Result<void> expect_type(Cursor& cursor, std::string_view type) {
  const std::string name = TRY(cursor.until('/'));
  if (equal_in_any_case(name, type)) return {};
  return malformed("expected '" + std::string(type) + "', found '" + escape(name.substr(0, 32)) +
                   "'");
}

Result<KekName> parse_locker(Cursor& cursor) {
  TRY(expect_type(cursor, "fqid"));
  TRY(cursor.until('/'));  // The unique id.
  KekName kek;
  kek.provider = TRY(cursor.until('/'));
  if (kek.provider == kNull) kek.provider.clear();
  kek.key = TRY(cursor.until(','));
  if (kek.key.empty() || kek.key == kNull) return malformed("a locker without key id");
  return kek;
}

Result<KeyPair> parse_pair(Cursor& cursor) {
  TRY(expect_type(cursor, "pair"));
  if (!cursor.take('(')) return malformed("'(' is missing after 'pair/'");
  KeyPair pair;
  pair.locker = TRY(parse_locker(cursor));
  const std::string mac = TRY(cursor.until(','));
  if (mac != kMac) return malformed("MAC '" + escape(mac.substr(0, 32)) + "' is not supported");
  auto locked = from_base64(TRY(cursor.until(')')));
  if (!locked) return malformed("the locked data are not base64");
  pair.locked = std::move(*locked);
  if (pair.locked.empty() || pair.locked.size() > kLockedDataBytesMax) {
    return malformed("the locked data are empty or too long");
  }
  return pair;
}

// --- The locked data -----------------------------------------------------------------------------

struct CipherContextFree {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

enum class Direction { kDecrypt = 0, kEncrypt = 1 };

// AES-256-CBC over whole blocks, in place; padding is the caller's.
void aes_256_cbc(Direction direction, const SecretBytes& key, const std::uint8_t* iv,
                 std::span<std::uint8_t> blocks) {
  const std::unique_ptr<EVP_CIPHER_CTX, CipherContextFree> context(EVP_CIPHER_CTX_new());
  KEYTRAIL_CHECK(context != nullptr && key.size() == kKekBytes);
  KEYTRAIL_CHECK(EVP_CipherInit_ex2(context.get(), EVP_aes_256_cbc(),
                                    key.read(SecretAccess{}).data(), iv,
                                    static_cast<int>(direction), nullptr) == 1);
  KEYTRAIL_CHECK(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1);
  int length = 0;
  KEYTRAIL_CHECK(EVP_CipherUpdate(context.get(), blocks.data(), &length, blocks.data(),
                                  static_cast<int>(blocks.size())) == 1);
  KEYTRAIL_CHECK(static_cast<std::size_t>(length) == blocks.size());
}

// `type=key:cipher=XTS-AES-256:key=…`, built and taken apart in a secret's memory alone.
SecretBytes key_dictionary(const SecretBytes& dek) {
  SecretBytes base64(kDekBase64Bytes + 1);  // EVP_EncodeBlock ends with a zero.
  const auto digits = base64.write(SecretAccess{});
  KEYTRAIL_CHECK(EVP_EncodeBlock(digits.data(), dek.read(SecretAccess{}).data(),
                                 static_cast<int>(dek.size())) ==
                 static_cast<int>(kDekBase64Bytes));
  SecretBytes text(kKeyDictionary.size() + 3 * kDekBase64Bytes);
  const auto out = text.write(SecretAccess{});
  auto end = std::copy(kKeyDictionary.begin(), kKeyDictionary.end(), out.begin());
  for (std::size_t i = 0; i < kDekBase64Bytes; ++i) {
    const char c = static_cast<char>(digits[i]);
    const std::string_view written = c == '+' ? "%2b" : c == '/' ? "%2f" : c == '=' ? "%3d" : "";
    if (written.empty()) {
      *end++ = digits[i];
    } else {
      end = std::copy(written.begin(), written.end(), end);
    }
  }
  return text.slice(0, static_cast<std::size_t>(end - out.begin()));
}

// The DEK in a key dictionary; empty if it is none of ours.
SecretBytes dek_of(const SecretBytes& dictionary) {
  const std::string_view text = as_text(dictionary.read(SecretAccess{}));
  if (!text.starts_with(kKeyDictionary)) return {};
  SecretBytes base64(kDekBase64Bytes);
  const auto digits = base64.write(SecretAccess{});
  std::size_t count = 0;
  for (std::size_t i = kKeyDictionary.size(); i < text.size(); ++i) {
    if (count == digits.size()) return {};
    if (text[i] != '%') {
      digits[count++] = static_cast<std::uint8_t>(text[i]);
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->empty()) return {};
    digits[count++] = byte->front();
    i += 2;
  }
  if (count != digits.size() || digits[count - 1] != '=' || digits[count - 3] == '=') return {};
  SecretBytes decoded(kDekBase64Bytes / 4 * 3);
  const int length = EVP_DecodeBlock(decoded.write(SecretAccess{}).data(), digits.data(),
                                     static_cast<int>(digits.size()));
  // 64 bytes end in one digit pair and "==", which EVP_DecodeBlock gives as two zero bytes more.
  if (length != static_cast<int>(decoded.size()) || digits[count - 2] != '=') return {};
  return decoded.slice(0, kDekBytes);
}

}  // namespace

std::string format_key_safe(const KeySafe& safe) {
  KEYTRAIL_CHECK(!safe.empty());
  std::string text = std::string(kPrefix) + "/list/(";
  for (const KeyPair& pair : safe) {
    KEYTRAIL_CHECK(!pair.locker.key.empty());
    if (&pair != &safe.front()) text += ',';
    text += "pair/(fqid/";
    text += kNull;
    text += '/';
    text += pair.locker.provider.empty() ? std::string(kNull) : escape(pair.locker.provider);
    text += '/' + escape(pair.locker.key) + ',' + escape(kMac) + ',';
    text += escape(to_base64(pair.locked)) + ')';
  }
  return text + ')';
}

Result<KeySafe> parse_key_safe(std::string_view text) {
  if (text.size() > kKeySafeTextBytesMax) return malformed("too long");
  Cursor cursor(text);
  TRY(expect_type(cursor, kPrefix));
  TRY(expect_type(cursor, "list"));
  if (!cursor.take('(')) return malformed("'(' is missing after 'list/'");
  KeySafe safe;
  do {
    if (safe.size() == kKeySafePairsMax) return malformed("too many pairs");
    safe.push_back(TRY(parse_pair(cursor)));
  } while (cursor.take(','));
  if (!cursor.take(')') || !cursor.at_end()) return malformed("it does not end after its list");
  return safe;
}

Bytes lock_dek(const SecretBytes& kek, const SecretBytes& dek,
               const std::array<std::uint8_t, 16>& iv) {
  KEYTRAIL_CHECK(kek.size() == kKekBytes && dek.size() == kDekBytes);
  const SecretBytes dictionary = key_dictionary(dek);
  const ByteView plaintext = dictionary.read(SecretAccess{});
  const Hash mac = hmac_sha256(kek, {plaintext});

  const std::size_t padding = kBlockBytes - plaintext.size() % kBlockBytes;  // PKCS#7: 1 to 16.
  SecretBytes padded(plaintext.size() + padding);
  const auto blocks = padded.write(SecretAccess{});
  std::fill(std::copy(plaintext.begin(), plaintext.end(), blocks.begin()), blocks.end(),
            static_cast<std::uint8_t>(padding));
  aes_256_cbc(Direction::kEncrypt, kek, iv.data(), blocks);

  Bytes locked(iv.begin(), iv.end());
  locked.insert(locked.end(), blocks.begin(), blocks.end());
  locked.insert(locked.end(), mac.begin(), mac.end());
  return locked;
}

Result<SecretBytes> unlock_dek(const SecretBytes& kek, ByteView locked) {
  KEYTRAIL_CHECK(kek.size() == kKekBytes);
  const Error corrupt{ErrorCode::kCorrupt,
                      "the wrapped disk key does not open: altered, or wrapped by another key"};
  if (locked.size() < kIvBytes + kBlockBytes + kMacBytes || locked.size() > kLockedDataBytesMax ||
      locked.size() % kBlockBytes != 0) {
    return corrupt;
  }
  const ByteView mac = locked.last(kMacBytes);
  SecretBytes padded =
      SecretBytes::copy_of(locked.subspan(kIvBytes, locked.size() - kIvBytes - kMacBytes));
  const auto blocks = padded.write(SecretAccess{});
  aes_256_cbc(Direction::kDecrypt, kek, locked.data(), blocks);

  // The MAC decides; a bad padding is read as none, so that it is not told apart from a bad MAC.
  const std::size_t padding = blocks.back();
  const std::size_t length =
      padding >= 1 && padding <= kBlockBytes ? blocks.size() - padding : blocks.size();
  const SecretBytes dictionary = padded.slice(0, length);
  const Hash expected = hmac_sha256(kek, {dictionary.read(SecretAccess{})});
  if (!equal_in_constant_time(expected, mac)) return corrupt;
  SecretBytes dek = dek_of(dictionary);
  if (dek.empty()) return corrupt;
  return dek;
}

}  // namespace keytrail::crypto
