// One suite for both links to the log: LogLink over ZeroMQ to a real store, and the simulation's
// LinkTwin over its wire to the StoreTwin. What thousands of simulated runs believe of the link
// must be so on the real one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "bus/secret/sha256.h"
#include "tests/simulation/link_twin.h"
#include "tests/support/log_author.h"

namespace keytrail {
namespace {

using protocol::Decision;
using protocol::Guard;
using protocol::Topic;
using protocol::topic_bit;

constexpr auto kAlice = "kms/kms-1";
constexpr auto kBob = "kms/kms-2";
constexpr protocol::TopicSet kKeys = topic_bit(Topic::kKmsChange) | topic_bit(Topic::kKmsSealed);

std::vector<eventstore::Identity> identities() {
  std::vector<eventstore::Identity> all;
  for (const char* const name : {kAlice, kBob}) {
    all.push_back({.name = name,
                   .curve_key = std::string(40, name[8]),
                   .prefixes = {name, "kms/c"},
                   .topics = {"kms.change", "kms.note", "kms.sealed", "head"},
                   .sockets = {"append", "live", "read"}});
  }
  return all;
}

// A store and the links of its authors. What a link tells is kept, in its order.
class Bed {
 public:
  virtual ~Bed() = default;

  // A new process of the author; what one before it was told is forgotten.
  void connect(const std::string& author) {
    told_[author].clear();
    open(author);
  }
  virtual void begin_epoch(const std::string& author, std::uint64_t last_epoch) = 0;
  virtual void submit(const std::string& author, protocol::TransactionId id,
                      const Decision& decision) = 0;
  virtual void ask_head(const std::string& author, std::uint64_t question) = 0;
  [[nodiscard]] virtual protocol::FollowState state_of(const std::string& author) = 0;
  virtual void stop_store() = 0;
  virtual void start_store() = 0;
  // While it is deaf an author takes nothing from the live socket: in the simulation all of it is
  // lost, on the real one it waits for who does not look.
  virtual void make_deaf(const std::string& author, bool is_deaf) = 0;
  // Goes on until `done`; false if it does not come to that.
  [[nodiscard]] virtual bool until(const std::function<bool()>& done) = 0;

  template <class E>
  [[nodiscard]] std::vector<E> told(const std::string& author) const {
    std::vector<E> found;
    for (const wire::LinkEvent& event : told_.at(author)) {
      if (const E* const of_kind = std::get_if<E>(&event)) found.push_back(*of_kind);
    }
    return found;
  }

 protected:
  virtual void open(const std::string& author) = 0;
  void keep(const std::string& author, std::vector<wire::LinkEvent> events) {
    auto& told = told_[author];
    std::move(events.begin(), events.end(), std::back_inserter(told));
  }

 private:
  std::map<std::string, std::vector<wire::LinkEvent>> told_;
};

class RealBed final : public Bed {
 public:
  void begin_epoch(const std::string& author, std::uint64_t last_epoch) override {
    link(author).begin_epoch(last_epoch, "test");
  }
  void submit(const std::string& author, protocol::TransactionId id,
              const Decision& decision) override {
    link(author).submit(id, decision);
  }
  void ask_head(const std::string& author, std::uint64_t question) override {
    link(author).ask_head(question);
  }
  [[nodiscard]] protocol::FollowState state_of(const std::string& author) override {
    return link(author).state();
  }
  void stop_store() override {
    step(0);  // What was submitted is on its way by then.
    ASSERT_TRUE(store_.stop().ok());
  }
  void start_store() override { store_.start(); }
  void make_deaf(const std::string& author, bool is_deaf) override { deaf_[author] = is_deaf; }
  [[nodiscard]] bool until(const std::function<bool()>& done) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      step(5);
    }
    return true;
  }

 private:
  void step(int wait_ms) {
    for (const auto& [name, author] : authors_) {
      if (deaf_[name]) continue;
      author->link().wait(wait_ms, {});
      keep(name, author->link().take_events());
    }
  }
  void open(const std::string& author) override {
    authors_.erase(author);
    authors_[author] = std::make_unique<testing::LogAuthor>(
        context_, store_, author, kKeys, store_.folder().file("last-" + author.substr(4)));
  }
  [[nodiscard]] wire::LogLink& link(const std::string& author) {
    return authors_.at(author)->link();
  }

  testing::StoreUnderTest store_{identities()};
  wire::Context context_;
  std::map<std::string, std::unique_ptr<testing::LogAuthor>> authors_;
  std::map<std::string, bool> deaf_;
};

class SimulatedBed final : public Bed {
 public:
  SimulatedBed() { store_.start(); }
  ~SimulatedBed() override { EXPECT_EQ(world_.failure(), std::nullopt) << world_.transcript(); }

  void begin_epoch(const std::string& author, std::uint64_t last_epoch) override {
    link(author).begin_epoch(last_epoch, "test");
  }
  void submit(const std::string& author, protocol::TransactionId id,
              const Decision& decision) override {
    link(author).submit(id, decision);
  }
  void ask_head(const std::string& author, std::uint64_t question) override {
    link(author).ask_head(question);
  }
  [[nodiscard]] protocol::FollowState state_of(const std::string& author) override {
    return link(author).state();
  }
  void stop_store() override { store_.crash(); }
  void start_store() override { store_.start(); }
  void make_deaf(const std::string& /*author*/, bool is_deaf) override {
    store_.set_drop_chance(is_deaf ? 1 : 0);
  }
  [[nodiscard]] bool until(const std::function<bool()>& done) override {
    return world_.run(60 * simulation::kSecond, done);
  }

 private:
  struct Node {
    Node(simulation::World& world, const simulation::WireFaults& faults) : sockets(world, faults) {}
    simulation::Sockets sockets;
    protocol::Known last;
    std::unique_ptr<simulation::LinkTwin> link;
  };

  void open(const std::string& author) override {
    auto& node = nodes_[author];
    if (!node) node = std::make_unique<Node>(world_, wire_);
    if (node->link) node->last = node->link->known();
    node->link.reset();
    node->link = std::make_unique<simulation::LinkTwin>(
        world_, store_, node->sockets,
        simulation::LinkTwin::Options{.author = author, .topics = kKeys, .known = node->last},
        [this, author] { keep(author, link(author).take_events()); });
  }
  [[nodiscard]] simulation::LinkTwin& link(const std::string& author) {
    return *nodes_.at(author)->link;
  }

  simulation::World world_{1};
  simulation::WireFaults wire_;
  simulation::DiskFaults disk_;
  simulation::StoreTwin store_{world_, identities(), disk_, {}};
  std::map<std::string, std::unique_ptr<Node>> nodes_;
};

// A key that is activated, under `guards`; `sealed` is attached.
Decision activated(const std::string& object, std::vector<Guard> guards = {},
                   const std::vector<Bytes>& sealed = {}) {
  Decision decision{.facts = {}, .guards = std::move(guards), .attachments = {}};
  Body body;
  body.stream = "kms/c/object/" + object;
  body.user = "alice";
  body.action.bytes[0] = 1;
  body.event = kms::Event(kms::KeyActivated{.object = object});
  for (const Bytes& bytes : sealed) {
    body.attachments.push_back(sha256(bytes));
    decision.attachments.push_back({AttachmentKind::kSealed, bytes});
  }
  decision.facts = {std::move(body)};
  return decision;
}

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Bed>()> make;
};

class LogLinkContract : public ::testing::TestWithParam<Implementation> {
 protected:
  void begin(const std::string& author, std::uint64_t last_epoch = 0) {
    bed_->connect(author);
    ASSERT_TRUE(bed_->until([&] { return is_live(author); }));
    bed_->begin_epoch(author, last_epoch);
  }
  [[nodiscard]] bool is_live(const std::string& author) const {
    return bed_->state_of(author) == protocol::FollowState::kLive;
  }
  // The facts about keys that an author was given, as (object, position).
  using Keys = std::vector<std::pair<std::string, Position>>;
  [[nodiscard]] Keys keys_of(const std::string& author) const {
    Keys keys;
    for (const auto& followed : bed_->told<wire::Followed>(author)) {
      const auto* const event = std::get_if<kms::Event>(&followed.fact.body.event);
      if (event == nullptr) continue;
      keys.emplace_back(std::get<kms::KeyActivated>(*event).object, followed.fact.stamp.position);
    }
    return keys;
  }
  [[nodiscard]] bool accepted(const std::string& author, std::size_t count) const {
    return bed_->told<wire::TransactionAccepted>(author).size() == count;
  }

  std::unique_ptr<Bed> bed_ = GetParam().make();
};

TEST_P(LogLinkContract, WhatIsAcceptedIsGivenToEverybodyAtThePositionThatWasTold) {
  begin(kAlice);
  begin(kBob);
  bed_->submit(kAlice, 7, activated("k1"));
  bed_->submit(kAlice, 8, activated("k2"));
  ASSERT_TRUE(bed_->until([&] {
    return accepted(kAlice, 2) && keys_of(kAlice).size() == 2 && keys_of(kBob).size() == 2;
  }));
  const auto told = bed_->told<wire::TransactionAccepted>(kAlice);
  EXPECT_EQ(told[0].id, 7U);
  EXPECT_EQ(told[1].id, 8U);
  EXPECT_EQ(told[0].count, 1U);
  EXPECT_EQ(keys_of(kBob), (Keys{{"k1", told[0].first}, {"k2", told[1].first}}));
  EXPECT_EQ(keys_of(kAlice), keys_of(kBob));
}

TEST_P(LogLinkContract, ANewProcessIsGivenAllOfItsTopicsAgainEachFactOnce) {
  begin(kAlice);
  for (std::uint64_t id = 1; id <= 40; ++id) {  // More than one answer of the simulation holds.
    bed_->submit(kAlice, id, activated("k" + std::to_string(id)));
  }
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 40) && keys_of(kAlice).size() == 40; }));
  const Keys before = keys_of(kAlice);
  begin(kAlice, 1);
  bed_->submit(kAlice, 1, activated("last"));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 1) && keys_of(kAlice).size() == 41; }));
  Keys after = keys_of(kAlice);
  EXPECT_EQ(after.back().first, "last");
  after.pop_back();
  EXPECT_EQ(after, before);
}

TEST_P(LogLinkContract, WhoDecidedOnWhatHasChangedDecidesAgainAndWroteNothing) {
  begin(kAlice);
  begin(kBob);
  const std::string stream = "kms/c/object/k1";
  bed_->submit(kAlice, 1, activated("k1", {{stream, 0}}));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 1); }));
  bed_->submit(kBob, 1, activated("k1", {{stream, 0}}));
  ASSERT_TRUE(
      bed_->until([&] { return !bed_->told<wire::TransactionDecideAgain>(kBob).empty(); }));
  EXPECT_EQ(bed_->told<wire::TransactionDecideAgain>(kBob)[0].id, 1U);
  EXPECT_EQ(keys_of(kBob).size(), 1U) << "what it decides on now was given before";
  bed_->submit(kBob, 1, activated("k1", {{stream, 1}}));
  ASSERT_TRUE(bed_->until([&] { return accepted(kBob, 1) && keys_of(kBob).size() == 2; }));
  EXPECT_EQ(keys_of(kBob)[1].second, bed_->told<wire::TransactionAccepted>(kBob)[0].first);
}

// A decision that nothing newer can help is given up, and the guard that fails is named.
TEST_P(LogLinkContract, AGuardThatNeverHoldsIsNamed) {
  begin(kAlice);
  const Decision hopeless = activated("k1", {{"kms/c/object/k1", 99}});
  bed_->submit(kAlice, 1, hopeless);
  std::size_t again = 0;
  ASSERT_TRUE(bed_->until([&] {
    const std::size_t told = bed_->told<wire::TransactionDecideAgain>(kAlice).size();
    for (; again < told; ++again) bed_->submit(kAlice, 1, hopeless);
    return !bed_->told<wire::TransactionFailed>(kAlice).empty();
  }));
  const auto failed = bed_->told<wire::TransactionFailed>(kAlice);
  EXPECT_EQ(failed[0].error.code, ErrorCode::kConflict);
  EXPECT_NE(failed[0].error.detail.find("kms/c/object/k1"), std::string::npos)
      << failed[0].error.detail;
  EXPECT_TRUE(keys_of(kAlice).empty());
}

TEST_P(LogLinkContract, WhatWasUnderWayWhenTheStoreEndedIsAcceptedOnceWhereItStands) {
  begin(kAlice);
  bed_->submit(kAlice, 1, activated("k1"));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 1); }));
  for (std::uint64_t id = 2; id <= 20; ++id) {
    bed_->submit(kAlice, id, activated("k" + std::to_string(id)));
  }
  bed_->stop_store();
  bed_->start_store();
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 20) && keys_of(kAlice).size() == 20; }));
  Keys told;
  for (const auto& each : bed_->told<wire::TransactionAccepted>(kAlice)) {
    told.emplace_back("k" + std::to_string(each.id), each.first);
  }
  EXPECT_EQ(keys_of(kAlice), told);
}

TEST_P(LogLinkContract, WhatLiveDidNotBringIsGivenAllTheSameInItsPlace) {
  begin(kAlice);
  begin(kBob);
  bed_->submit(kAlice, 1, activated("k1"));
  ASSERT_TRUE(bed_->until([&] { return keys_of(kBob).size() == 1; }));
  bed_->make_deaf(kBob, true);
  bed_->submit(kAlice, 2, activated("k2", {}, {{1, 2, 3}}));
  bed_->submit(kAlice, 3, activated("k3"));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 3); }));
  EXPECT_EQ(keys_of(kBob).size(), 1U);
  bed_->make_deaf(kBob, false);
  bed_->submit(kAlice, 4, activated("k4"));
  ASSERT_TRUE(
      bed_->until([&] { return keys_of(kAlice).size() == 4 && keys_of(kBob).size() == 4; }));
  EXPECT_EQ(keys_of(kBob), keys_of(kAlice));
}

TEST_P(LogLinkContract, AttachmentsAreThereWhenTheirFactIsGivenLiveOrRead) {
  const std::vector<Bytes> sealed{{1, 2, 3}, Bytes(5'000, 7)};
  begin(kAlice);
  begin(kBob);
  bed_->submit(kAlice, 1, activated("k1", {}, sealed));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 1) && keys_of(kBob).size() == 1; }));
  begin(kBob, 1);  // Reads what the one before got live.
  ASSERT_TRUE(bed_->until([&] { return keys_of(kBob).size() == 1; }));
  for (const char* const author : {kAlice, kBob}) {
    ASSERT_TRUE(bed_->until([&] { return keys_of(author).size() == 1; }));
    for (const auto& followed : bed_->told<wire::Followed>(author)) {
      if (!std::holds_alternative<kms::Event>(followed.fact.body.event)) continue;
      ASSERT_EQ(followed.attachments.size(), sealed.size()) << author;
      for (std::size_t i = 0; i < sealed.size(); ++i) {
        EXPECT_EQ(followed.attachments[i].kind, AttachmentKind::kSealed);
        EXPECT_EQ(followed.attachments[i].bytes, sealed[i]);
      }
    }
  }
}

TEST_P(LogLinkContract, AHeadIsAnsweredWhenEverythingBeforeItWasGiven) {
  begin(kAlice);
  begin(kBob);
  bed_->submit(kAlice, 1, activated("k1"));
  ASSERT_TRUE(bed_->until([&] { return accepted(kAlice, 1); }));
  bed_->ask_head(kBob, 5);
  ASSERT_TRUE(bed_->until([&] { return !bed_->told<wire::HeadAnswered>(kBob).empty(); }));
  const auto answered = bed_->told<wire::HeadAnswered>(kBob)[0];
  EXPECT_EQ(answered.question, 5U);
  EXPECT_GE(answered.head, bed_->told<wire::TransactionAccepted>(kAlice)[0].first);
  EXPECT_EQ(keys_of(kBob).size(), 1U) << "who asks after an answer sees what was answered";
}

INSTANTIATE_TEST_SUITE_P(
    , LogLinkContract,
    ::testing::Values(Implementation{"Simulated", [] { return std::make_unique<SimulatedBed>(); }},
                      Implementation{"ZeroMq", [] { return std::make_unique<RealBed>(); }}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace keytrail
