#include "esxi/service/console_log.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keytrail::esxi {
namespace {

constexpr const char* kName = "console.log";
constexpr const char* kOldName = "console.old.log";

}  // namespace

Result<ConsoleLog> ConsoleLog::open(std::unique_ptr<disk::OsDiskFolder> folder,
                                    std::uint64_t bytes_max) {
  ConsoleLog log(std::move(folder), bytes_max);
  TRY(log.begin());
  return log;
}

Result<void> ConsoleLog::append(ByteView said) {
  if (!file_.is_open()) return {};
  const Result<void> written = write(said);
  if (!written.ok()) file_.reset();
  return written;
}

Result<void> ConsoleLog::begin() {
  file_ = TRY(folder_->open_to_append(kName));
  bytes_ = static_cast<std::uint64_t>(::lseek(file_.get(), 0, SEEK_END));
  return {};
}

Result<void> ConsoleLog::write(ByteView said) {
  while (!said.empty()) {
    if (bytes_ >= bytes_max_) {
      TRY(folder_->rename(kName, kOldName));
      TRY(begin());
    }
    const ByteView piece = said.first(std::min<std::uint64_t>(said.size(), bytes_max_ - bytes_));
    const ssize_t put = ::write(file_.get(), piece.data(), piece.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      return Error{ErrorCode::kUnavailable,
                   std::string("writing ") + kName + ": " + std::strerror(errno)};
    }
    bytes_ += static_cast<std::uint64_t>(put);
    said = said.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace keytrail::esxi
