// Clients: how load is made, the same way for Keytrail and for its peers, so that what is compared
// is the servers. One thread drives all clients of a run.
//
// A Client has
//   void fill(std::size_t in_flight)   sends until so many requests are unanswered
//   void step()                        takes the answers that have come, never waits
//   std::uint64_t completed() const    requests that were answered: what was asked for is durable
//   std::size_t in_flight() const
//   static void wait(const std::vector<std::unique_ptr<Client>>&)   until one has an answer
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/bench/measure.h"

namespace keytrail::bench {

template <class Client>
using Fleet = std::vector<std::unique_ptr<Client>>;

template <class Client>
std::uint64_t completed_by(const Fleet<Client>& fleet) {
  std::uint64_t sum = 0;
  for (const auto& client : fleet) sum += client->completed();
  return sum;
}

// Until nothing is under way: what a run began does not go on beside the next.
template <class Client>
void drain(Fleet<Client>& fleet) {
  for (const auto& client : fleet) {
    while (client->in_flight() > 0) {
      Client::wait(fleet);
      for (const auto& each : fleet) each->step();
    }
  }
}

// Answered requests a second, with `in_flight` of each client under way for `seconds`, and none at
// the end: what was sent is counted with the time that its answers took.
template <class Client>
double rate(Fleet<Client>& fleet, std::size_t in_flight, double seconds) {
  const std::uint64_t before = completed_by(fleet);
  const auto start = Steady::now();
  while (seconds_since(start) < seconds) {
    for (const auto& client : fleet) client->fill(in_flight);
    Client::wait(fleet);
    for (const auto& client : fleet) client->step();
  }
  drain(fleet);
  return static_cast<double>(completed_by(fleet) - before) / seconds_since(start);
}

// The median delay of one request at a time, in microseconds.
template <class Client>
double p50_us(Fleet<Client>& fleet, double seconds) {
  Series delays;
  for (const auto start = Steady::now(); seconds_since(start) < seconds;) {
    const auto sent = Steady::now();
    fleet.front()->fill(1);
    drain(fleet);
    delays.push_back(seconds_since(sent) * 1e6);
  }
  return median(delays);
}

}  // namespace keytrail::bench
