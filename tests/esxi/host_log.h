// HostLog: a log in memory for tests of the host: it gives positions and versions, and holds guards
// to them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "esxi/model/decision.h"
#include "esxi/model/host.h"

namespace keytrail::esxi {

class HostLog {
 public:
  // A fact by `author`, as the orderer would stamp it.
  Fact append(const std::string& author, Body body) {
    Fact fact{.stamp = {}, .body = std::move(body)};
    fact.stamp.position = ++head_;
    fact.stamp.author = author;
    std::uint64_t& version = versions_[fact.body.stream];
    if (effect_of(fact.body.event) == Effect::kChange) ++version;
    fact.stamp.version = version;
    return fact;
  }

  // The facts of a decision; none if a guard does not hold.
  std::vector<Fact> append(const std::string& author, const Decision& decision) {
    for (const auto& [stream, version] : decision.guards) {
      if (versions_[stream] != version) return {};
    }
    std::vector<Fact> facts;
    for (const Body& body : decision.facts) facts.push_back(append(author, body));
    return facts;
  }

  [[nodiscard]] Position head() const { return head_; }

 private:
  Position head_ = 0;
  std::map<std::string, std::uint64_t> versions_;
};

inline ActionId action(std::uint8_t n) {
  ActionId id;
  id.bytes[15] = n;
  return id;
}

template <class Event>
Body vcenter_fact(std::string stream, ActionId action_id, Event event) {
  Body body;
  body.stream = std::move(stream);
  body.user = "alice";
  body.action = action_id;
  body.event = vcenter::Event(std::move(event));
  return body;
}

}  // namespace keytrail::esxi
