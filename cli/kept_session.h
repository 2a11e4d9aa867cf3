// KeptSession: a session of vCenter between one command and the next, so that not each of them
// costs a log-in (scrypt: half a second and 128 MiB at vCenter).
//
// A file of mode 0600 beside the password that it stands for, never instead of it: whoever can read
// the one can read the other. It holds the session, and what that was made with: user, vCenter's
// key, and the password file as it was, to the inode and the time of its last change. So a session
// is found again only by whoever would log in with the very same password, and no password, nor
// anything to try passwords on, is stored. Anything else about the file, and it is as if there were
// none. Threads: one. Errors: a session that cannot be kept costs a log-in, not the command.
#pragma once

#include <optional>
#include <string>

#include "bus/events/ids.h"
#include "bus/secret/secret_bytes.h"

namespace keytrail::cli {

class KeptSession {
 public:
  struct MadeWith {
    std::string user;
    std::string server_key;  // vCenter's, z85: no other is ever sent the session
    std::string password_file;
  };
  // `file`: where the session stands, or will. To be made before the password is read.
  KeptSession(std::string file, MadeWith made_with, TimeNs now);

  // The session, if it was made with the same and is not over.
  [[nodiscard]] std::optional<SecretBytes> find() const;
  // REQUIRES: vCenter gave `session` for the password, and for `lasts` from now on.
  void keep(const SecretBytes& session, TimeNs lasts) const;

 private:
  const std::string file_;
  const MadeWith made_with_;
  const TimeNs now_;
  const std::string password_as_it_is_;  // Empty: it cannot be told, so nothing is kept or found.
};

}  // namespace keytrail::cli
