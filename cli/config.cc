#include "cli/config.h"

#include <toml++/toml.h>

#include <sstream>

#include "bus/secret/file.h"
#include "cli/up/ports.h"

namespace keytrail::cli {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;

// Reads members of one table and remembers the first that is missing or of the wrong kind.
class Reader {
 public:
  Reader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  [[nodiscard]] std::string text(std::string_view key) { return need<std::string>(key, "a text"); }
  [[nodiscard]] std::uint64_t number(std::string_view key) {
    const auto value = need<std::int64_t>(key, "a number");
    if (value < 0) fail(key, "a number that is not negative");
    return static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t least,
                                     std::uint64_t most) {
    const std::uint64_t value = number(key);
    if (value < least || value > most) {
      fail(key, "a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
  }
  [[nodiscard]] std::uint16_t port(std::string_view key) {
    const std::uint64_t value = number(key);
    if (value == 0 || value > 65'535) fail(key, "a port, 1 to 65535");
    return static_cast<std::uint16_t>(value);
  }
  [[nodiscard]] bool flag(std::string_view key) { return need<bool>(key, "true or false"); }
  // Of a key that older files do not have.
  [[nodiscard]] bool flag(std::string_view key, bool if_absent) {
    return table_.contains(key) ? flag(key) : if_absent;
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> values;
    const toml::array* array = table_[key].as_array();
    if (array == nullptr) fail(key, "a list of texts");
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
      const auto value = (*array)[i].value<std::string>();
      if (!value.has_value()) fail(key, "a list of texts");
      values.push_back(value.value_or(""));
    }
    return values;
  }
  template <class Item, class Read>
  [[nodiscard]] std::vector<Item> tables(std::string_view key, Read read) {
    std::vector<Item> items;
    const toml::array* array = table_[key].as_array();
    // None at all is an empty list; [x] where [[x]] was meant is not.
    if (array == nullptr && table_.contains(key)) fail(key, "a list of tables: [[…]]");
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
      const toml::table* table = (*array)[i].as_table();
      if (table == nullptr) {
        fail(key, "a list of tables");
        break;
      }
      Reader reader(*table, where_ + ", " + std::string(key) + " " + std::to_string(i + 1));
      items.push_back(read(reader));
      if (wrong_.empty()) wrong_ = reader.wrong_;
    }
    return items;
  }
  template <class Item, class Read>
  [[nodiscard]] Item table(std::string_view key, Read read) {
    const toml::table* table = table_[key].as_table();
    static const toml::table kNone;
    if (table == nullptr) fail(key, "a table");
    Reader reader(table == nullptr ? kNone : *table, where_ + ", " + std::string(key));
    Item item = read(reader);
    if (wrong_.empty()) wrong_ = reader.wrong_;
    return item;
  }

  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  template <class T>
  T need(std::string_view key, std::string_view kind) {
    const auto value = table_[key].value<T>();
    if (!value.has_value()) fail(key, kind);
    return value.value_or(T{});
  }
  void fail(std::string_view key, std::string_view expected) {
    if (!wrong_.empty()) return;
    wrong_ = where_ + ": '" + std::string(key) + "' must be " + std::string(expected);
  }

  const toml::table& table_;
  const std::string where_;
  std::string wrong_;
};

PartConfig read_part(Reader& r) { return {r.text("name"), r.text("data"), r.text("unlock")}; }
LogConfig read_log(Reader& r) {
  return {r.text("append"), r.text("live"), r.text("read"), r.text("server_key")};
}
PeerConfig read_peer(Reader& r) { return {r.text("name"), r.text("key")}; }

template <class Config, class Read>
Result<Config> read_config(const std::string& file, Read read) {
  OsFileSystem files;
  const Bytes bytes = TRY(read_file(files, file, kBytesMax));
  toml::table table;
  try {
    table = toml::parse(as_text(bytes), file);
  } catch (const toml::parse_error& error) {
    std::ostringstream text;
    text << file << ", line " << error.source().begin.line << ": " << error.description();
    return Error{ErrorCode::kInvalid, text.str()};
  }
  Reader reader(table, file);
  Config config = read(reader);
  if (!reader.wrong().empty()) return Error{ErrorCode::kInvalid, reader.wrong()};
  return config;
}

toml::array to_array(const std::vector<std::string>& texts) {
  toml::array array;
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

toml::array to_array(const std::vector<PeerConfig>& peers) {
  toml::array array;
  for (const PeerConfig& peer : peers) {
    array.push_back(toml::table{{"name", peer.name}, {"key", peer.public_key}});
  }
  return array;
}

toml::table start(const PartConfig& part) {
  return toml::table{{"name", part.name}, {"data", part.data}, {"unlock", part.unlock}};
}

toml::table to_table(const LogConfig& log) {
  return toml::table{{"append", log.append},
                     {"live", log.live},
                     {"read", log.read},
                     {"server_key", log.server_key}};
}

std::string print(const toml::table& table) {
  std::ostringstream text;
  text << "# Written by `keytrail up` at its first start; edit it while the part is stopped.\n"
       << table << "\n";
  return text.str();
}

}  // namespace

Result<UpConfig> read_up_config(const std::string& file) {
  return read_config<UpConfig>(file, [](Reader& r) {
    return UpConfig{r.port("port_base"), r.number("replicas", 1, Ports::kReplicasMax),
                    r.number("hosts", 1, Ports::kHostsMax)};
  });
}

Result<EventstoreConfig> read_eventstore_config(const std::string& file) {
  return read_config<EventstoreConfig>(file, [](Reader& r) {
    return EventstoreConfig{.part = read_part(r),
                            .append = r.text("append"),
                            .live = r.text("live"),
                            .read = r.text("read"),
                            .command = r.text("command"),
                            .identities = r.tables<IdentityConfig>("identity", [](Reader& i) {
                              return IdentityConfig{i.text("name"), i.text("key"),
                                                    i.texts("prefixes"), i.texts("topics"),
                                                    i.texts("sockets")};
                            })};
  });
}

Result<KmsConfig> read_kms_config(const std::string& file) {
  return read_config<KmsConfig>(file, [](Reader& r) {
    return KmsConfig{
        .part = read_part(r),
        .log = r.table<LogConfig>("log", read_log),
        .cluster = r.text("cluster"),
        .kmip_address = r.text("kmip_address"),
        .kmip_port = r.port("kmip_port"),
        .keyring = r.text("keyring"),
        .command = r.text("command"),
        .operators = r.tables<PeerConfig>("operator", read_peer),
        .peers = r.tables<KeyringPeer>("peer",
                                       [](Reader& p) {
                                         return KeyringPeer{p.text("name"), p.text("keyring")};
                                       }),
        .host_names = r.texts("host_names"),
        .founds = r.flag("founds", true),
        .record_reads = r.flag("record_reads"),
        .when_log_is_away = r.text("when_log_is_away"),
        .log_lost_ms = r.number("log_lost_ms"),
        .shred_interval_ms = r.number("shred_interval_ms")};
  });
}

Result<VcenterConfig> read_vcenter_config(const std::string& file) {
  return read_config<VcenterConfig>(file, [](Reader& r) {
    return VcenterConfig{.part = read_part(r),
                         .log = r.table<LogConfig>("log", read_log),
                         .command = r.text("command"),
                         .host_channel = r.text("host_channel"),
                         .operators = r.tables<PeerConfig>("operator", read_peer),
                         .hosts = r.tables<HostEntry>(
                             "host",
                             [](Reader& h) {
                               return HostEntry{h.text("name"), h.text("key"), h.text("cluster")};
                             }),
                         .datastore = r.text("datastore"),
                         .administrator_password_file = r.text("administrator_password_file")};
  });
}

Result<HostConfig> read_host_config(const std::string& file) {
  return read_config<HostConfig>(file, [](Reader& r) {
    return HostConfig{.part = read_part(r),
                      .log = r.table<LogConfig>("log", read_log),
                      .vcenter = r.text("vcenter"),
                      .channel = r.text("channel"),
                      .channel_key = r.text("channel_key"),
                      .datastore = r.text("datastore")};
  });
}

std::string to_toml(const UpConfig& config) {
  toml::table table;
  table.insert("port_base", config.port_base);
  table.insert("replicas", static_cast<std::int64_t>(config.replicas));
  table.insert("hosts", static_cast<std::int64_t>(config.hosts));
  return print(table);
}

std::string to_toml(const EventstoreConfig& config) {
  toml::table table = start(config.part);
  table.insert("append", config.append);
  table.insert("live", config.live);
  table.insert("read", config.read);
  table.insert("command", config.command);
  toml::array identities;
  for (const IdentityConfig& identity : config.identities) {
    identities.push_back(toml::table{{"name", identity.name},
                                     {"key", identity.key},
                                     {"prefixes", to_array(identity.prefixes)},
                                     {"topics", to_array(identity.topics)},
                                     {"sockets", to_array(identity.sockets)}});
  }
  table.insert("identity", identities);
  return print(table);
}

std::string to_toml(const KmsConfig& config) {
  toml::table table = start(config.part);
  table.insert("log", to_table(config.log));
  table.insert("cluster", config.cluster);
  table.insert("kmip_address", config.kmip_address);
  table.insert("kmip_port", config.kmip_port);
  table.insert("keyring", config.keyring);
  table.insert("command", config.command);
  table.insert("operator", to_array(config.operators));
  toml::array peers;
  for (const KeyringPeer& peer : config.peers) {
    peers.push_back(toml::table{{"name", peer.name}, {"keyring", peer.keyring}});
  }
  table.insert("peer", peers);
  table.insert("host_names", to_array(config.host_names));
  table.insert("founds", config.founds);
  table.insert("record_reads", config.record_reads);
  table.insert("when_log_is_away", config.when_log_is_away);
  table.insert("log_lost_ms", static_cast<std::int64_t>(config.log_lost_ms));
  table.insert("shred_interval_ms", static_cast<std::int64_t>(config.shred_interval_ms));
  return print(table);
}

std::string to_toml(const VcenterConfig& config) {
  toml::table table = start(config.part);
  table.insert("log", to_table(config.log));
  table.insert("command", config.command);
  table.insert("host_channel", config.host_channel);
  table.insert("operator", to_array(config.operators));
  toml::array hosts;
  for (const HostEntry& host : config.hosts) {
    hosts.push_back(toml::table{{"name", host.name}, {"key", host.key}, {"cluster", host.cluster}});
  }
  table.insert("host", hosts);
  table.insert("datastore", config.datastore);
  table.insert("administrator_password_file", config.administrator_password_file);
  return print(table);
}

std::string to_toml(const HostConfig& config) {
  toml::table table = start(config.part);
  table.insert("log", to_table(config.log));
  table.insert("vcenter", config.vcenter);
  table.insert("channel", config.channel);
  table.insert("channel_key", config.channel_key);
  table.insert("datastore", config.datastore);
  return print(table);
}

}  // namespace keytrail::cli
