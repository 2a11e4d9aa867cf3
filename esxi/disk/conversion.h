// Conversion: a disk becomes encrypted, plain, or encrypted under a new DEK, by a copy beside it.
//
//   prepare   new data file and descriptor beside the old ones, synced          (may be repeated)
//   commit    the descriptor is renamed into place: from here on the disk is the new one
//   retire    the old data file is overwritten and removed
//
// The host decides what stands between the steps: its fact that the work began is durable before
// `prepare`, the fact of the outcome before `retire`. The descriptor names the action, so after a
// crash `recover` tells whether it was committed; if not, it removes what lies beside and the
// action begins again. Both data files are locked throughout, so no other host can open the disk in
// between.
//
// A shallow recrypt touches the descriptor alone: `begin_rewrap` puts old and new wrapping in,
// `end_rewrap` leaves only the new one. Any crash leaves a wrapping that opens.
//
// Threads: one. Errors as DiskEngine and DiskFolder have them. A conversion that is destroyed
// before commit leaves its files to recover().
#pragma once

#include <memory>
#include <stop_token>

#include "esxi/disk/disk_engine.h"

namespace keytrail::disk {

inline constexpr std::size_t kConversionSegmentBytes = std::size_t{4} << 20;

class Conversion {
 public:
  // `source` is the open disk, no session left; without a `key` the outcome is plain.
  // REQUIRES: `action` in lower-case hexadecimal; `folder` outlives this; whole sectors a segment.
  Conversion(DiskFolder& folder, std::string disk, std::string action,
             std::unique_ptr<DiskEngine> source, std::optional<DiskKey> key,
             std::size_t segment_bytes = kConversionSegmentBytes);

  // kUnavailable once `stop` is requested, which another thread may do: a copy can take hours.
  Result<void> prepare(const std::stop_token& stop = {});
  // REQUIRES: prepare() succeeded. The descriptor as it stands from now on.
  Result<Descriptor> commit();
  // REQUIRES: commit() succeeded. The open new disk is the caller's afterwards.
  Result<std::unique_ptr<DiskEngine>> retire();

 private:
  Result<void> copy(DiskSession from, DiskSession to, std::span<std::uint8_t> segment,
                    const std::stop_token& stop);

  DiskFolder& folder_;
  const std::string disk_;
  const std::string action_;
  std::unique_ptr<DiskEngine> source_;
  std::optional<DiskKey> key_;
  std::unique_ptr<DiskEngine> target_;
  const std::size_t segment_bytes_;
  bool prepared_ = false;
};

enum class ActionFound {
  kCommitted,     // durably: append the fact, then retire_leftovers
  kNotCommitted,  // nothing of it is left; it may begin again
};

// After a crash: what became of `action` on this disk. REQUIRES: this process does not have the
// disk open.
Result<ActionFound> recover(DiskFolder& folder, std::string_view disk, std::string_view action);

// What retire() does, for a process that did not live to do it.
Result<void> retire_leftovers(DiskFolder& folder, std::string_view disk);

// The first half of a shallow recrypt: `key_safe` holds the DEK wrapped by `key_id` first, then by
// the KEK in use. REQUIRES: the disk is open and encrypted; `action` in lower-case hexadecimal.
Result<Descriptor> begin_rewrap(DiskFolder& folder, std::string_view disk, DiskEngine& engine,
                                std::string key_safe, std::string key_id, std::string action);

// The second: all wrappings but the first go. Does nothing if there is one only.
Result<Descriptor> end_rewrap(DiskFolder& folder, std::string_view disk, DiskEngine& engine);

// What end_rewrap does, for a process that did not live to do it: needs no key. kConflict: the disk
// is open.
Result<void> retire_wrappings(DiskFolder& folder, std::string_view disk);

}  // namespace keytrail::disk
