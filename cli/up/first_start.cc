#include "cli/up/first_start.h"

#include <chrono>
#include <map>

#include "bus/secret/file.h"
#include "bus/secret/secret_file.h"
#include "bus/secret/unlock.h"
#include "bus/wire/curve.h"
#include "cli/config.h"
#include "kms/kmip/certificate.h"

namespace keytrail::cli {
namespace {

constexpr const char* kCluster = "cluster-1";      // of the key servers
constexpr const char* kHostCluster = "cluster-1";  // of the hosts
constexpr const char* kVcenter = "vc-1";
constexpr const char* kDatastore = "ds-1";
constexpr const char* kAdministrator = "administrator@vsphere.local";
constexpr std::int64_t kClientCertificateSeconds = 10LL * 365 * 86'400;

std::string kms_name(int i) { return "kms-" + std::to_string(i + 1); }
std::string host_name(int i) { return "host-" + std::to_string(i + 1); }

// What every step needs: the folder, the ports, and the public keys made so far, by identity.
struct Making {
  const UpOptions& options;
  Random& random;
  Ports ports;
  OsFileSystem files;
  std::map<std::string, std::string> public_keys;

  [[nodiscard]] std::string path(const std::string& below) const {
    return options.data + "/" + below;
  }
};

Result<void> make_folders(Making& m) {
  std::vector<std::string> folders{"config",
                                   "unlock",
                                   "log",
                                   "run",
                                   "client",
                                   "datastore",
                                   std::string("datastore/") + kDatastore,
                                   "eventstore",
                                   kVcenter};
  for (int i = 0; i < m.options.replicas; ++i) folders.push_back(kms_name(i));
  for (int i = 0; i < m.options.hosts; ++i) folders.push_back(host_name(i));
  for (const std::string& folder : folders) TRY(m.files.make_folder(m.path(folder)));
  return {};
}

// A part's CURVE key pair, in its sealed secret file; the public half goes to the allow-list.
Result<void> make_part_identity(Making& m, const std::string& part, const std::string& identity) {
  const std::string unlock_file = m.path("unlock/" + part);
  TRY(make_unlock_file(unlock_file, m.random));
  const UnlockSecret unlock = TRY(acquire_unlock("file:" + unlock_file));
  const wire::CurveKeys keys = wire::make_curve_keys(m.random);
  const auto secrets =
      TRY(SecretFile::open(m.files, m.random, m.path(part + "/secrets"), identity, unlock));
  TRY(secrets->put("curve", keys.secret_key));
  m.public_keys[identity] = keys.public_key;
  return {};
}

// An identity of a person or tool: a plain key file.
Result<void> make_client_identity(Making& m, const std::string& identity, const std::string& file) {
  const wire::CurveKeys keys = wire::make_curve_keys(m.random);
  m.public_keys[identity] = keys.public_key;
  return wire::write_curve_keys(m.path(file), keys);
}

Result<void> make_kmip_client(Making& m) {
  const SecretBytes key = TRY(kmip::make_private_key());
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  const std::string certificate =
      TRY(kmip::make_self_signed(key, {.common_name = "kmip_client",
                                       .use = kmip::CertificateUse::kClient,
                                       .not_before_seconds = now - 3600,
                                       .not_after_seconds = now + kClientCertificateSeconds}));
  TRY(replace_file(m.files, m.path("client/kmip.key"), key.read(SecretAccess{})));
  return replace_file(m.files, m.path("client/kmip.pem"), as_bytes(certificate));
}

IdentityConfig identity(const Making& m, const std::string& name, std::vector<std::string> prefixes,
                        std::vector<std::string> topics, std::vector<std::string> sockets) {
  return {name, m.public_keys.at(name), std::move(prefixes), std::move(topics), std::move(sockets)};
}

// The table of who may do what.
std::vector<IdentityConfig> identities(const Making& m) {
  const std::vector<std::string> part_sockets{"append", "live", "read"};
  const std::vector<std::string> everything{"eventstore.change", "eventstore.note", "kms.change",
                                            "kms.note",          "vcenter.change",  "vcenter.note",
                                            "esxi.change",       "esxi.note",       "head"};
  std::vector<IdentityConfig> rows;
  for (int i = 0; i < m.options.replicas; ++i) {
    const std::string name = kms_name(i);
    rows.push_back(identity(m, "kms/" + name, {"kms/" + name, std::string("kms/") + kCluster},
                            {"kms.change", "kms.sealed", "head"}, part_sockets));
  }
  const std::string vcenter = std::string("vcenter/") + kVcenter;
  rows.push_back(
      identity(m, vcenter, {vcenter}, {"vcenter.change", "esxi.change", "head"}, part_sockets));
  for (int i = 0; i < m.options.hosts; ++i) {
    const std::string name = "esxi/" + host_name(i);
    rows.push_back(
        identity(m, name, {name}, {"vcenter.change", "esxi.change", "head"}, part_sockets));
  }
  rows.push_back(identity(m, "operator/cli", {}, everything, {"read", "command"}));
  rows.push_back(identity(m, "siem/subscriber", {}, everything, {"live", "read"}));
  return rows;
}

PartConfig part(const Making& m, const std::string& name) {
  return {name, m.path(name), "file:" + m.path("unlock/" + name)};
}
LogConfig log(const Making& m) {
  return {m.ports.append(), m.ports.live(), m.ports.read(), m.public_keys.at("eventstore/store-1")};
}
std::vector<PeerConfig> operators(const Making& m) {
  return {{"operator/cli", m.public_keys.at("operator/cli")}};
}

Result<void> write_config(Making& m, const std::string& name, const std::string& text) {
  return replace_file(m.files, m.path("config/" + name + ".toml"), as_bytes(text));
}

Result<void> write_kms_configs(Making& m) {
  for (int i = 0; i < m.options.replicas; ++i) {
    KmsConfig config{.part = part(m, kms_name(i)),
                     .log = log(m),
                     .cluster = kCluster,
                     .kmip_address = "127.0.0.1",
                     .kmip_port = m.ports.kmip(i),
                     .keyring = m.ports.keyring(i),
                     .command = m.ports.kms_command(i),
                     .operators = operators(m),
                     .host_names = {kms_name(i)},
                     .founds = i == 0};
    for (int j = 0; j < m.options.replicas; ++j) {
      if (j != i) config.peers.push_back({kms_name(j), m.ports.keyring(j)});
    }
    TRY(write_config(m, kms_name(i), to_toml(config)));
  }
  return {};
}

Result<void> write_configs(Making& m) {
  EventstoreConfig store{.part = part(m, "eventstore"),
                         .append = m.ports.append(),
                         .live = m.ports.live(),
                         .read = m.ports.read(),
                         .command = m.ports.store_command(),
                         .identities = identities(m)};
  store.part.name = "store-1";
  TRY(write_config(m, "eventstore", to_toml(store)));
  TRY(write_kms_configs(m));
  VcenterConfig vcenter{.part = part(m, kVcenter),
                        .log = log(m),
                        .command = m.ports.vcenter_command(),
                        .host_channel = m.ports.host_channel(),
                        .operators = operators(m),
                        .datastore = kDatastore,
                        .administrator_password_file = m.path("client/admin.password")};
  for (int i = 0; i < m.options.hosts; ++i) {
    vcenter.hosts.push_back({host_name(i), m.public_keys.at("esxi/" + host_name(i)), kHostCluster});
    TRY(write_config(
        m, host_name(i),
        to_toml(HostConfig{.part = part(m, host_name(i)),
                           .log = log(m),
                           .vcenter = kVcenter,
                           .channel = m.ports.host_channel(),
                           .channel_key = m.public_keys.at(std::string("vcenter/") + kVcenter),
                           .datastore = m.path(std::string("datastore/") + kDatastore)})));
  }
  TRY(write_config(m, kVcenter, to_toml(vcenter)));
  return write_config(
      m, "up",
      to_toml(UpConfig{m.options.port_base, static_cast<std::uint64_t>(m.options.replicas),
                       static_cast<std::uint64_t>(m.options.hosts)}));
}

}  // namespace

Result<void> make_first_start(const UpOptions& options, Random& random) {
  Making m{options, random, Ports(options.port_base), {}, {}};
  TRY(make_folders(m));
  TRY(make_part_identity(m, "eventstore", "eventstore/store-1"));
  for (int i = 0; i < options.replicas; ++i)
    TRY(make_part_identity(m, kms_name(i), "kms/" + kms_name(i)));
  TRY(make_part_identity(m, kVcenter, std::string("vcenter/") + kVcenter));
  for (int i = 0; i < options.hosts; ++i)
    TRY(make_part_identity(m, host_name(i), "esxi/" + host_name(i)));
  TRY(make_client_identity(m, "operator/cli", "client/operator.key"));
  TRY(make_client_identity(m, "siem/subscriber", "client/subscriber.key"));
  TRY(make_kmip_client(m));
  return write_configs(m);
}

Result<Endpoints> endpoints_of(const UpOptions& options) {
  const std::string& data = options.data;
  const Ports ports(options.port_base);
  const EventstoreConfig store = TRY(read_eventstore_config(data + "/config/eventstore.toml"));
  std::map<std::string, std::string> public_keys;
  for (const IdentityConfig& identity : store.identities) public_keys[identity.name] = identity.key;
  const VcenterConfig vcenter = TRY(read_vcenter_config(data + "/config/" + kVcenter + ".toml"));

  Endpoints x;
  x.data = data;
  x.log = {.id = "",
           .append = store.append,
           .live = store.live,
           .read = store.read,
           .command = store.command,
           .server_key = vcenter.log.server_key,
           .checkpoint_key = ""};
  x.operator_identity = {"operator/cli", data + "/client/operator.key"};
  x.subscriber = {"siem/subscriber", data + "/client/subscriber.key"};
  for (int i = 0; i < options.replicas; ++i) {
    const std::string name = kms_name(i);
    x.kms.push_back({.name = name,
                     .address = "127.0.0.1",
                     .port = ports.kmip(i),
                     .command = ports.kms_command(i),
                     .keyring = ports.keyring(i),
                     .server_key = public_keys["kms/" + name],
                     .certificate = data + "/" + name + "/server.pem"});
  }
  x.kmip_client = {data + "/client/kmip.pem", data + "/client/kmip.key", data + "/ca.pem"};
  x.vcenter = {.name = kVcenter,
               .address = "127.0.0.1",
               .port = ports.vcenter_https(),
               .user = kAdministrator,
               .password_file = vcenter.administrator_password_file,
               .ca = data + "/ca.pem",
               .command = vcenter.command,
               .host_channel = vcenter.host_channel,
               .server_key = public_keys[std::string("vcenter/") + kVcenter]};
  for (int i = 0; i < options.hosts; ++i) x.hosts.push_back({host_name(i), 0});
  x.datastores.push_back({kDatastore, data + "/datastore/" + kDatastore});
  return x;
}

}  // namespace keytrail::cli
