// Guests: the VMs that run on this host. Per VM an open disk, its NBD server and a QEMU process.
//
//   power on   open the disk (locked for this host) ─► serve it on a unix socket ─► start the guest
//   it runs    what it says is kept in its folder (console_log.h)
//   the end    the process ends, or is ended ─► the server stops ─► the disk is closed ─► told
// A guest dies with the host's process. Threads: power_on and power_off on workers, one at a time
// per VM; `on_end` is called on the thread that noticed, after everything of the guest is closed,
// unless power_off ended it. power_off_all, and the destructor by it, returns when no such call is
// under way any more.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "esxi/disk/nbd_server.h"
#include "esxi/disk/os_disk_folder.h"
#include "esxi/model/guests.h"
#include "esxi/service/disk_work.h"
#include "esxi/service/guest_process.h"

namespace keytrail::esxi {

class Guests {
 public:
  using OnEnd = std::function<void(GuestEnd)>;

  struct Options {
    std::string datastore;   // its path; kernels, initrds and consoles are files of its folders
    std::string run_folder;  // for sockets; it exists
    std::string program = "qemu-system-x86_64";
  };
  static constexpr std::size_t kGuestsMax = 1024;  // a host's limit in vSphere too

  Guests(DiskWork& disks, Options options, OnEnd on_end);
  ~Guests();

  [[nodiscard]] Result<void> power_on(const std::string& name, const Vm& vm,
                                      const std::optional<SecretBytes>& kek);
  // What its disk did since the last summary; nothing if it was not running.
  [[nodiscard]] std::optional<DiskUsage> power_off(const std::string& name);
  // What the disks that were used did since the last summary: this is one.
  [[nodiscard]] std::vector<DiskUsage> summarize();
  // Tells the end of each, unless that is told already.
  void power_off_all();

 private:
  struct Running {
    std::string disk;  // UUID
    disk::DiskUsage summarized;
    std::unique_ptr<disk::DiskEngine> engine;
    std::unique_ptr<disk::NbdServer> server;
    std::unique_ptr<GuestProcess> process;
    bool ordered_off = false;
  };

  // Its files, opened: from here on it does not matter what stands under their names.
  [[nodiscard]] Result<GuestSpec> spec_of(const std::string& name, std::uint32_t sector_bytes);
  [[nodiscard]] std::optional<DiskUsage> close(const std::string& name, Running running);
  void on_exit(const std::string& name, const GuestExit& exit);

  DiskWork& disks_;
  const Options options_;
  disk::OsDatastore datastore_;
  const OnEnd on_end_;
  std::mutex mutex_;
  std::condition_variable exited_;
  std::size_t exits_ = 0;  // calls of on_exit under way that took their guest out of the map
  std::map<std::string, Running> running_;
};

}  // namespace keytrail::esxi
