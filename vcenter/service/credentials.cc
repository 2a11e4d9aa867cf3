#include "vcenter/service/credentials.h"

#include <array>
#include <string_view>

#include "bus/secret/kdf.h"
#include "bus/secret/secret_codec.h"

namespace keytrail::vcenter {
namespace {

constexpr std::uint8_t kVerifierVersion = 1;
constexpr std::uint8_t kIdentityVersion = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::string_view kPrefix = "credential-";  // fixed names do not begin so
constexpr std::size_t kIdBytes = 16;

}  // namespace

Credentials::Credentials(SecretFile& file, Random& random) : file_(file), random_(random) {
  for (const std::string& name : file_.names()) {
    if (name.starts_with(kPrefix)) before_.insert(name);
  }
}

Result<std::string> Credentials::put(const SecretBytes& entry) {
  const std::lock_guard lock(mutex_);
  std::array<std::uint8_t, kIdBytes> bytes{};
  random_.fill(bytes);
  std::string id = std::string(kPrefix) + to_hex(bytes);
  TRY(file_.put(id, entry));
  return id;
}

Result<SecretBytes> Credentials::get(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const SecretBytes* const entry = id.starts_with(kPrefix) ? file_.find(id) : nullptr;
  if (entry == nullptr) return Error{ErrorCode::kNotFound, "the secret file has no entry " + id};
  return entry->clone();
}

Result<void> Credentials::wipe_all_before_but(const std::set<std::string>& named) {
  const std::lock_guard lock(mutex_);
  std::set<std::string> kept;
  for (const std::string& name : file_.names()) {
    if (!before_.contains(name) || named.contains(name)) kept.insert(name);
  }
  TRY(file_.keep_only(kept));
  return {};
}

Result<SecretBytes> make_verifier(const SecretBytes& password, Random& random) {
  std::array<std::uint8_t, kSaltBytes> salt{};
  random.fill(salt);
  const SecretBytes hash = TRY(scrypt(password, salt));
  SecretWriter writer;
  writer.u8(kVerifierVersion);
  writer.sized(salt);
  writer.sized(hash);
  return writer.finish();
}

Result<bool> verify_password(const SecretBytes& password, const SecretBytes& verifier) {
  if (verifier.empty()) {
    TRY(scrypt(password, std::array<std::uint8_t, kSaltBytes>{}));
    return false;
  }
  SecretReader reader(verifier);
  if (TRY(reader.u8()) != kVerifierVersion) {
    return Error{ErrorCode::kCorrupt, "a password's verifier is of an unknown version"};
  }
  const SecretBytes salt = TRY(reader.sized());
  const SecretBytes expected = TRY(reader.sized());
  TRY(reader.expect_end());
  const SecretBytes hash = TRY(scrypt(password, salt.read(SecretAccess{})));
  return hash.equals(expected);
}

SecretBytes encode_identity(const ClientIdentity& identity) {
  SecretWriter writer;
  writer.u8(kIdentityVersion);
  writer.sized(std::string_view(identity.certificate_pem));
  writer.sized(identity.key_pem);
  return writer.finish();
}

Result<ClientIdentity> decode_identity(const SecretBytes& entry) {
  SecretReader reader(entry);
  if (TRY(reader.u8()) != kIdentityVersion) {
    return Error{ErrorCode::kCorrupt, "a client certificate is of an unknown version"};
  }
  ClientIdentity identity;
  identity.certificate_pem = TRY(reader.text());
  identity.key_pem = TRY(reader.sized());
  TRY(reader.expect_end());
  return identity;
}

}  // namespace keytrail::vcenter
