// ConsoleLog: what a guest says on its serial console, in its VM's folder.
//
//   console.log      what it said last; appended to from start to start
//   console.old.log  what it said before, from when console.log had its full size
// A guest may say anything for ever, so the two hold at most 2 * `bytes_max` bytes. Threads: one at
// a time.
#pragma once

#include <cstdint>
#include <memory>

#include "bus/secret/fd.h"
#include "esxi/disk/os_disk_folder.h"

namespace keytrail::esxi {

class ConsoleLog {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{64} << 20;

  static Result<ConsoleLog> open(std::unique_ptr<disk::OsDiskFolder> folder,
                                 std::uint64_t bytes_max = kBytesMax);

  // An error is told once: afterwards nothing is kept any more, until the next open.
  [[nodiscard]] Result<void> append(ByteView said);

 private:
  ConsoleLog(std::unique_ptr<disk::OsDiskFolder> folder, std::uint64_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}

  Result<void> begin();  // Opens console.log.
  Result<void> write(ByteView said);

  std::unique_ptr<disk::OsDiskFolder> folder_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;  // of console.log
  Fd file_;                  // None: it failed.
};

}  // namespace keytrail::esxi
