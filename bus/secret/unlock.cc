#include "bus/secret/unlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "bus/secret/fd.h"
#include "bus/secret/file.h"
#include "bus/secret/text.h"

namespace keytrail {
namespace {

Error os_error(const std::string& what) {
  const int number = errno;
  return {number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
          "cannot read " + what + ": " + std::generic_category().message(number)};
}

// Reads up to `end` (a byte, or -1 for the end of the file), straight into a secret's memory.
Result<SecretBytes> read_secret(int descriptor, int end, const std::string& what) {
  SecretBytes buffer(kUnlockBytesMax + 1);
  const auto bytes = buffer.write(SecretAccess{});
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = ::read(descriptor, bytes.data() + size, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return os_error(what);
    if (count == 0 || bytes[size] == end) return buffer.slice(0, size);
    ++size;
  }
  return Error{ErrorCode::kInvalid, what + " is longer than an unlock secret may be"};
}

Result<UnlockSecret> as_key(SecretBytes bytes, const std::string& what) {
  if (bytes.size() < kUnlockKeyBytesMin) {
    return Error{ErrorCode::kInvalid, what + " has fewer than the 32 bytes of an unlock key"};
  }
  return UnlockSecret{UnlockForm::kKey, std::move(bytes)};
}

Result<UnlockSecret> from_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return os_error(path);
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{ErrorCode::kRefused, path + " can be read by others; chmod it to 600"};
  }
  return as_key(TRY(read_secret(file.get(), -1, path)), path);
}

Result<UnlockSecret> from_descriptor(std::string_view text) {
  const auto number = parse_decimal<std::uint16_t>(text);
  if (!number) {
    return Error{ErrorCode::kInvalid, "unlock = \"fd:N\" needs the number of an open descriptor"};
  }
  const Fd descriptor(*number);
  const std::string what = "descriptor " + std::string(text);
  return as_key(TRY(read_secret(*number, -1, what)), what);
}

// The terminal without echo, given back as it was.
class SilentTerminal {
 public:
  explicit SilentTerminal(int descriptor) : descriptor_(descriptor) {
    silent_ = ::tcgetattr(descriptor_, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent_ = silent_ && ::tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (silent_) (void)::tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  [[nodiscard]] bool silent() const { return silent_; }

 private:
  int descriptor_;
  termios before_{};
  bool silent_ = false;
};

Result<UnlockSecret> from_prompt() {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  const Error none{ErrorCode::kUnavailable,
                   "unlock = \"prompt\" needs a terminal; use \"file:PATH\" or \"fd:N\""};
  if (!terminal.is_open()) return none;
  const SilentTerminal silent(terminal.get());
  if (!silent.silent()) return none;
  constexpr std::string_view kQuestion = "Passphrase: ";
  (void)!::write(terminal.get(), kQuestion.data(), kQuestion.size());
  SecretBytes passphrase = TRY(read_secret(terminal.get(), '\n', "the passphrase"));
  (void)!::write(terminal.get(), "\n", 1);
  if (passphrase.empty()) return Error{ErrorCode::kInvalid, "the passphrase is empty"};
  return UnlockSecret{UnlockForm::kPassphrase, std::move(passphrase)};
}

}  // namespace

Result<UnlockSecret> acquire_unlock(std::string_view source) {
  if (source == "prompt") return from_prompt();
  if (source.starts_with("file:")) return from_file(std::string(source.substr(5)));
  if (source.starts_with("fd:")) return from_descriptor(source.substr(3));
  // Not repeated: somebody may have put the secret itself there.
  return Error{ErrorCode::kInvalid, "unlock is \"file:PATH\", \"fd:N\" or \"prompt\""};
}

Result<void> make_unlock_file(const std::string& path, Random& random) {
  OsFileSystem files;
  const auto file = TRY(files.open(path, FileSystem::Open::kCreate));
  const SecretBytes key = random.secret(kUnlockKeyBytesMin);
  TRY(file->write_at(0, key.read(SecretAccess{})));
  TRY(file->sync());
  return files.sync_folder(folder_of(path));
}

}  // namespace keytrail
