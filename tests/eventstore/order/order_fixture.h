// OrderFixture: an orderer, its disk as a list of batches, and authors that write one line per
// unit.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "bus/secret/sha256.h"
#include "eventstore/order/orderer.h"
#include "tests/support/chain.h"

namespace keytrail::eventstore {

inline constexpr TimeNs kStart = 1'800'000'000'000'000'000;

inline Identity replica_identity(const std::string& instance, char key) {
  return {.name = "kms/" + instance,
          .curve_key = std::string(40, key),
          .prefixes = {"kms/c"},
          .sockets = {"append"}};
}

inline Orderer::Options orderer_options() {
  Orderer::Options options;
  options.genesis.fill(9);
  options.table_key.fill(3);
  options.identities =
      bootstrap({replica_identity("kms-1", 'a'),
                 replica_identity("kms-2", 'b'),
                 {.name = "vcenter/vc-1",
                  .curve_key = std::string(40, 'c'),
                  .prefixes = {"vcenter/vc-1"},
                  .sockets = {"append"}},
                 {.name = "eventstore/store-1",
                  .curve_key = std::string(40, 'd'),
                  .prefixes = {"eventstore/store-1"},
                  .sockets = {"append"}},
                 {.name = "esxi/host-1", .curve_key = std::string(40, 'e'), .sockets = {"live"}}})
          .value();
  return options;
}

class OrderFixture : public testing::Test {
 protected:
  // A process of an author: its epoch and the numbers of its requests.
  struct Author {
    std::string name;
    std::uint64_t epoch = 1;
    std::uint64_t next_n = 1;
  };

  static Bytes start_of(const Author& author) {
    Body body = test::body_of(author.name + "/epoch", Effect::kNote);
    body.event = part::Event{part::PartStarted{.epoch = author.epoch}};
    return encode_body(body).value();
  }
  static protocol::Unit claim_of(Author& author) {
    return {.n = author.next_n++,
            .guards = {{author.name + "/epoch", author.epoch - 1}},
            .bodies = {start_of(author)}};
  }
  // A change of `stream`, guarded by the epoch and `guards`.
  static protocol::Unit unit_of(Author& author, const std::string& stream,
                                std::vector<protocol::Guard> guards = {},
                                Effect effect = Effect::kChange) {
    protocol::Unit unit;
    unit.n = author.next_n++;
    unit.guards = std::move(guards);
    unit.guards.push_back({author.name + "/epoch", author.epoch});
    unit.bodies = {test::encoded_body_of(stream, effect, unit.n)};
    return unit;
  }

  // Appends, without letting the disk finish.
  void send(const Author& author, std::vector<protocol::Unit> units) {
    orderer_->append(author.name, {author.epoch, std::move(units)}, now_);
    collect();
  }
  // Lets the disk finish all that is under way or waits.
  void sync() {
    collect();
    while (under_way_) {
      log_.push_back(*under_way_);
      orderer_->on_written(*std::exchange(under_way_, std::nullopt));
      collect();
    }
  }
  // Appends one unit, durably; its answer.
  protocol::Ack append(const Author& author, protocol::Unit unit) {
    const std::uint64_t n = unit.n;
    send(author, {std::move(unit)});
    sync();
    return answer(author, n);
  }
  // The last answer to request n; fails if there is none.
  protocol::Ack answer(const Author& author, std::uint64_t n) {
    const auto at = answers_.find({author.name, n});
    EXPECT_NE(at, answers_.end()) << "no answer to " << author.name << " " << n;
    if (at == answers_.end()) return {};
    protocol::Ack ack = at->second;
    answers_.erase(at);
    return ack;
  }
  void start(Author& author) {
    ASSERT_EQ(append(author, claim_of(author)).outcome, protocol::AppendOutcome::kAccepted);
  }

  // What the orderer put out.
  void collect() {
    Orderer::Outputs outputs = orderer_->take_outputs();
    if (outputs.write) {
      ASSERT_FALSE(under_way_) << "one batch at a time";
      under_way_ = std::move(outputs.write);
    }
    for (auto& [identity, acks] : outputs.acks) {
      for (auto& ack : acks) answers_[{identity, ack.n}] = ack;
    }
    for (auto& publication : outputs.publish) published_.push_back(std::move(publication));
    for (auto& refused : outputs.refused) refused_.push_back(std::move(refused));
    if (outputs.clock_stepped) clock_stepped_ = outputs.clock_stepped;
    identities_changed_ |= outputs.identities_changed;
    if (outputs.stop) stop_ = outputs.stop;
  }
  // A new orderer over the first `batches` of the log.
  void restart(std::size_t batches) {
    log_.resize(batches);
    orderer_.emplace(orderer_options());
    under_way_.reset();
    answers_.clear();
    published_.clear();
    for (const Batch& batch : log_) {
      for (std::size_t i = 0; i < batch.entries.size(); ++i) {
        const Hash leaf = leaf_of(batch.stamp(i), batch.body(i));
        ASSERT_TRUE(orderer_->restore(batch.stamp(i), batch.body(i), leaf).ok());
      }
    }
  }
  void restart() { restart(log_.size()); }

  [[nodiscard]] std::vector<Stamp> stamps() const {
    std::vector<Stamp> stamps;
    for (const Batch& batch : log_) {
      for (std::size_t i = 0; i < batch.entries.size(); ++i) {
        stamps.push_back(decode_stamp(batch.stamp(i)).value());
      }
    }
    return stamps;
  }

  std::optional<Orderer> orderer_{std::in_place, orderer_options()};
  TimeNs now_ = kStart;
  std::vector<Batch> log_;
  std::optional<Batch> under_way_;
  std::map<std::pair<std::string, std::uint64_t>, protocol::Ack> answers_;
  std::vector<Orderer::Publication> published_;
  std::vector<Orderer::Refused> refused_;
  std::optional<ClockStepped> clock_stepped_;
  bool identities_changed_ = false;
  std::optional<std::string> stop_;

  Author kms1_{"kms/kms-1"};
  Author kms2_{"kms/kms-2"};
};

}  // namespace keytrail::eventstore
