#include "bus/wire/curve.h"

#include <zmq.h>

#include <array>
#include <cstring>
#include <string_view>

#include "bus/secret/file.h"

namespace keytrail::wire {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kKeyLetters = 40;
constexpr std::size_t kKeyFileBytesMax = 4096;

// z85 of 32 bytes is 40 letters and libzmq's terminating zero.
using Z85 = std::array<char, kKeyLetters + 1>;

// A key's text is 40 letters of the z85 alphabet: what libzmq's decoder accepts.
bool is_curve_key(const std::string& text) {
  std::array<std::uint8_t, kKeyBytes> raw{};
  const bool good =
      text.size() == kKeyLetters && zmq_z85_decode(raw.data(), text.c_str()) != nullptr;
  wipe(raw);
  return good;
}

Error bad_file(const std::string& file, const std::string& what) {
  return Error{ErrorCode::kInvalid, "key file " + file + ": " + what};
}

// The text of member `name` of a flat JSON object. Not a JSON parser, because one would leave
// copies of the secret behind; z85 has neither quote nor backslash, so nothing is escaped.
std::string_view member(std::string_view json, std::string_view name) {
  const std::string quoted = '"' + std::string(name) + '"';
  const std::size_t at = json.find(quoted);
  if (at == std::string_view::npos) return {};
  json.remove_prefix(at + quoted.size());
  const std::size_t begin = json.find_first_not_of(": \t\r\n");
  if (begin == std::string_view::npos || json[begin] != '"') return {};
  json.remove_prefix(begin + 1);
  return json.substr(0, json.find('"'));
}

}  // namespace

CurveKeys make_curve_keys(Random& random) {
  const SecretBytes raw = random.secret(kKeyBytes);
  CurveKeys keys{.public_key = {}, .secret_key = SecretBytes(kKeyLetters)};
  Z85 secret{};
  Z85 public_key{};
  KEYTRAIL_CHECK(zmq_z85_encode(secret.data(), raw.read(SecretAccess()).data(), kKeyBytes) !=
                 nullptr);
  KEYTRAIL_CHECK(zmq_curve_public(public_key.data(), secret.data()) == 0);
  std::memcpy(keys.secret_key.write(SecretAccess()).data(), secret.data(), kKeyLetters);
  wipe({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  keys.public_key.assign(public_key.data(), kKeyLetters);
  return keys;
}

Result<CurveKeys> curve_keys_of(SecretBytes secret_key) {
  Z85 secret{};
  const ByteView letters = secret_key.read(SecretAccess());
  if (letters.size() != kKeyLetters) {
    return Error{ErrorCode::kInvalid, "a CURVE secret key has 40 letters of z85"};
  }
  std::memcpy(secret.data(), letters.data(), letters.size());
  Z85 public_key{};
  const bool good = zmq_curve_public(public_key.data(), secret.data()) == 0;
  wipe({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
  if (!good) return Error{ErrorCode::kInvalid, "this is not a CURVE secret key"};
  return CurveKeys{std::string(public_key.data(), kKeyLetters), std::move(secret_key)};
}

Result<CurveKeys> read_curve_keys(const std::string& file) {
  OsFileSystem files;
  auto text = read_file(files, file, kKeyFileBytesMax);
  if (!text.ok()) return Error{text.error().code, "no key file: " + text.error().detail};
  const std::string public_key(member(as_text(*text), "public"));
  std::string secret(member(as_text(*text), "secret"));
  wipe(*text);
  if (!is_curve_key(public_key) || !is_curve_key(secret)) {
    wipe(secret);
    return bad_file(file, R"(must hold {"public": …, "secret": …}, each 40 letters of z85)");
  }
  CurveKeys keys{.public_key = public_key, .secret_key = SecretBytes::copy_of(as_bytes(secret))};
  wipe(secret);
  return keys;
}

Result<void> write_curve_keys(const std::string& file, const CurveKeys& keys) {
  std::string text;
  text.reserve(kKeyFileBytesMax);  // Growing would leave the secret in what it grew out of.
  text += "{\"public\": \"" + keys.public_key + "\", \"secret\": \"";
  text += as_text(keys.secret_key.read(SecretAccess()));
  text += "\"}\n";
  OsFileSystem files;
  Result<void> written = replace_file(files, file, as_bytes(text));
  wipe(text);
  return written;
}

}  // namespace keytrail::wire
