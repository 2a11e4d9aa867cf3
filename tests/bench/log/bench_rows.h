// The rows of the table, one function a group: runs its contenders in turn, prints its rows.
#pragma once

#include <string>

#include "bus/events/ids.h"
#include "tests/bench/peers/peers.h"

namespace keytrail::bench {

struct BenchOptions {
  std::string folder;          // on the disk that is measured; all of it goes afterwards
  int rounds = 5;              // runs of each contender
  double seconds = 1;          // each run
  Position facts = 1'000'000;  // of the log that is read, and started with
  Position streams = 100'000;  // of that log
  Peer* redis = nullptr;       // null: without peers
  Peer* nats = nullptr;
};

void append_rows(const BenchOptions& options);  // pipelined, 64 clients, one client
void read_rows(const BenchOptions& options);    // catch-up, verify, JSON
void live_rows(const BenchOptions& options);    // delay to subscribers, CPU of publishing
void start_rows(const BenchOptions& options);   // time to the first append, cost per fact

}  // namespace keytrail::bench
