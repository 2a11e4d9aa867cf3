// StoreRun: the heart of a store in one thread, life after life on one folder, and its promises.
//
//   authors ─units─► Orderer ─batch─► RocksLog ─► FaultyDisk
//      ▲               │ on_written
//      └───── acks ◄───┴───► published
// The authors and what they heard outlive the store, as they do in an installation. At the begin of
// each life all of it is asked for again: what was published is a prefix of the log, what was
// acknowledged is in it, and a request that is sent again gets the position that it got.
// One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventstore/log/chain.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/order/orderer.h"
#include "tests/eventstore/faults/faulty_disk.h"
#include "tests/support/seeded_random.h"

namespace keytrail::testing {

// The control: it answers first and writes then.
enum class Bug { kNone, kAcknowledgesBeforeItWrites };

class StoreRun {
 public:
  StoreRun(std::string folder, std::uint64_t seed, Bug bug = Bug::kNone);

  struct Ending {
    enum class How {
      kServed,   // all steps were made; it was closed
      kCut,      // the power was cut
      kStopped,  // a write failed, and it said so
      kRefused,  // it did not start, and said why
    };
    How how = How::kServed;
    std::string sentence;
  };
  // One life: opens what lies in the folder, holds it against the promises, serves `steps` times
  // what its authors send.
  [[nodiscard]] Ending live(const FaultyDisk& disk, std::size_t steps);

  // Promises that were not kept, as sentences; empty: all is well.
  [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; }
  [[nodiscard]] Position promised() const { return published_.size(); }
  [[nodiscard]] std::size_t acknowledged() const;

 private:
  struct Author {
    std::string name;
    std::vector<protocol::Unit> units;   // n = index + 1
    std::vector<protocol::Ack> answers;  // to the first of them
  };
  struct Life;

  [[nodiscard]] std::optional<Ending> restore(Life& life);
  [[nodiscard]] std::optional<Ending> send(Life& life, Author& author, std::size_t first);
  [[nodiscard]] std::optional<Ending> write(Life& life, eventstore::Batch batch);
  void hear(Life& life, eventstore::Orderer::Outputs& outputs);
  void hear(Author& author, const protocol::Ack& ack);
  void submit(Author& author);

  const std::string folder_;
  const Bug bug_;
  test::SeededRandom random_;
  std::vector<Author> authors_;
  std::vector<Hash> published_;  // the leaf of each position, from 1
  std::optional<proof::Checkpoint> checkpoint_;
  std::vector<std::string> broken_;
};

}  // namespace keytrail::testing
