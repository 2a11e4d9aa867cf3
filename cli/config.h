// A part's configuration: config/PART.toml, read and written here alone.
//
// Private keys are never in it: they stand in the part's sealed secret file, which `unlock` opens.
// Values; no threads. Errors name the file, the key and what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/secret/result.h"

namespace keytrail::cli {

// Somebody whose CURVE key is let in.
struct PeerConfig {
  std::string name;        // "operator/cli"
  std::string public_key;  // z85
};
struct LogConfig {
  std::string append, live, read, server_key;
};
// What every part has.
struct PartConfig {
  std::string name;    // "kms-1"
  std::string data;    // its own folder
  std::string unlock;  // "file:PATH", "fd:N", "prompt"
};

struct IdentityConfig {
  std::string name, key;
  std::vector<std::string> prefixes, topics, sockets;
};
struct EventstoreConfig {
  PartConfig part;
  std::string append, live, read, command;
  std::vector<IdentityConfig> identities;
};

struct KeyringPeer {
  std::string name, keyring;  // "kms-1", "tcp://127.0.0.1:5710"
};
struct KmsConfig {
  PartConfig part;
  LogConfig log;
  std::string cluster;
  std::string kmip_address;
  std::uint16_t kmip_port = 0;
  std::string keyring, command;
  std::vector<PeerConfig> operators;
  std::vector<KeyringPeer> peers;
  std::vector<std::string> host_names;  // in its certificate, beside 127.0.0.1 and localhost
  bool founds = true;  // the cluster, if there is none; of several replicas, only one should
  bool record_reads = false;
  std::string when_log_is_away = "refuse";
  std::uint64_t log_lost_ms = 3000;
  std::uint64_t shred_interval_ms = 1000;
};

struct HostEntry {
  std::string name, key, cluster;
};
struct VcenterConfig {
  PartConfig part;
  LogConfig log;
  std::string command, host_channel;
  std::vector<PeerConfig> operators;
  std::vector<HostEntry> hosts;
  std::string datastore;  // name
  std::string administrator_password_file;
};

struct HostConfig {
  PartConfig part;
  LogConfig log;
  std::string vcenter, channel, channel_key;
  std::string datastore;  // path
};

// The shape of an installation, chosen at its first start.
struct UpConfig {
  std::uint16_t port_base = 0;
  std::uint64_t replicas = 0;
  std::uint64_t hosts = 0;
  bool operator==(const UpConfig&) const = default;
};

[[nodiscard]] Result<UpConfig> read_up_config(const std::string& file);
[[nodiscard]] Result<EventstoreConfig> read_eventstore_config(const std::string& file);
[[nodiscard]] Result<KmsConfig> read_kms_config(const std::string& file);
[[nodiscard]] Result<VcenterConfig> read_vcenter_config(const std::string& file);
[[nodiscard]] Result<HostConfig> read_host_config(const std::string& file);

[[nodiscard]] std::string to_toml(const UpConfig& config);
[[nodiscard]] std::string to_toml(const EventstoreConfig& config);
[[nodiscard]] std::string to_toml(const KmsConfig& config);
[[nodiscard]] std::string to_toml(const VcenterConfig& config);
[[nodiscard]] std::string to_toml(const HostConfig& config);

}  // namespace keytrail::cli
