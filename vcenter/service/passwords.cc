#include "vcenter/service/passwords.h"

#include <string_view>

namespace keytrail::vcenter {
namespace {

constexpr std::size_t kPasswordLetters = 24;                               // of 32: 120 bits
constexpr std::string_view kLetters = "abcdefghjkmnpqrstuvwxyz23456789-";  // none that look alike
static_assert(kLetters.size() == 32);

SecretBytes random_password(Random& random) {
  SecretBytes password = random.secret(kPasswordLetters);
  for (std::uint8_t& letter : password.write(SecretAccess{})) {
    letter = static_cast<std::uint8_t>(kLetters[letter % kLetters.size()]);
  }
  return password;
}

WorkDone outcome_of(WorkId id, const Result<std::string>& stored) {
  if (!stored.ok()) return {id, WorkFailed{stored.error().detail, ""}, {}};
  return {id, Stored{*stored}, {}};
}

Result<std::string> put_verifier(Credentials& credentials, const SecretBytes& password,
                                 Random& random) {
  const SecretBytes verifier = TRY(make_verifier(password, random));
  return credentials.put(verifier);
}

}  // namespace

WorkDone Passwords::verify(WorkId id, const VerifyPassword& work, const SecretBytes& password) {
  const auto is_right = [&]() -> Result<bool> {
    if (work.credential.empty()) return verify_password(password, SecretBytes{});
    const SecretBytes verifier = TRY(credentials_.get(work.credential));
    return verify_password(password, verifier);
  }();
  if (!is_right.ok()) return {id, WorkFailed{is_right.error().detail, ""}, {}};
  return {id, Verified{*is_right}, {}};
}

WorkDone Passwords::store(WorkId id, const SecretBytes& password) {
  return outcome_of(id, put_verifier(credentials_, password, random_));
}

WorkDone Passwords::store_administrator(WorkId id, const std::string& file) {
  const auto stored = [&]() -> Result<std::string> {
    const SecretBytes password = random_password(random_);
    TRY(replace_file(files_, file, password.read(SecretAccess{})));
    return put_verifier(credentials_, password, random_);
  }();
  return outcome_of(id, stored);
}

}  // namespace keytrail::vcenter
