// World: a log in a test, with an orderer's eyes for guards. Facts go through the model's own fold.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "vcenter/model/vcenter.h"

namespace keytrail::vcenter::test {

inline ActionId action_id(std::uint8_t n) {
  ActionId id;
  id.bytes.fill(n);
  return id;
}

class World {
 public:
  World() { state.vcenter = "vc-1"; }

  State state;
  std::vector<Fact> log;
  TimeNs now = 1'000'000'000;

  // As the orderer does: all guards hold, or nothing is written.
  bool append(const std::string& author, const Decision& decision) {
    for (const auto& [stream, version] : decision.guards) {
      if (versions_[stream] != version) return false;
    }
    for (const Body& body : decision.facts) add(author, body);
    return true;
  }

  // vCenter decides and appends. Gives the events, in order.
  std::vector<vcenter::Event> tell(const Caller& caller, const Command& command) {
    const Decision decision = decide(state, caller, command);
    EXPECT_TRUE(append("vcenter/vc-1", decision)) << "a decision on a fresh state conflicts";
    std::vector<vcenter::Event> events;
    for (const Body& body : decision.facts) events.push_back(std::get<vcenter::Event>(body.event));
    return events;
  }

  void host_says(const std::string& host, const std::string& rest, esxi::Event event,
                 ActionId action = {}) {
    Body body;
    body.stream = "esxi/" + host + "/" + rest;
    body.user = "esxi/" + host;
    body.action = action;
    body.event = std::move(event);
    add("esxi/" + host, body);
  }

  // Everything that vCenter itself owes and can state without I/O.
  void advance() {
    for (int rounds = 0; rounds < 10; ++rounds) {
      bool advanced = false;
      for (const Duty& duty : next(state, now)) {
        if (const auto* step = std::get_if<Advance>(&duty)) {
          tell(caller_of(state.actions.at(step->action)), *step);
          advanced = true;
        } else if (const auto* expiry = std::get_if<Expire>(&duty)) {
          tell(caller_of(state.actions.at(expiry->action)), *expiry);
          advanced = true;
        }
      }
      if (!advanced) return;
    }
    FAIL() << "vCenter goes on for ever";
  }

  // The key server's part: every key that is owed is made.
  void make_keys() {
    for (const Duty& duty : next(state, now)) {
      const auto* make = std::get_if<MakeKey>(&duty);
      if (make == nullptr) continue;
      const KeyId key{make->provider, "key-" + std::to_string(++keys_made_)};
      tell(caller_of(state.actions.at(make->action)), ConcludeKey{make->purpose, key, "kms-1"});
    }
  }

  [[nodiscard]] std::uint64_t version(const std::string& stream) { return versions_[stream]; }

  // Types of the facts from `first` on, joined by spaces: what a test compares.
  [[nodiscard]] std::string types_since(std::size_t first) const {
    std::string text;
    for (std::size_t i = first; i < log.size(); ++i) {
      text += (text.empty() ? "" : " ") + std::string(type_of(log[i].body.event));
    }
    return text;
  }

  // --- a vCenter that has begun, with a provider, two hosts that run, and vm-1 on host-1 ---------
  Caller admin(std::uint8_t n) const { return {.action = action_id(n), .user = kAdministrator}; }
  Caller user(const std::string& name, std::uint8_t n) const {
    return {.action = action_id(n), .user = name};
  }

  void found() {
    tell(admin(200), Found{"credential-0"});
    for (const std::string host : {"host-1", "host-2"}) {
      tell(admin(201), RegisterHost{host, kCluster, "z85"});
      start_host(host, "boot-a");
    }
  }
  void start_host(const std::string& host, const std::string& boot) {
    host_says(host, "boot", esxi::HostStarted{boot, Hash{1}});
  }
  void add_provider(const std::string& name, std::uint8_t n) {
    const std::vector<KmipServer> servers{{name + "-a", "127.0.0.1", 5696},
                                          {name + "-b", "127.0.0.1", 5697}};
    tell(admin(n), AddProvider{name, servers, "credential-" + name, Hash{2}, Bytes{1, 2, 3}});
    tell(admin(static_cast<std::uint8_t>(n + 1)),
         TrustServers{name, {{name + "-a", Hash{3}}, {name + "-b", Hash{4}}}, {}});
    tell(admin(static_cast<std::uint8_t>(n + 1)), ConcludeProbe{name, "Keytrail", "probe-key"});
  }
  void create_vm(const std::string& vm, const std::string& host, std::uint8_t n) {
    tell(admin(n), CreateVm{.vm = vm, .host = host, .disk_bytes = 1 << 20});
    advance();
    host_says(host, "action/" + to_string(action_id(n)), esxi::VmCreationStarted{vm, 0},
              action_id(n));
    host_says(host, "disk/" + vm, esxi::DiskCreated{.vm = vm, .disk = {vm, "f", 1 << 20, 4096, 1}},
              action_id(n));
    advance();
  }
  void make_safe(const std::string& host, std::uint8_t n) {
    tell(admin(n), EnableHost{host, ""});
    make_keys();
    advance();
    const KeyId key = state.hosts[host].ordered->key;
    host_says(host, "boot", esxi::KeyReceived{state.hosts[host].boot, key});
    host_says(host, "mode", esxi::HostModeChanged{HostMode::kSafe, key}, action_id(n));
  }
  void receive(const std::string& host, const KeyId& key) {
    host_says(host, "boot", esxi::KeyReceived{state.hosts[host].boot, key});
  }
  // As a host does that ends in order.
  void erase_all(const std::string& host) {
    const Host ending = state.hosts[host];
    for (const KeyId& key : ending.held) {
      host_says(host, "boot",
                esxi::KeyErased{ending.boot, key, esxi::ErasureReason::kNoLongerNeeded});
    }
  }
  // The host's part of an order: the claim, then the disk.
  void claim(const std::string& host, std::uint8_t n, esxi::Event event) {
    host_says(host, "action/" + to_string(action_id(n)), std::move(event), action_id(n));
  }
  void encrypt(const std::string& vm, const std::string& host, std::uint8_t n) {
    tell(admin(n), EncryptVm{vm, ""});
    make_keys();
    const KeyId key = state.actions[action_id(n)].key;
    receive(host, key);
    advance();
    claim(host, n, esxi::EncryptionStarted{vm, 0});
    host_says(host, "disk/" + vm,
              esxi::DiskEncrypted{.vm = vm, .disk = {vm, "f", 1 << 20, 4096, 2}, .key = key},
              action_id(n));
    advance();
  }

 private:
  void add(const std::string& author, const Body& body) {
    Fact fact;
    fact.body = body;
    fact.stamp.position = log.size() + 1;
    fact.stamp.time = now;
    fact.stamp.author = author;
    std::uint64_t& version = versions_[body.stream];
    if (effect_of(body.event) == Effect::kChange) ++version;
    fact.stamp.version = version;
    log.push_back(fact);
    // vCenter follows changes only.
    if (effect_of(body.event) == Effect::kChange) evolve(state, fact);
  }

  std::map<std::string, std::uint64_t> versions_;
  int keys_made_ = 0;
};

}  // namespace keytrail::vcenter::test
