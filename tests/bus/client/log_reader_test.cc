#include "bus/client/log_reader.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "bus/events/codec.h"
#include "bus/wire/context.h"
#include "bus/wire/socket.h"
#include "tests/support/log_author.h"

namespace keytrail::client {
namespace {

using protocol::Topic;
using testing::LogAuthor;
using testing::StoreUnderTest;

class LogReaderTest : public ::testing::Test {
 protected:
  LogReaderTest() {
    EXPECT_TRUE(kms_.until_live());
    kms_.link().begin_epoch(0, "test");
    write(20);
  }

  // Notes of kms-1.
  void write(std::uint64_t count) {
    const std::size_t goal = kms_.count<wire::TransactionAccepted>() + count;
    for (std::uint64_t i = 0; i < count; ++i)
      kms_.link().submit(next_++, kms_.decision("kms/kms-1/epoch"));
    EXPECT_TRUE(kms_.until([&] { return kms_.count<wire::TransactionAccepted>() == goal; }));
  }

  [[nodiscard]] LogReader reader(const std::string& name) {
    keys_ = store_.keys_of(name);
    return LogReader(
        context_,
        {.endpoint = store_.log_endpoints().read, .server_key = store_.server_key(), .known = {}},
        keys_);
  }
  [[nodiscard]] static std::vector<Position> read(LogReader& reader, Position after, Position until,
                                                  const wire::Selection& selection) {
    std::vector<Position> positions;
    const auto end = reader.read(after, until, selection, [&](const ReadFact& fact) {
      positions.push_back(fact.position);
      return true;
    });
    EXPECT_TRUE(end.ok()) << end.error().detail;
    return positions;
  }

  StoreUnderTest store_{
      {{.name = "kms/kms-1",
        .curve_key = {},
        .prefixes = {"kms/kms-1"},
        .topics = {"kms.change", "kms.note", "kms.sealed"},
        .sockets = {"append", "live", "read"}},
       {.name = "operator/cli",
        .curve_key = {},
        .prefixes = {},
        .topics = {"kms.change", "kms.note", "eventstore.change", "eventstore.note"},
        .sockets = {"read", "command"}},
       {.name = "siem/one",
        .curve_key = {},
        .prefixes = {},
        .topics = {"kms.change"},
        .sockets = {"read"}}}};
  wire::Context context_;
  wire::CurveKeys keys_;
  LogAuthor kms_{context_, store_, "kms/kms-1", protocol::topic_bit(Topic::kKmsChange)};
  std::uint64_t next_ = 1;
};

TEST_F(LogReaderTest, ReadsEverythingThatItMay) {
  LogReader all = reader("operator/cli");
  EXPECT_EQ(all.head().value().durable_head, 22U);
  const std::vector<Position> positions = read(all, 0, 0, {});
  ASSERT_EQ(positions.size(), 22U);
  EXPECT_EQ(positions.front(), 1U);
  EXPECT_EQ(positions.back(), 22U);
  EXPECT_EQ(read(all, 5, 8, {}), (std::vector<Position>{6, 7, 8}));
  EXPECT_TRUE(read(all, 22, 100, {}).empty());
}

TEST_F(LogReaderTest, GetsOnlyTheTopicsThatWereGranted) {
  LogReader siem = reader("siem/one");
  EXPECT_EQ(read(siem, 0, 0, {}), std::vector<Position>{2});  // PartStarted of kms-1
  EXPECT_TRUE(read(siem, 0, 0, {.topics = {"kms.note"}, .filter = {}}).empty());
}

TEST_F(LogReaderTest, FiltersByFacets) {
  LogReader all = reader("operator/cli");
  EXPECT_EQ(read(all, 0, 0, {.topics = {}, .filter = {.types = {"PartStarted"}}}),
            (std::vector<Position>{1, 2}));
  EXPECT_EQ(
      read(all, 0, 0, {.topics = {}, .filter = {.types = {"PartStopped"}, .users = {"nobody"}}}),
      std::vector<Position>{});
}

TEST_F(LogReaderTest, WhatIsNotGrantedIsRefused) {
  LogReader siem = reader("siem/one");
  const auto sealed =
      siem.read(0, 0, {.topics = {}, .filter = {}, .attachments = wire::AttachmentsWanted::kSealed},
                [](const ReadFact&) { return true; });
  ASSERT_FALSE(sealed.ok());
  EXPECT_EQ(sealed.error().code, ErrorCode::kRefused);
  const auto malformed = siem.read(0, 0, {.topics = {"kms.gossip"}, .filter = {}},
                                   [](const ReadFact&) { return true; });
  ASSERT_FALSE(malformed.ok());
  EXPECT_EQ(malformed.error().code, ErrorCode::kInvalid);
}

TEST_F(LogReaderTest, AKeyThatIsNotOnTheListIsTold) {
  OsRandom random;
  const wire::CurveKeys stranger = wire::make_curve_keys(random);
  LogReader out(
      context_,
      {.endpoint = store_.log_endpoints().read, .server_key = store_.server_key(), .known = {}},
      stranger);
  EXPECT_EQ(out.head().error().code, ErrorCode::kRefused);
}

TEST_F(LogReaderTest, AStoreThatIsNotThereIsUnavailable) {
  LogReader none(context_,
                 {.endpoint = "tcp://127.0.0.1:1",
                  .server_key = store_.server_key(),
                  .known = {},
                  .patience_ms = 100},
                 keys_ = store_.keys_of("siem/one"));
  EXPECT_EQ(none.head().error().code, ErrorCode::kUnavailable);
}

TEST_F(LogReaderTest, FollowsOverARestartOfTheStoreWithoutAGapOrADouble) {
  LogReader all = reader("operator/cli");
  std::vector<Position> positions;
  std::vector<FollowChange> changes;
  bool restarted = false;
  const auto followed = all.follow(0, {.topics = {"kms.note"}, .filter = {}},
                                   {.on_fact =
                                        [&](const ReadFact& fact) {
                                          positions.push_back(fact.position);
                                          return positions.size() < 30;
                                        },
                                    .on_change =
                                        [&](FollowChange change, Position, Position) {
                                          changes.push_back(change);
                                          if (change != FollowChange::kCaughtUp || restarted)
                                            return true;
                                          restarted = true;
                                          EXPECT_TRUE(store_.stop().ok());
                                          store_.start();
                                          write(10);
                                          return true;
                                        }},
                                   -1);
  ASSERT_TRUE(followed.ok()) << followed.error().detail;
  ASSERT_EQ(positions.size(), 30U);
  EXPECT_TRUE(std::adjacent_find(positions.begin(), positions.end(), std::greater_equal<>()) ==
              positions.end());
  EXPECT_EQ(changes.front(), FollowChange::kCaughtUp);
  EXPECT_TRUE(std::find(changes.begin(), changes.end(), FollowChange::kResumed) != changes.end());
}

TEST_F(LogReaderTest, FollowsFromTheEndOfAStoreThatIsNotThereYet) {
  ASSERT_TRUE(store_.stop().ok());
  constexpr int kShortPatienceMs = 300;
  keys_ = store_.keys_of("operator/cli");
  LogReader all(context_,
                {.endpoint = store_.log_endpoints().read,
                 .server_key = store_.server_key(),
                 .known = {},
                 .patience_ms = kShortPatienceMs},
                keys_);
  auto followed = std::async(std::launch::async, [&] {
    return all.follow({}, {},
                      {.on_fact = [](const ReadFact&) { return true; },
                       .on_change = [](FollowChange change, Position,
                                       Position) { return change != FollowChange::kCaughtUp; }},
                      -1);
  });
  EXPECT_EQ(followed.wait_for(std::chrono::milliseconds(2 * kShortPatienceMs)),
            std::future_status::timeout)
      << "it gave up";
  store_.start();
  EXPECT_TRUE(followed.get().ok());
}

// A store whose first WELCOME is none.
TEST(LogReaderHelloTest, IsSaidAgainAfterAnAnswerThatWasNotUnderstood) {
  OsRandom random;
  const wire::CurveKeys store_keys = wire::make_curve_keys(random);
  const wire::CurveKeys keys = wire::make_curve_keys(random);
  wire::Context context;
  context.allow({{"siem/one", keys.public_key, {"read"}}});
  auto store = wire::Socket::bind(context, wire::SocketKind::kRouter, "tcp://127.0.0.1:*", "read",
                                  store_keys);
  ASSERT_TRUE(store.ok());
  const std::string endpoint = store->endpoint();
  std::thread answering([&] {
    for (const std::string& body : {std::string("{"), to_json(wire::Welcome{.log = "abc"})}) {
      wire::Message hello;
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      do {  // BYE of the one before is none.
        while (!store->receive(hello) && std::chrono::steady_clock::now() < end)
          wire::wait_readable({&*store}, {}, 20);
      } while (as_text(hello.frames.at(2)) != "HELLO");
      store->send({hello.frames[0], as_bytes(wire::kProtocolName), as_bytes("WELCOME"),
                   hello.frames[3], as_bytes(body)});
    }
  });
  {
    LogReader reader(
        context, {.endpoint = endpoint, .server_key = store_keys.public_key, .known = {}}, keys);
    EXPECT_FALSE(reader.welcome().ok());
    const auto welcome = reader.welcome();
    EXPECT_EQ(welcome.ok() ? welcome->log : "", "abc");
  }
  answering.join();
}

TEST_F(LogReaderTest, FindsThePositionOfAMoment) {
  LogReader all = reader("operator/cli");
  std::vector<TimeNs> times;
  ASSERT_TRUE(all.read(0, 0, {},
                       [&](const ReadFact& fact) {
                         times.push_back(decode_stamp(fact.stored.stamp).value().time);
                         return true;
                       })
                  .ok());
  EXPECT_EQ(all.position_before(0).value(), 0U);
  EXPECT_EQ(all.position_before(~TimeNs{0}).value(), 22U);
  const Position before = all.position_before(times[9]).value();
  EXPECT_LT(before, 10U);
  for (Position position = 1; position <= 22; ++position) {
    EXPECT_EQ(times[position - 1] < times[9], position <= before) << position;
  }
}

}  // namespace
}  // namespace keytrail::client
