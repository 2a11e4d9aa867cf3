// endpoints.json: where the parts of an installation are, and with which files one may speak to
// them.
//
// A contract for tools in any language: absolute paths, unknown members are ignored, version 1.
// `keytrail up` writes it once everything answers, and again when a pid changes. Values; no
// threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/secret/result.h"

namespace keytrail::cli {

struct LogEndpoint {
  std::string id, append, live, read, command, server_key;
  std::string checkpoint_key;  // Ed25519, hexadecimal: checks the store's checkpoints
};
struct KeyedIdentity {
  std::string name, key_file;
};
struct KmsEndpoint {
  std::string name, address;
  std::uint16_t port = 0;
  int pid = 0;
  std::string command, keyring, server_key, certificate;
};
struct KmipClientFiles {
  std::string certificate, key, ca;
};
struct VcenterEndpoint {
  std::string name, address;
  std::uint16_t port = 0;
  std::string user, password_file, ca;
  int pid = 0;
  std::string command, host_channel, server_key;
};
struct HostEndpoint {
  std::string name;
  int pid = 0;
};
struct Datastore {
  std::string name, path;
};

struct Endpoints {
  std::string data;
  LogEndpoint log;
  KeyedIdentity operator_identity, subscriber;
  std::vector<KmsEndpoint> kms;
  KmipClientFiles kmip_client;
  VcenterEndpoint vcenter;
  std::vector<HostEndpoint> hosts;
  std::vector<Datastore> datastores;
  int eventstore_pid = 0;
};

// Where a part is spoken to: the log to append to, KMIP, vCenter's commands. "-": a host has no
// such place. Empty: there is no such part.
[[nodiscard]] std::string address_of(const Endpoints& endpoints, std::string_view part);

[[nodiscard]] std::string to_json(const Endpoints& endpoints);
[[nodiscard]] Result<Endpoints> parse_endpoints(std::string_view json);

// Of the installation in `data`. kUnavailable says how to start one; kRefused that the file is
// of another version.
[[nodiscard]] Result<Endpoints> read_endpoints(const std::string& data);
[[nodiscard]] Result<void> write_endpoints(const Endpoints& endpoints);

}  // namespace keytrail::cli
