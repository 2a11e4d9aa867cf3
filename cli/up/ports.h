// Where the parts of an installation listen: one base, fixed distances. Loopback only.
//
//   event store  +0 append · +1 live · +2 read · +3 command · +4 HTTPS
//   kms-(i+1)    +6+i KMIP · +20+3i keyring · +21+3i command
//   vcenter      +40 HTTPS · +41 host channel · +42 command
//   host-(i+1)   +60+i migration
#pragma once

#include <cstdint>
#include <string>

#include "bus/secret/result.h"

namespace keytrail::cli {

class Ports {
 public:
  static constexpr std::uint16_t kDefaultBase = 5690;  // so that KMIP is 5696
  static constexpr std::uint16_t kBaseMax = 65'400;
  static constexpr std::uint16_t kReplicasMax = 6;  // KMIP ports before, keyring ports up to +40
  static constexpr std::uint16_t kHostsMax = 64;

  explicit Ports(std::uint16_t base) : base_(base) {}

  [[nodiscard]] std::string append() const { return tcp(0); }
  [[nodiscard]] std::string live() const { return tcp(1); }
  [[nodiscard]] std::string read() const { return tcp(2); }
  [[nodiscard]] std::string store_command() const { return tcp(3); }
  [[nodiscard]] std::uint16_t kmip(int replica) const { return port(6 + replica); }
  [[nodiscard]] std::string keyring(int replica) const { return tcp(20 + 3 * replica); }
  [[nodiscard]] std::string kms_command(int replica) const { return tcp(21 + 3 * replica); }
  [[nodiscard]] std::uint16_t vcenter_https() const { return port(40); }
  [[nodiscard]] std::string host_channel() const { return tcp(41); }
  [[nodiscard]] std::string vcenter_command() const { return tcp(42); }

  // Every port that this installation will listen on can be had. kRefused names the port, what
  // for, and the flag.
  [[nodiscard]] Result<void> check_free(int replicas) const;

 private:
  [[nodiscard]] std::uint16_t port(int distance) const {
    return static_cast<std::uint16_t>(base_ + distance);
  }
  [[nodiscard]] std::string tcp(int distance) const {
    return "tcp://127.0.0.1:" + std::to_string(port(distance));
  }
  std::uint16_t base_;
};

}  // namespace keytrail::cli
