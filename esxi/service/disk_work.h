// DiskWork: performs vCenter's orders about disks on a datastore.
//
//   perform   recover what a crash left ─► convert beside ─► rename of the descriptor: the commit
//   retire    after the outcome is durable: the old data file is overwritten and removed
// Safe to repeat at any point: the descriptor carries the action's id, and a disk's UUID is the id
// of the action that created it. From perform to retire the data files stay locked, so no other
// host opens the disk in between. Threads: any, one at a time per VM. Errors: one sentence that
// ends the order (OrderRefused).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bus/secret/random.h"
#include "esxi/disk/conversion.h"
#include "esxi/model/disks.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

// The KEKs that an order names, taken along by the thread that performs it.
struct OrderKeys {
  std::optional<SecretBytes> key;
  std::optional<SecretBytes> old_key;
};

class DiskWork {
 public:
  DiskWork(std::string datastore, Random& random);

  [[nodiscard]] Result<DiskOutcome> perform(const Order& order, const Vm& vm, OrderKeys keys);
  // REQUIRES: the outcome of what was performed on `vm` is durable.
  void retire(const std::string& vm);

  // Opens a VM's disk for its guest: the DEK is unwrapped by `kek` and checked against the last
  // fact about the disk.
  [[nodiscard]] Result<std::unique_ptr<disk::DiskEngine>> open(
      const std::string& name, const Vm& vm, const std::optional<SecretBytes>& kek);
  [[nodiscard]] std::string folder_path(const std::string& vm) const;

 private:
  // Held between commit and retire.
  struct Committed {
    std::unique_ptr<disk::DiskFolder> folder;
    std::unique_ptr<disk::Conversion> conversion;  // copy beside
    std::unique_ptr<disk::DiskEngine> engine;      // shallow recrypt
  };

  Result<DiskOutcome> create(disk::DiskFolder& folder, const Order& order, OrderKeys keys,
                             Committed& committed);
  Result<DiskOutcome> convert(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                              std::unique_ptr<disk::DiskEngine> source, OrderKeys keys,
                              Committed& committed);
  Result<DiskOutcome> rewrap(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                             std::unique_ptr<disk::DiskEngine> engine, OrderKeys keys,
                             Committed& committed);
  [[nodiscard]] disk::DiskKey new_disk_key(const KeyId& key, const SecretBytes& kek);

  // One VM's work: what is held between commit and retire, under the mutex that makes it one after
  // the other.
  struct Desk {
    std::mutex mutex;
    Committed committed;
  };
  Desk& desk_of(const std::string& vm);
  void retire_at(Desk& desk, const std::string& vm);
  Result<std::unique_ptr<disk::DiskEngine>> open_at(const std::string& name, const Vm& vm,
                                                    const std::optional<SecretBytes>& kek);

  const std::string datastore_;
  Random& random_;
  std::mutex mutex_;                                    // of the map
  std::map<std::string, std::unique_ptr<Desk>> desks_;  // by VM; never removed
};

}  // namespace keytrail::esxi
