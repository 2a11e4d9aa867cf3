// FilledLog: a log of many facts on many streams, as the orderer would have written it, without
// waiting for it. One thread.
#pragma once

#include <string>

#include "bus/events/ids.h"

namespace keytrail::bench {

// Who wrote every hundredth fact: what a filter looks for.
inline constexpr const char* kRareUser = "alice";
inline constexpr Position kRareEvery = 100;

// A log of `facts` facts in `folder`, each of kBodyBytes, in turn on `streams` streams below
// kms/cluster-1, by an author whom no BenchStore knows. REQUIRES: there is no log yet.
void fill_log(const std::string& folder, Position facts, Position streams);

// RocksDB alone: appends rows as the log's for `seconds`, synced by `batch_facts`; gives facts a
// second, the making of the facts not counted. Rows of up to 64 facts: four times less work for
// RocksDB than a row a fact, so the harder peer.
class RocksAlone {
 public:
  explicit RocksAlone(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] double rate(std::size_t batch_facts, double seconds);

 private:
  std::string folder_;
};

}  // namespace keytrail::bench
