// Credentials: the entries of vCenter's secret file that facts name, shared by its threads.
//
// An entry is written and synced before the fact that names it. So entries of an earlier process
// that no fact names may be wiped, but only once its last fact is known: when this process is
// fenced in. Ids are random and no secret. Any thread; a mutex inside, held for the length of a
// disk sync at most.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "bus/secret/secret_file.h"

namespace keytrail::vcenter {

class Credentials {
 public:
  // `file` and `random` are borrowed; nobody else uses the file meanwhile.
  Credentials(SecretFile& file, Random& random);

  // The new entry's id, once it is durable.
  [[nodiscard]] Result<std::string> put(const SecretBytes& entry);
  [[nodiscard]] Result<SecretBytes> get(const std::string& id) const;
  // Of the credentials that were there when this object was made, wipes those that are not `named`.
  // Later ones may be ahead of their facts; entries with fixed names are not credentials.
  [[nodiscard]] Result<void> wipe_all_before_but(const std::set<std::string>& named);

 private:
  mutable std::mutex mutex_;
  SecretFile& file_;
  Random& random_;
  std::set<std::string> before_;
};

// What an entry for a user holds: a verifier, from which the password cannot be had.
[[nodiscard]] Result<SecretBytes> make_verifier(const SecretBytes& password, Random& random);
// Also for no entry at all: takes as long, and says no.
[[nodiscard]] Result<bool> verify_password(const SecretBytes& password,
                                           const SecretBytes& verifier);

// What an entry for a provider holds: a client certificate and its key.
struct ClientIdentity {
  std::string certificate_pem;
  SecretBytes key_pem;
};
[[nodiscard]] SecretBytes encode_identity(const ClientIdentity& identity);
[[nodiscard]] Result<ClientIdentity> decode_identity(const SecretBytes& entry);

}  // namespace keytrail::vcenter
