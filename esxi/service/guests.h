// Guests: the VMs that run on this host. Per VM an open disk, its NBD server and a QEMU process.
//
//   power on   open the disk (locked for this host) ─► serve it on a unix socket ─► start the guest
//   the end    the process ends, or is ended ─► the server stops ─► the disk is closed ─► told
// A guest dies with the host's process. Threads: power_on and power_off on workers, one at a time
// per VM; `on_end` is called on the thread that noticed, after everything of the guest is closed,
// unless power_off ended it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "esxi/disk/nbd_server.h"
#include "esxi/model/guests.h"
#include "esxi/service/disk_work.h"
#include "esxi/service/guest_process.h"

namespace keytrail::esxi {

class Guests {
 public:
  using OnEnd = std::function<void(GuestEnd)>;

  // Kernels, initrds and consoles are files of `datastore`/VM; sockets go to `run_folder`, which
  // exists.
  Guests(DiskWork& disks, std::string datastore, std::string run_folder, OnEnd on_end);
  ~Guests();

  [[nodiscard]] Result<void> power_on(const std::string& name, const Vm& vm,
                                      const std::optional<SecretBytes>& kek);
  // What its disk did; nothing if it was not running.
  [[nodiscard]] std::optional<DiskUsage> power_off(const std::string& name);
  void power_off_all();

 private:
  struct Running {
    std::string disk;  // UUID
    std::unique_ptr<disk::DiskEngine> engine;
    std::unique_ptr<disk::NbdServer> server;
    std::unique_ptr<GuestProcess> process;
    bool ordered_off = false;
  };

  [[nodiscard]] std::optional<DiskUsage> close(const std::string& name, Running running);
  void on_exit(const std::string& name, const GuestExit& exit);

  DiskWork& disks_;
  const std::string datastore_, run_folder_;
  const OnEnd on_end_;
  std::mutex mutex_;
  std::map<std::string, Running> running_;
};

}  // namespace keytrail::esxi
