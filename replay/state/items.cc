#include "replay/state/items.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "bus/events/facets.h"
#include "bus/events/json.h"
#include "bus/events/shown.h"
#include "bus/events/words.h"

namespace keytrail::replay {
namespace {

// The kinds, in the order of reading.
constexpr std::array<std::string_view, 14> kKinds = {
    "part",  "identity", "replica",    "client", "key",  "provider", "user",
    "group", "role",     "permission", "entity", "host", "vm",       "disk"};

std::size_t rank_of(std::string_view kind) {
  return static_cast<std::size_t>(std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin());
}

std::string or_none(std::string text) { return text.empty() ? "none" : std::move(text); }
std::string yes_no(bool value) { return value ? "yes" : "no"; }

void add_installation(std::vector<Item>& items, const State& state) {
  for (const auto& [name, epoch] : state.parts) {
    items.push_back(
        {"part", "", name, {{"epoch", epoch == 0 ? "stopped" : std::to_string(epoch)}}});
  }
  for (const auto& [name, topics] : state.identities) {
    items.push_back({"identity", "", name, {{"topics", list_of(topics)}}});
  }
  for (const auto& [id, disk] : state.disks) {
    items.push_back({"disk",
                     disk.host,
                     id,
                     {{"vm", disk.vm},
                      {"bytes", std::to_string(disk.bytes)},
                      {"cipher", or_none(disk.cipher)},
                      {"key", or_none(to_string(disk.key))},
                      {"DEK fingerprint", or_none(disk.dek_fingerprint)}}});
  }
}

// Who holds a key: "host-1 since …", of hosts that run now.
std::vector<std::string> holders_of(const State& state, const std::string& id) {
  std::vector<std::string> holders;
  for (const auto& [name, host] : state.hosts) {
    for (const auto& [key, since] : host.held) {
      if (key.id == id) holders.push_back(say({name, " since ", to_rfc3339(since)}));
    }
  }
  return holders;
}

Item item_of(const State& state, const std::string& cluster, const std::string& id,
             const KeyObject& key) {
  std::vector<std::string> releases;
  for (const auto& [client, count] : key.releases) {
    releases.push_back(say({client, " ", std::to_string(count), "x"}));
  }
  std::vector<std::string> shredded;
  for (const auto& [name, replica] : state.clusters.at(cluster).replicas) {
    if (key.destroyed_at != 0 && replica.shredded_through >= key.destroyed_at) {
      shredded.push_back(name);
    }
  }
  return {"key",
          cluster,
          id,
          {{"state", std::string(word_of(key.state))},
           {"type", std::string(word_of(key.type))},
           {"bits", std::to_string(key.length_bits)},
           {"owner", key.owner},
           {"names", list_of(key.names)},
           {"created", to_rfc3339(key.created)},
           {"destroyed", key.destroyed == 0 ? "no" : to_rfc3339(key.destroyed)},
           {"shredded by", list_of(shredded)},
           {"released to", list_of(releases, "nobody")},
           {"held by", list_of(holders_of(state, id), "no host")}}};
}

void add_cluster(std::vector<Item>& items, const State& state, const std::string& name,
                 const Cluster& cluster) {
  for (const auto& [replica, known] : cluster.replicas) {
    items.push_back({"replica",
                     name,
                     replica,
                     {{"member", known.retired ? "retired" : "yes"},
                      {"shredded through", std::to_string(known.shredded_through)}}});
  }
  for (const auto& [client, known] : cluster.clients) {
    items.push_back(
        {"client",
         name,
         client,
         {{"group", or_none(known.group)}, {"certificates", list_of(known.certificates)}}});
  }
  for (const auto& [id, key] : cluster.keys) items.push_back(item_of(state, name, id, key));
}

Item item_of(const std::string& vcenter, const std::string& name, const Provider& provider,
             bool is_default) {
  std::vector<std::string> servers;
  for (const vcenter::KmipServer& server : provider.servers) {
    servers.push_back(say({server.name, " ", server.address, ":", std::to_string(server.port),
                           provider.trusted.contains(server.name) ? "" : " (not trusted)"}));
  }
  return {"provider",
          vcenter,
          name,
          {{"default", yes_no(is_default)},
           {"servers", list_of(servers)},
           {"vendor", or_none(provider.vendor)}}};
}

void add_rights(std::vector<Item>& items, const std::string& scope, const VCenter& vcenter) {
  for (const std::string& user : vcenter.users) items.push_back({"user", scope, user, {}});
  for (const auto& [group, members] : vcenter.groups) {
    items.push_back({"group", scope, group, {{"members", list_of(members)}}});
  }
  for (const auto& [role, known] : vcenter.roles) {
    items.push_back({"role", scope, role, {{"privileges", list_of(known.privileges)}}});
  }
  for (const auto& [where, permission] : vcenter.permissions) {
    const auto& [entity, principal] = where;
    items.push_back(
        {"permission",
         scope,
         say({principal.is_group ? "group " : "user ", principal.name, " on ", or_root(entity)}),
         {{"role", permission.role}, {"inherited", yes_no(permission.propagates)}}});
  }
}

void add_vcenter(std::vector<Item>& items, const std::string& scope, const VCenter& vcenter) {
  for (const auto& [name, provider] : vcenter.providers) {
    items.push_back(item_of(scope, name, provider, name == vcenter.default_provider));
  }
  add_rights(items, scope, vcenter);
  for (const auto& [name, entity] : vcenter.inventory) {
    items.push_back(
        {"entity",
         scope,
         name,
         {{"kind", std::string(word_of(entity.kind))},
          {"below", std::string(or_root(entity.parent))}}});
  }
  for (const auto& [name, vm] : vcenter.vms) {
    items.push_back({"vm",
                     scope,
                     name,
                     {{"host", vm.host},
                      {"encryption key", vm.key ? to_string(*vm.key) : "none"},
                      {"power", std::string(word_of(vm.power))},
                      {"locked", yes_no(vm.locked)},
                      {"running", or_none(vm.running)}}});
  }
}

void add_hosts(std::vector<Item>& items, const State& state) {
  for (const auto& [name, host] : state.hosts) {
    std::vector<std::string> held;
    for (const auto& [key, since] : host.held) held.push_back(to_string(key));
    items.push_back({"host",
                     "",
                     name,
                     {{"mode", std::string(word_of(host.mode))},
                      {"host key", or_none(to_string(host.host_key))},
                      {"boot", or_none(host.boot)},
                      {"holds keys", list_of(held)}}});
  }
}

auto order_of(const Item& item) { return std::tie(item.scope, item.name); }

bool comes_before(const Item& a, const Item& b) {
  const std::size_t rank_a = rank_of(a.kind);
  const std::size_t rank_b = rank_of(b.kind);
  return rank_a != rank_b ? rank_a < rank_b : order_of(a) < order_of(b);
}

std::vector<PropertyChange> changes_between(const Item& before, const Item& after) {
  std::vector<PropertyChange> changes;
  for (std::size_t i = 0; i < after.properties.size(); ++i) {  // One kind, the same properties.
    const auto& [name, now] = after.properties[i];
    const std::string& then = before.properties[i].second;
    if (now != then) changes.push_back({name, then, now});
  }
  return changes;
}

std::string title_of(const Item& item) {
  return say({item.kind, " ", item.name, item.scope.empty() ? "" : " (", item.scope,
              item.scope.empty() ? "" : ")"});
}

std::string properties_of(const Item& item) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : item.properties) texts.push_back(say({name, " ", value}));
  return texts.empty() ? "" : ": " + list_of(texts);
}

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(const Item& item) {
  Members members = {{"kind", item.kind}, {"scope", item.scope}, {"name", item.name}};
  members.insert(members.end(), item.properties.begin(), item.properties.end());
  return members;
}

}  // namespace

std::vector<Item> items_of(const State& state) {
  std::vector<Item> items;
  add_installation(items, state);
  for (const auto& [name, cluster] : state.clusters) add_cluster(items, state, name, cluster);
  for (const auto& [name, vcenter] : state.vcenters) add_vcenter(items, name, vcenter);
  add_hosts(items, state);
  std::sort(items.begin(), items.end(), comes_before);
  return items;
}

std::vector<Change> diff(const State& before, const State& after) {
  const std::vector<Item> olds = items_of(before);
  const std::vector<Item> news = items_of(after);
  std::vector<Change> changes;
  auto old_item = olds.begin();
  auto new_item = news.begin();
  while (old_item != olds.end() || new_item != news.end()) {
    if (new_item == news.end() || (old_item != olds.end() && comes_before(*old_item, *new_item))) {
      changes.push_back({ChangeKind::kRemoved, *old_item++, {}});
    } else if (old_item == olds.end() || comes_before(*new_item, *old_item)) {
      changes.push_back({ChangeKind::kAdded, *new_item++, {}});
    } else {
      auto properties = changes_between(*old_item++, *new_item);
      if (!properties.empty()) {
        changes.push_back({ChangeKind::kChanged, *new_item, std::move(properties)});
      }
      ++new_item;
    }
  }
  return changes;
}

std::vector<std::string> state_lines(const State& state) {
  std::vector<std::string> lines = {
      say({"state at ", std::to_string(state.position), ", ", to_rfc3339(state.time)})};
  std::string_view kind;
  const std::vector<Item> items = items_of(state);
  for (const Item& item : items) {
    if (item.kind != kind) {
      kind = item.kind;
      lines.push_back("");
    }
    lines.push_back(printable(title_of(item) + properties_of(item)));
  }
  return lines;
}

std::vector<std::string> state_jsonl(const State& state) {
  std::vector<std::string> lines = {json_object(
      {{"position", std::to_string(state.position)}, {"time", to_rfc3339(state.time)}})};
  for (const Item& item : items_of(state)) lines.push_back(json_object(members_of(item)));
  return lines;
}

std::vector<std::string> diff_lines(const State& before, const State& after) {
  std::vector<std::string> lines;
  for (const Change& change : diff(before, after)) {
    const std::string title = title_of(change.item);
    switch (change.kind) {
      case ChangeKind::kAdded:
        lines.push_back(printable("+ " + title + properties_of(change.item)));
        break;
      case ChangeKind::kRemoved:
        lines.push_back(printable("- " + title));
        break;
      case ChangeKind::kChanged:
        for (const auto& [property, then, now] : change.properties) {
          lines.push_back(printable(say({"~ ", title, ": ", property, ": ", then, " -> ", now})));
        }
        break;
    }
  }
  return lines;
}

std::vector<std::string> diff_jsonl(const State& before, const State& after) {
  std::vector<std::string> lines;
  for (const Change& change : diff(before, after)) {
    switch (change.kind) {
      case ChangeKind::kAdded:
      case ChangeKind::kRemoved: {
        Members members = members_of(change.item);
        const bool added = change.kind == ChangeKind::kAdded;
        members.insert(members.begin(), {"change", added ? "added" : "removed"});
        lines.push_back(json_object(members));
        break;
      }
      case ChangeKind::kChanged:
        for (const auto& [property, then, now] : change.properties) {
          lines.push_back(json_object({{"change", "changed"},
                                       {"kind", change.item.kind},
                                       {"scope", change.item.scope},
                                       {"name", change.item.name},
                                       {"property", property},
                                       {"before", then},
                                       {"after", now}}));
        }
        break;
    }
  }
  return lines;
}

}  // namespace keytrail::replay
