// DiskWork: performs vCenter's orders about disks on a datastore.
//
//   perform   look what a crash left ─► prepare beside ─► rename of the descriptor: the commit
//   retire    after the outcome is on the log: the old data file is overwritten and removed
//
// The storage alone says what became of an order: its descriptor carries the action's id, and the
// .vmx the id of the action that made the VM. So `perform` is safe to repeat at any point, and
// whatever fails in it, it looks again before it says anything:
//   an outcome      stands on the storage, durably
//   kUnavailable    what stands there cannot be told now (a datastore that is away, a folder that
//                   did not sync, a disk that another process has open): perform again later
//   any other code  nothing of the order stands there any more; one sentence for OrderRefused
// What the log does not know is never destroyed: old files and wrappings go only while descriptor
// and last fact agree. From perform to retire the data files stay locked, so no other host opens
// the disk in between. README.md goes through every interleaving. Threads: any, one at a time per
// VM.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
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
  // Both outlive this.
  DiskWork(disk::Datastore& datastore, Random& random);

  // `vm` as the log has it before the order.
  [[nodiscard]] Result<DiskOutcome> perform(const Order& order, const Vm& vm, OrderKeys keys);
  // From any thread, for good: a copy under way ends, and an order that is not done is
  // kUnavailable. What it leaves is the next process's to find.
  void stop() { stop_.request_stop(); }

  // `vm` as the log has it now. Best effort; what is left is tried again at the next start or
  // opening.
  void retire(const std::string& name, const Vm& vm);

  // Opens a VM's disk for its guest: the DEK is unwrapped by `kek` and checked against the last
  // fact about the disk.
  [[nodiscard]] Result<std::unique_ptr<disk::DiskEngine>> open(
      const std::string& name, const Vm& vm, const std::optional<SecretBytes>& kek);
  // What the VM's .vmx says that it boots.
  [[nodiscard]] Result<vcenter::GuestBoot> guest_of(const std::string& name);

 private:
  // Held between commit and retire.
  struct Committed {
    std::unique_ptr<disk::DiskFolder> folder;
    std::unique_ptr<disk::Conversion> conversion;  // copy beside
    std::unique_ptr<disk::DiskEngine> engine;      // shallow recrypt
  };
  // One VM's work: what is held between commit and retire, under the mutex that makes it one after
  // the other.
  struct Desk {
    std::mutex mutex;
    Committed committed;
  };

  Result<DiskOutcome> attempt(const Order& order, const Vm& vm, OrderKeys keys,
                              Committed& committed);
  Result<void> create_plain_or_encrypted(disk::DiskFolder& folder, const Order& order,
                                         const OrderKeys& keys);
  Result<DiskOutcome> create(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                             OrderKeys keys, Committed& committed);
  Result<DiskOutcome> convert(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                              std::unique_ptr<disk::DiskEngine> source, OrderKeys keys,
                              Committed& committed);
  Result<DiskOutcome> rewrap(std::unique_ptr<disk::DiskFolder> folder, const Order& order,
                             std::unique_ptr<disk::DiskEngine> source, OrderKeys keys,
                             Committed& committed);
  [[nodiscard]] disk::DiskKey new_disk_key(const KeyId& key, const SecretBytes& kek);

  Desk& desk_of(const std::string& vm);
  void retire_at(Desk& desk, const std::string& name, const Vm& vm);
  Result<std::unique_ptr<disk::DiskEngine>> open_at(disk::DiskFolder& folder,
                                                    const std::string& name, const Vm& vm,
                                                    const std::optional<SecretBytes>& kek);

  disk::Datastore& datastore_;
  Random& random_;
  std::stop_source stop_;
  std::mutex mutex_;                                    // of the map
  std::map<std::string, std::unique_ptr<Desk>> desks_;  // by VM; never removed
};

}  // namespace keytrail::esxi
