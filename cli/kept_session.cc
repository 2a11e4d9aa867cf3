#include "cli/kept_session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "bus/secret/file.h"
#include "bus/secret/secret_codec.h"
#include "cli/secret_input.h"

namespace keytrail::cli {
namespace {

constexpr std::string_view kFormat = "keytrail/session/1";
constexpr std::size_t kFileBytesMax = 4096;
constexpr TimeNs kSecond = 1'000'000'000;

// Which file it is and when it last changed: nobody can write into it and leave all of that as it
// was, for the time of the last change of status is the kernel's own. A file that has just changed
// has no stamp: it might change again within the same tick of the kernel's clock.
std::string stamp_of(const std::string& path, TimeNs now) {
  struct stat seen {};
  if (::stat(path.c_str(), &seen) != 0 || !S_ISREG(seen.st_mode)) return "";
  const auto changed = static_cast<TimeNs>(seen.st_ctim.tv_sec) * kSecond +
                       static_cast<TimeNs>(seen.st_ctim.tv_nsec);
  if (changed + kSecond > now) return "";
  std::string stamp;
  for (const auto number :
       {std::uint64_t{seen.st_dev}, std::uint64_t{seen.st_ino},
        static_cast<std::uint64_t>(seen.st_size), static_cast<std::uint64_t>(seen.st_mtim.tv_sec),
        static_cast<std::uint64_t>(seen.st_mtim.tv_nsec),
        static_cast<std::uint64_t>(seen.st_ctim.tv_sec),
        static_cast<std::uint64_t>(seen.st_ctim.tv_nsec)}) {
    stamp += std::to_string(number) + ".";
  }
  return stamp;
}

// A session that others could have put there, or could have read, is none.
bool is_ours_alone(const std::string& path) {
  struct stat seen {};
  return ::lstat(path.c_str(), &seen) == 0 && S_ISREG(seen.st_mode) && seen.st_uid == ::geteuid() &&
         (seen.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

struct Kept {
  std::string format, user, server_key, password_stamp;
  TimeNs until = 0;
  SecretBytes session;
};

Result<Kept> read_kept(const std::string& path) {
  const SecretBytes bytes = TRY(read_secret(path, kFileBytesMax));
  SecretReader reader(bytes);
  Kept kept;
  kept.format = TRY(reader.text());
  kept.user = TRY(reader.text());
  kept.server_key = TRY(reader.text());
  kept.password_stamp = TRY(reader.text());
  kept.until = TRY(reader.u64());
  kept.session = TRY(reader.sized());
  TRY(reader.expect_end());
  return kept;
}

}  // namespace

KeptSession::KeptSession(std::string file, MadeWith made_with, TimeNs now)
    : file_(std::move(file)),
      made_with_(std::move(made_with)),
      now_(now),
      password_as_it_is_(stamp_of(made_with_.password_file, now)) {}

std::optional<SecretBytes> KeptSession::find() const {
  if (password_as_it_is_.empty() || !is_ours_alone(file_)) return std::nullopt;
  Result<Kept> kept = read_kept(file_);
  const bool is_the_same = kept.ok() && kept->format == kFormat && kept->user == made_with_.user &&
                           kept->server_key == made_with_.server_key &&
                           kept->password_stamp == password_as_it_is_ && now_ < kept->until;
  if (!is_the_same || kept->session.empty()) return std::nullopt;
  return std::move(kept->session);
}

void KeptSession::keep(const SecretBytes& session, TimeNs lasts) const {
  if (password_as_it_is_.empty()) return;
  SecretWriter writer;
  writer.sized(kFormat);
  writer.sized(made_with_.user);
  writer.sized(made_with_.server_key);
  writer.sized(password_as_it_is_);
  writer.u64(now_ + lasts);
  writer.sized(session);
  const SecretBytes bytes = writer.finish();
  OsFileSystem files;
  (void)replace_file(files, file_, bytes.read(SecretAccess())).ok();
}

}  // namespace keytrail::cli
