// Peers: the servers that Keytrail's appends are compared with, each a child on loopback and a Unix
// socket, with what it writes on the disk of the store's.
//
//   Redis   append-only file, `appendfsync always`; XADD, its log: it answers with the entry's
//           place, as an acknowledgement does. (SET and RPUSH are no log: nobody can follow them.)
//   NATS    JetStream, a file stream, `sync_interval: always`, publish and its PubAck. Servers
//           before 2.10, Debian 12's among them, know no such option, and acknowledge what a power
//           cut may take; then it is run without, and its name says so.
// One thread.
#pragma once

#include <memory>
#include <string>

#include "tests/bench/peers/child.h"
#include "tests/bench/peers/line_client.h"

namespace keytrail::bench {

struct Peer {
  std::string name;          // "Redis 7.0.15"
  std::string unix_address;  // empty: it has none
  std::string tcp_address;
  LineProtocol protocol;
  std::unique_ptr<Child> child;
};

// Until they answer. What is not installed ends the program, with what to do.
[[nodiscard]] std::unique_ptr<Peer> start_redis(std::size_t value_bytes);
[[nodiscard]] std::unique_ptr<Peer> start_nats(std::size_t value_bytes);

}  // namespace keytrail::bench
