// LineClient: a client of a server that is spoken to in lines, Redis or NATS, on a raw socket: no
// library of a peer's is in its figures. A Client of clients.h. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bus/secret/fd.h"
#include "tests/bench/clients.h"

namespace keytrail::bench {

// What a line from the server means.
enum class Line {
  kAnswer,   // one request is done
  kNothing,  // part of an answer, or news
  kPing,     // wants kPong
  kError,    // ends the program: the request is not what was to be measured
};

struct LineProtocol {
  std::string greeting;  // sent once
  std::string request;   // one append
  Line (*meaning)(std::string_view line);
};

class LineClient {
 public:
  // "/path" is a Unix socket, else a port of loopback.
  LineClient(const std::string& address, LineProtocol protocol);

  void fill(std::size_t in_flight);
  void step();
  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  [[nodiscard]] std::size_t in_flight() const {
    return static_cast<std::size_t>(requested_ - completed_);
  }
  static void wait(const Fleet<LineClient>& fleet);

 private:
  void flush();
  void take_lines();

  const LineProtocol protocol_;
  Fd fd_;
  std::string out_;
  std::size_t sent_ = 0;  // of out_; what was sent goes when all was
  std::string in_;
  std::uint64_t requested_ = 0;
  std::uint64_t completed_ = 0;
};

// `count` connections; "#" in greeting and request is the number of each.
[[nodiscard]] Fleet<LineClient> line_clients(const std::string& address,
                                             const LineProtocol& protocol, std::size_t count);

}  // namespace keytrail::bench
