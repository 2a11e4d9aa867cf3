// Connection: one of a node's sockets to a server, in the simulation: an ordered pipe each way,
// with faults.
//
// Messages are delayed, in order within a direction, never across connections. When it breaks, what
// is under way to the node is lost; what is under way to the server arrives up to some point,
// perhaps after the first messages of the next connection. A message is what its arrival does.
#pragma once

#include <functional>

#include "tests/simulation/world.h"

namespace keytrail::simulation {

// What the network does to messages. All zero: a quiet one.
struct WireFaults {
  TimeNs delay_max = 2 * kMs;
  double slow = 0;    // chance that a message takes ten times as long
  double broken = 0;  // chance per message to the server that the connection breaks just then
  double dropped =
      0;  // chance that a published message is dropped, as XPUB does for a slow subscriber
};

class Connection {
 public:
  Connection(World& world, const WireFaults& faults) : world_(world), faults_(faults) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void open();
  // Breaks, from either end or between; `on_broken` of the node is called a little later.
  void lose();
  // The server's process is gone, and all that was under way to it.
  void lose_all();

  [[nodiscard]] bool is_open() const { return open_; }
  // Which of the connections that this socket has had; for who keeps something per connection.
  [[nodiscard]] std::uint64_t number() const { return number_; }

  void to_server(std::function<void()> arrival);
  void to_node(std::function<void()> arrival);

  std::function<void()> on_broken;

 private:
  [[nodiscard]] TimeNs arrival_at(TimeNs& last);

  World& world_;
  const WireFaults& faults_;
  bool open_ = false;
  std::uint64_t number_ = 0;
  TimeNs last_up_ = 0;
  TimeNs last_down_ = 0;
  std::uint64_t sent_up_ = 0;  // on all connections so far
  std::uint64_t arrived_up_ = 0;
  // Of messages on earlier connections: those up to here still arrive.
  std::uint64_t arrives_through_ = 0;
  std::uint64_t first_of_this_ = 1;  // number of the first message on this connection
};

}  // namespace keytrail::simulation
