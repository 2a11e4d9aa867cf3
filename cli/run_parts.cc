// `keytrail PART run --config F`: one part alone. Reads its TOML, opens its secrets, wires its
// service together.
#include <spdlog/spdlog.h>

#include <memory>

#include "bus/secret/secret_file.h"
#include "bus/secret/secret_memory.h"
#include "bus/secret/unlock.h"
#include "bus/wire/curve.h"
#include "cli/config.h"
#include "cli/part_commands.h"
#include "cli/stop_signals.h"
#include "esxi/service/host_service.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/service/service.h"
#include "kms/service/replica_service.h"
#include "vcenter/service/vcenter_service.h"

namespace keytrail::cli {
namespace {

// What every part is wired with.
struct Parts {
  OsRandom random;
  SystemClock clock;
  OsFileSystem files;
  int stop = stop_signals();

  Parts() { spdlog::info("{}", to_string(secret_memory())); }
};

wire::LogEndpoints endpoints_of(const LogConfig& log) {
  return {log.append, log.live, log.read, log.server_key};
}

std::vector<wire::AllowedKey> allowed(const std::vector<PeerConfig>& operators) {
  std::vector<wire::AllowedKey> keys;
  for (const PeerConfig& peer : operators)
    keys.push_back({peer.name, peer.public_key, {"command"}});
  return keys;
}

Result<std::unique_ptr<SecretFile>> open_secrets(Parts& parts, const PartConfig& part,
                                                 const std::string& identity) {
  const UnlockSecret unlock = TRY(acquire_unlock(part.unlock));
  return SecretFile::open(parts.files, parts.random, part.data + "/secrets", identity, unlock);
}

Result<wire::CurveKeys> curve_keys(const SecretFile& secrets, const PartConfig& part) {
  const SecretBytes* key = secrets.find("curve");
  if (key == nullptr) {
    return Error{ErrorCode::kNotFound,
                 part.data + "/secrets holds no CURVE key; was it made by `keytrail up`?"};
  }
  return wire::curve_keys_of(key->clone());
}

// The entry `name`, made at the first start.
Result<SecretBytes> own_secret(SecretFile& secrets, const std::string& name, std::size_t size,
                               Random& random) {
  if (secrets.find(name) == nullptr) TRY(secrets.put(name, random.secret(size)));
  return secrets.find(name)->clone();
}

void tell(const std::string& sentence) { spdlog::info("{}", sentence); }

Result<void> eventstore(const EventstoreConfig& config, bool accept_clock) {
  Parts parts;
  const auto secrets = TRY(open_secrets(parts, config.part, "eventstore/" + config.part.name));
  eventstore::ServiceOptions options;
  options.name = config.part.name;
  options.installation = "keytrail";
  options.program_version = KEYTRAIL_VERSION;
  options.endpoints = {config.append, config.live, config.read, config.command};
  options.keys = TRY(curve_keys(*secrets, config.part));
  options.checkpoint_file = config.part.data + "/checkpoint";
  options.checkpoint_key = TRY(own_secret(*secrets, "checkpoint", 32, parts.random));
  for (const IdentityConfig& identity : config.identities) {
    options.identities.push_back(
        {identity.name, identity.key, identity.prefixes, identity.topics, identity.sockets});
  }
  if (accept_clock) options.clock_doubt = eventstore::ClockDoubt::kAccept;
  const auto log = TRY(eventstore::RocksLog::open(config.part.data + "/db", parts.random));
  const auto service =
      TRY(eventstore::Service::start(*log, std::move(options), parts.clock, parts.random));
  return service->run(parts.stop);
}

Result<void> kms(const KmsConfig& config) {
  Parts parts;
  const std::string identity = "kms/" + config.part.name;
  const UnlockSecret unlock = TRY(acquire_unlock(config.part.unlock));
  const auto secrets = TRY(
      SecretFile::open(parts.files, parts.random, config.part.data + "/secrets", identity, unlock));
  kms::ReplicaServiceOptions options;
  options.name = config.part.name;
  options.cluster = config.cluster;
  options.program_version = KEYTRAIL_VERSION;
  options.folder = config.part.data;
  options.log = endpoints_of(config.log);
  options.keys = TRY(curve_keys(*secrets, config.part));
  options.kmip.address = config.kmip_address;
  options.kmip.port = config.kmip_port;
  options.keyring_endpoint = config.keyring;
  options.command_endpoint = config.command;
  for (const KeyringPeer& peer : config.peers) options.peers.push_back({peer.name, peer.keyring});
  options.operators = allowed(config.operators);
  options.host_names = config.host_names;
  options.founds = config.founds;
  options.record_reads = config.record_reads;
  options.when_log_is_away = config.when_log_is_away;
  options.log_lost_ms = config.log_lost_ms;
  options.shred_interval_ms = config.shred_interval_ms;
  options.tell = tell;
  const auto service = TRY(kms::ReplicaService::start(
      std::move(options), {*secrets, unlock, parts.files, parts.clock, parts.random}));
  return service->run(parts.stop);
}

Result<void> vcenter(const VcenterConfig& config) {
  Parts parts;
  const auto secrets = TRY(open_secrets(parts, config.part, "vcenter/" + config.part.name));
  vcenter::VCenterService::Options options;
  options.instance = config.part.name;
  options.program_version = KEYTRAIL_VERSION;
  options.log = endpoints_of(config.log);
  options.command_endpoint = config.command;
  options.host_endpoint = config.host_channel;
  options.last_file = config.part.data + "/last";
  options.administrator_password_file = config.administrator_password_file;
  options.keys = TRY(curve_keys(*secrets, config.part));
  options.operators = allowed(config.operators);
  for (const HostEntry& host : config.hosts)
    options.hosts.push_back({host.name, host.key, host.cluster});
  options.tell = tell;
  vcenter::VCenterService service(std::move(options), *secrets, parts.files, parts.clock,
                                  parts.random);
  TRY(service.start());
  return service.run(parts.stop);
}

Result<void> esxi(const HostConfig& config) {
  Parts parts;
  const auto secrets = TRY(open_secrets(parts, config.part, "esxi/" + config.part.name));
  esxi::HostOptions options{.self = {config.part.name, config.vcenter},
                            .log = endpoints_of(config.log),
                            .channel_endpoint = config.channel,
                            .channel_server_key = config.channel_key,
                            .datastore = config.datastore,
                            .last_file = config.part.data + "/last",
                            .run_folder = config.part.data};
  esxi::HostService service(std::move(options), TRY(curve_keys(*secrets, config.part)),
                            parts.random, parts.clock);
  return service.run(parts.stop);
}

// The one line that says why a part ended; also in its log, which is where one looks later.
Exit end(const char* part, const Result<void>& ended) {
  if (secret_memory().secrets_unlocked > 0) spdlog::warn("{}", to_string(secret_memory()));
  if (ended.ok()) {
    spdlog::info("{}: stopped", part);
    return Exit::kDone;
  }
  spdlog::error("{}: {}", part, ended.error().detail);
  return Exit::kFailed;  // A part waits for those that it cannot reach.
}

// A file that is not this part's is wrong usage, said before there is a log to say it in.
template <class Config, class Perform>
Exit run(const char* part, const Result<Config>& config, Perform perform) {
  return config.ok() ? end(part, perform(*config)) : fail(config.error());
}

}  // namespace

Exit run_eventstore(const StoreRun& store) {
  return run("eventstore", read_eventstore_config(store.config_file),
             [&](const EventstoreConfig& config) {
               return eventstore(config, store.accept_clock);
             });
}
Exit run_kms_replica(const std::string& config_file) {
  return run("kms", read_kms_config(config_file), kms);
}
Exit run_vcenter_part(const std::string& config_file) {
  return run("vcenter", read_vcenter_config(config_file), vcenter);
}
Exit run_esxi(const std::string& config_file) {
  return run("esxi", read_host_config(config_file), esxi);
}

}  // namespace keytrail::cli
