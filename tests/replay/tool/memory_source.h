// A log in memory, stamped the way the orderer does: the twin of FactSource for tests.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "bus/events/codec.h"
#include "replay/tool/fact_source.h"

namespace keytrail::replay {

class MemorySource final : public FactSource {
 public:
  static Bytes log_id() { return Bytes(16, 7); }

  // One second after the fact before.
  void add(Event event, std::string user = "alice", std::string stream = "part/test/any") {
    const bool is_change = effect_of(event) == Effect::kChange;
    auto& [version, last] = streams_[stream];
    version += is_change ? 1 : 0;
    const Position position = facts_.size() + 1;
    const Stamp stamp{.position = position,
                      .time = position * 1'000'000'000,
                      .author_epoch = 1,
                      .request = position,
                      .version = version,
                      .previous_in_stream = last,
                      .author = "part/test",
                      .previous = leaf_};
    last = position;
    const Bytes body = encode_body({.stream = std::move(stream),
                                    .user = std::move(user),
                                    .origin = {},
                                    .action = {},
                                    .attachments = {},
                                    .event = std::move(event)})
                           .value();
    const auto encoded = encode_stamp(stamp);
    leaf_ = leaf_of(encoded, body);
    facts_.push_back({to_bytes(encoded), body});
  }
  [[nodiscard]] std::vector<StoredFact>& facts() { return facts_; }

  [[nodiscard]] Result<Position> head() override { return facts_.size(); }
  [[nodiscard]] Result<void> read(Position after, Position until, const Visitor& visit) override {
    for (Position at = after; at < until && at < facts_.size(); ++at) {
      ++facts_read_;
      if (!visit(facts_[at])) break;
    }
    return {};
  }
  [[nodiscard]] Result<Position> position_before(TimeNs time) override {
    Position before = 0;
    while (before < facts_.size() && decode_stamp(facts_[before].stamp).value().time < time) {
      ++before;
    }
    return before;
  }
  // How many `read` gave.
  [[nodiscard]] std::size_t facts_read() const { return facts_read_; }

 private:
  std::vector<StoredFact> facts_;
  std::size_t facts_read_ = 0;
  std::map<std::string, std::pair<std::uint64_t, Position>> streams_;
  Hash leaf_ = genesis_of(log_id());
};

}  // namespace keytrail::replay
