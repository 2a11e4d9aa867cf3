// An address as facts and counters know a peer: who it is, from one connection to the next. Pure;
// any thread.
#pragma once

#include <string>

namespace keytrail {

// A peer has another port for each connection: "10.0.0.1" of "10.0.0.1:4711", "[::1]" of
// "[::1]:4711". An IPv6 address alone has more colons and no port.
[[nodiscard]] inline std::string without_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return address;
  const bool has_port =
      address.front() == '[' ? address[colon - 1] == ']' : address.find(':') == colon;
  return has_port ? address.substr(0, colon) : address;
}

}  // namespace keytrail
