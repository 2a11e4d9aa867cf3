// Passwords: users' verifiers, and the administrator's first password.
//
// Each call takes 128 MiB and about half a second: for a worker, never for the core's thread.
#pragma once

#include <string>

#include "vcenter/service/credentials.h"
#include "vcenter/service/work.h"

namespace keytrail::vcenter {

// Passwords are read here and nowhere else; the callers keep them in SecretBytes.
class Passwords {
 public:
  Passwords(Credentials& credentials, FileSystem& files, Random& random)
      : credentials_(credentials), files_(files), random_(random) {}

  // Without a credential (an unknown user) it takes as long, and is wrong.
  [[nodiscard]] WorkDone verify(WorkId id, const VerifyPassword& work, const SecretBytes& password);
  [[nodiscard]] WorkDone store(WorkId id, const SecretBytes& password);
  // Writes a fresh random password to `file`, mode 0600; an older one there is replaced.
  [[nodiscard]] WorkDone store_administrator(WorkId id, const std::string& file);

 private:
  Credentials& credentials_;
  FileSystem& files_;
  Random& random_;
};

}  // namespace keytrail::vcenter
