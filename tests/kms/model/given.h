// Given: a cluster's log in a few lines: events in order, stamped like the orderer would.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "bus/events/codec.h"
#include "kms/model/draft.h"

namespace keytrail::kms::test {

inline constexpr TimeNs kSecond = 1'000'000'000;

class Given {
 public:
  Given() {
    fact(ClusterCreated{.cluster = "c", .replica = "kms-1"});
    fact(ClientEnrolled{.client = "vc-1", .group = "vcenter", .certificates = {hash(1)}});
    fact(ClientEnrolled{.client = "vc-2", .group = "vcenter", .certificates = {hash(2)}});
    fact(ClientEnrolled{.client = "db", .group = "", .certificates = {hash(3)}});
  }

  static Hash hash(std::uint8_t mark) {
    Hash hash{};
    hash.fill(mark);
    return hash;
  }

  Given& fact(Event event) {
    now += kSecond;
    const bool change = std::visit(
        [](const auto& x) { return std::decay_t<decltype(x)>::kEffect == Effect::kChange; }, event);
    Fact fact;
    fact.body.stream = stream_of(scope, event);
    fact.body.event = std::move(event);
    fact.stamp.position = ++position;
    fact.stamp.time = now;
    fact.stamp.author = "kms/kms-1";
    std::uint64_t& version = versions[fact.body.stream];
    fact.stamp.version = version += change ? 1 : 0;
    if (change) evolve(state, fact);  // Notes reach no replica.
    return *this;
  }
  Given& key(const std::string& id, const std::string& owner = "group/vcenter") {
    return fact(ObjectCreated{.object = id,
                              .algorithm = 3,
                              .length_bits = 256,
                              .usage_mask = 12,
                              .format = 1,
                              .owner = owner,
                              .leaf = next_leaf++});
  }
  Given& active_key(const std::string& id) {
    return key(id).fact(KeyActivated{.object = id, .activation_date = now});
  }

  [[nodiscard]] Draft draft() const { return Draft(state, scope, now); }
  [[nodiscard]] const Client& client(const std::string& name) const { return *state.client(name); }
  [[nodiscard]] Read read(const std::string& stream) const {
    const auto found = versions.find(stream);
    return {.stream = stream, .version = found == versions.end() ? 0 : found->second};
  }

  Scope scope{.cluster = "c", .replica = "kms-1"};
  State state;
  Position position = 0;
  TimeNs now = 1000 * kSecond;
  std::uint64_t next_leaf = 0;
  std::map<std::string, std::uint64_t> versions;
};

// Whether the log takes what a draft recorded.
inline bool can_be_recorded(const Draft& draft) {
  return std::all_of(draft.recorded().begin(), draft.recorded().end(), [&](const Recorded& one) {
    Body body;
    body.stream = stream_of(draft.scope(), one.event);
    body.event = one.event;
    const auto encoded = encode_body(body);
    return encoded.ok() && decode_body(*encoded).ok();
  });
}

// The events that a draft recorded, without their attachments.
inline std::vector<Event> events_of(const Draft& draft) {
  std::vector<Event> events;
  for (const Recorded& recorded : draft.recorded()) events.push_back(recorded.event);
  return events;
}

}  // namespace keytrail::kms::test
