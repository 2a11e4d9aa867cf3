#include "tests/architecture/layers.h"

#include <algorithm>
#include <functional>
#include <set>

namespace keytrail::architecture {
namespace {

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool is_below(const std::string& folder, const std::string& top) {
  return folder == top || starts_with(folder, top + "/");
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool is_generated(const std::string& target) {
  return target.size() > 8 && target.compare(target.size() - 8, 8, ".capnp.h") == 0;
}

bool has_no_row(const std::string& folder) {
  return is_below(folder, "cli") || is_below(folder, "tests");
}

const Layer* row_of(const std::string& folder) {
  for (const Layer& layer : layers()) {
    if (layer.folder == folder) return &layer;
  }
  return nullptr;
}

std::string at(const std::string& path, const Include& include) {
  return path + ":" + std::to_string(include.line) + " includes " + include.target + ": ";
}

// A header of the system or of the language, and of no library.
bool is_system(const std::string& target) {
  if (target == "zmq.h" || target == "zmq.hpp") return false;
  const std::size_t slash = target.find('/');
  if (slash == std::string::npos) return true;
  const std::string folder = target.substr(0, slash);
  return folder == "sys" || folder == "netinet" || folder == "arpa" || folder == "linux";
}

// All files that `path` includes, and they include, and so on.
std::set<std::string> reach_of(const SourceTree& tree, const std::string& path) {
  std::set<std::string> reached;
  std::vector<std::string> open = {path};
  while (!open.empty()) {
    const std::string file = open.back();
    open.pop_back();
    const auto found = tree.find(file);
    if (found == tree.end()) continue;
    for (const Include& include : includes_of(found->second)) {
      if (!include.is_system && reached.insert(include.target).second) {
        open.push_back(include.target);
      }
    }
  }
  return reached;
}

// Why `folder` must never reach `target`, however indirectly; empty: it may.
std::string reason_to_stay_apart(const std::string& folder, const std::string& target) {
  const std::string part = folder.substr(0, folder.find('/'));
  const bool is_sibling = part == "kms" || part == "vcenter" || part == "esxi";
  const bool is_leaf = target == "kms/crypto" || target == "kms/kmip";
  for (const char* other : {"kms", "vcenter", "esxi"}) {
    if (is_sibling && part != other && is_below(target, other) && !is_leaf) {
      return "kms, vcenter and esxi meet on the log, never in code";
    }
  }
  const bool is_model = folder == part + "/model";
  if (is_model && target != folder && target != "bus/events" && target != "bus/secret") {
    return "a model is pure: it knows facts and itself";
  }
  if (is_below(folder, "bus") && !is_below(target, "bus")) return "the bus knows no part";
  if (is_sibling && (is_below(target, "eventstore") || is_below(target, "replay"))) {
    return "a part knows the log by the bus alone";
  }
  return "";
}

}  // namespace

const std::vector<Layer>& layers() {
  static const std::vector<Layer> kLayers = {
      {"bus/secret", {}},
      {"bus/events", {"bus/secret"}},
      {"bus/proof", {"bus/events", "bus/secret"}},
      {"bus/protocol", {"bus/events", "bus/secret"}},
      {"bus/wire", {"bus/events", "bus/protocol", "bus/secret"}},
      {"bus/client", {"bus/wire", "bus/events", "bus/protocol", "bus/secret"}},
      {"eventstore/model", {"bus/events", "bus/secret"}},
      {"eventstore/order", {"bus/events", "bus/secret", "bus/protocol", "eventstore/model"}},
      {"eventstore/log", {"bus/events", "bus/proof", "bus/secret"}},
      {"eventstore/service",
       {"eventstore/model", "eventstore/order", "eventstore/log", "bus/secret", "bus/events",
        "bus/proof", "bus/protocol", "bus/wire", "bus/client"}},
      {"kms/crypto", {"bus/secret"}},
      {"kms/kmip", {"bus/secret"}},
      {"kms/keyring", {"kms/crypto", "bus/secret"}},
      {"kms/model", {"bus/events", "bus/secret"}},
      {"kms/service",
       {"kms/model", "kms/keyring", "kms/kmip", "kms/crypto", "bus/secret", "bus/events",
        "bus/protocol", "bus/wire", "bus/client"}},
      {"vcenter/model", {"bus/events", "bus/secret"}},
      {"vcenter/service",
       {"vcenter/model", "kms/kmip", "kms/crypto", "bus/secret", "bus/events", "bus/protocol",
        "bus/wire", "bus/client"}},
      {"esxi/model", {"bus/events", "bus/secret"}},
      {"esxi/disk", {"kms/crypto", "bus/secret"}},
      {"esxi/service",
       {"esxi/model", "esxi/disk", "kms/crypto", "bus/secret", "bus/events", "bus/protocol",
        "bus/wire", "bus/client"}},
      {"replay/audit", {"bus/events", "bus/secret"}},
      {"replay/state", {"bus/events", "bus/secret", "kms/model", "vcenter/model", "esxi/model"}},
      {"replay/tool",
       {"replay/audit", "replay/state", "eventstore/log", "bus/client", "bus/events", "bus/proof",
        "bus/secret"}},
  };
  return kLayers;
}

const std::vector<ThirdParty>& third_parties() {
  static const std::vector<ThirdParty> kThirdParties = {
      {"openssl/", {"bus/secret", "kms/crypto", "kms/kmip", "kms/service"}},
      {"capnp/", {"bus/events", "bus/protocol"}},
      {"kj/", {"bus/events", "bus/protocol"}},
      {"boost/json",
       {"bus/events", "bus/wire", "bus/client", "eventstore/service", "kms/service",
        "vcenter/service", "esxi/service", "cli"}},
      {"boost/asio", {"kms/kmip", "kms/service"}},
      {"zmq.h", {"bus/wire"}},
      {"rocksdb/", {"eventstore/log"}},
      {"spdlog/", {"eventstore/service", "kms/service", "vcenter/service", "esxi/service", "cli"}},
      {"fmt/", {"cli"}},
      {"CLI/", {"cli"}},
      {"toml++/", {"cli"}},
  };
  return kThirdParties;
}

std::vector<std::string> breaches_of_layers(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    const std::string folder = folder_of(path);
    const Layer* const row = row_of(folder);
    if (row == nullptr && !has_no_row(folder)) {
      breaches.push_back(path + ": its folder has no row in the table of layers");
      continue;
    }
    for (const Include& include : includes_of(text)) {
      if (include.is_system) continue;
      const std::string target = folder_of(include.target);
      if (target == folder) continue;
      const bool into_program =
          has_no_row(target) && !is_below(target, folder.substr(0, folder.find('/')));
      if (into_program && !is_below(folder, "tests")) {
        breaches.push_back(at(path, include) + "nothing includes the program or its tests");
      } else if (row != nullptr && !contains(row->may_include, target)) {
        breaches.push_back(at(path, include) + folder + " may not include " + target);
      } else if (is_generated(include.target) && !is_below(folder, "tests")) {
        breaches.push_back(at(path, include) + "generated code is its folder's own");
      }
    }
  }
  return breaches;
}

std::vector<std::string> breaches_of_reach(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    const std::string folder = folder_of(path);
    for (const std::string& reached : reach_of(tree, path)) {
      const std::string reason = reason_to_stay_apart(folder, folder_of(reached));
      if (!reason.empty()) breaches.push_back(path + " reaches " + reached + ": " + reason);
    }
  }
  return breaches;
}

std::vector<std::string> breaches_of_third_parties(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    const std::string folder = folder_of(path);
    if (is_below(folder, "tests")) continue;
    const bool is_header = path.back() == 'h';
    for (const Include& include : includes_of(text)) {
      if (is_header && is_generated(include.target)) {
        breaches.push_back(at(path, include) + "a header shows no generated types");
      }
      if (!include.is_system || is_system(include.target)) continue;
      if (is_header) {
        breaches.push_back(at(path, include) + "a header of ours shows no library of others");
        continue;
      }
      const auto& libraries = third_parties();
      const auto library = std::find_if(libraries.begin(), libraries.end(), [&](const auto& x) {
        return starts_with(include.target, x.prefix);
      });
      const bool allowed =
          library != libraries.end() &&
          std::any_of(library->folders.begin(), library->folders.end(),
                      [&](const std::string& top) { return is_below(folder, top); });
      if (!allowed) breaches.push_back(at(path, include) + "not a library of " + folder);
    }
  }
  return breaches;
}

}  // namespace keytrail::architecture
