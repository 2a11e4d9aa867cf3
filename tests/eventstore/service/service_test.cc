#include "eventstore/service/service.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "bus/events/codec.h"
#include "bus/wire/command_server.h"
#include "bus/wire/last_file.h"
#include "tests/support/log_author.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

using protocol::Topic;
using protocol::topic_bit;
using testing::LogAuthor;
using testing::StoreUnderTest;

constexpr protocol::TopicSet kKms = topic_bit(Topic::kKmsChange) | topic_bit(Topic::kKmsNote);

std::vector<Identity> identities() {
  return {{.name = "kms/kms-1",
           .curve_key = {},
           .prefixes = {"kms/kms-1", "kms/cluster-1"},
           .topics = {"kms.change", "kms.note", "kms.sealed", "eventstore.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "vcenter/vc-1",
           .curve_key = {},
           .prefixes = {"vcenter/vc-1"},
           .topics = {"vcenter.change", "kms.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "operator/cli",
           .curve_key = {},
           .prefixes = {},
           .topics = {"kms.change"},
           .sockets = {"command", "read"}}};
}

class ServiceTest : public ::testing::Test {
 protected:
  StoreUnderTest store_{identities()};
  wire::Context context_;
};

TEST_F(ServiceTest, AFactThatWasAcknowledgedIsFollowedByEverybodyWhoMay) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  LogAuthor vcenter(context_, store_, "vcenter/vc-1", topic_bit(Topic::kKmsChange));
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 1; }));
  kms.link().submit(7, kms.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 1; }));
  EXPECT_EQ(kms.all<wire::TransactionAccepted>()[0].id, 7U);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 2; }));

  ASSERT_TRUE(vcenter.until([&] { return vcenter.count<wire::Followed>() == 1; }));
  EXPECT_EQ(vcenter.all<wire::Followed>()[0].fact.stamp.author, "kms/kms-1");
}

TEST_F(ServiceTest, TheHeadIsAnsweredOnceItIsFollowed) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  for (int i = 0; i < 100; ++i)
    kms.link().submit(static_cast<std::uint64_t>(i), kms.decision("kms/kms-1/epoch"));
  kms.link().ask_head(1);
  kms.link().ask_head(2);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::HeadAnswered>() == 2; }));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 100; }));
}

TEST_F(ServiceTest, TimeGoesOnWhileNothingIsAppended) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  const TimeNs live_since = SystemClock().now();
  EXPECT_TRUE(kms.until([&] { return kms.link().log_time() > live_since; }));
}

TEST_F(ServiceTest, WhatAnAuthorMayNotAppendIsRefused) {
  LogAuthor vcenter(context_, store_, "vcenter/vc-1", topic_bit(Topic::kVcenterChange));
  ASSERT_TRUE(vcenter.until_live());
  vcenter.link().begin_epoch(0, "test");
  vcenter.link().submit(1, vcenter.decision("kms/cluster-1/object/1"));
  ASSERT_TRUE(vcenter.until([&] { return vcenter.count<wire::TransactionFailed>() == 1; }));
  EXPECT_EQ(vcenter.all<wire::TransactionFailed>()[0].error.code, ErrorCode::kInvalid);
}

TEST_F(ServiceTest, ASecondProcessOfAnIdentityEndsTheFirst) {
  LogAuthor first(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(first.until_live());
  first.link().begin_epoch(0, "test");
  first.link().submit(1, first.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(first.until([&] { return first.count<wire::TransactionAccepted>() == 1; }));

  LogAuthor second(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(second.until_live());
  second.link().begin_epoch(1, "test");
  second.link().submit(1, second.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(second.until([&] { return second.count<wire::TransactionAccepted>() == 1; }));
  first.link().submit(2, first.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(first.until([&] { return first.count<wire::LinkEnded>() == 1; }));
}

TEST_F(ServiceTest, ASecondProcessOfAnIdentityEndsTheFirstAlsoWhenThatIsIdle) {
  LogAuthor first(context_, store_, "kms/kms-1", topic_bit(Topic::kKmsChange));
  ASSERT_TRUE(first.until_live());
  first.link().begin_epoch(0, "test");
  ASSERT_TRUE(first.until([&] { return first.count<wire::Followed>() == 1; }));

  LogAuthor second(context_, store_, "kms/kms-1", topic_bit(Topic::kKmsChange));
  ASSERT_TRUE(second.until_live());
  second.link().begin_epoch(1, "test");
  ASSERT_TRUE(second.until([&] { return second.count<wire::Followed>() == 2; }));
  ASSERT_TRUE(first.until([&] { return first.count<wire::LinkEnded>() == 1; }));
  EXPECT_EQ(first.all<wire::LinkEnded>()[0].reason,
            "a newer process has the identity kms/kms-1; this one ends");
  EXPECT_EQ(second.count<wire::LinkEnded>(), 0U);
}

TEST_F(ServiceTest, AnAuthorGoesOnAfterTheStoreWasRestarted) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  kms.link().submit(1, kms.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 1; }));
  ASSERT_TRUE(store_.stop().ok());
  kms.link().submit(2, kms.decision("kms/kms-1/epoch"));
  store_.start();
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 2; }));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 3; }));
}

// What an operator does.
class OperatorTest : public ServiceTest {
 protected:
  [[nodiscard]] std::string command(const std::string& json) {
    wire::CommandClient client(context_, store_.command_endpoint(), store_.server_key(), keys_);
    const auto answer = client.call(json, 10'000, {});
    EXPECT_TRUE(answer.ok()) << answer.error().detail;
    return answer.ok() ? answer->json : "";
  }
  [[nodiscard]] std::string subscriber_add(const wire::CurveKeys& keys) {
    return command(R"({"command":"subscribers add","arguments":{"name":"siem/one","key":")" +
                   keys.public_key + R"(","topics":["kms.note"]}})");
  }

  OsRandom random_;
  wire::CurveKeys keys_ = store_.keys_of("operator/cli");
};

TEST_F(OperatorTest, SeesWhereTheLogStands) {
  const std::string status = command(R"({"command":"status"})");
  EXPECT_NE(status.find(R"("identity":"eventstore/store-1")"), std::string::npos) << status;
  EXPECT_NE(status.find(R"("epoch":"1")"), std::string::npos) << status;
}

TEST_F(OperatorTest, ASubscriberIsLetInOnceItIsAddedAndOutOnceItIsRevoked) {
  const wire::CurveKeys siem = wire::make_curve_keys(random_);
  const auto connects = [&] {
    auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer,
                                        store_.log_endpoints().read, store_.server_key(), siem);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      for (const wire::ConnectionChange change : socket->take_connection_changes()) {
        // A connection that was being made while the store bound its sockets anew is made again.
        if (change != wire::ConnectionChange::kLost) return change;
      }
      wire::wait_readable({&*socket}, {}, 20);
    }
    return wire::ConnectionChange::kLost;
  };
  EXPECT_EQ(connects(), wire::ConnectionChange::kRefused);
  EXPECT_NE(subscriber_add(siem).find("position"), std::string::npos);
  EXPECT_EQ(connects(), wire::ConnectionChange::kReady);
  EXPECT_NE(command(R"({"command":"subscribers list"})").find("siem/one"), std::string::npos);

  // It stays so over a restart: the list is a fold of the log.
  ASSERT_TRUE(store_.stop().ok());
  store_.start();
  EXPECT_EQ(connects(), wire::ConnectionChange::kReady);

  EXPECT_NE(command(R"({"command":"subscribers revoke","arguments":{"name":"siem/one"}})")
                .find("position"),
            std::string::npos);
  EXPECT_EQ(connects(), wire::ConnectionChange::kRefused);
}

TEST_F(OperatorTest, WhatCannotBeDoneIsToldInTheProtocolsForm) {
  EXPECT_NE(command("{").find("invalid"), std::string::npos);
  EXPECT_NE(command(R"({"command":"subscribers revoke","arguments":{"name":"siem/two"}})")
                .find("not-found"),
            std::string::npos);
  EXPECT_NE(command(R"({"command":"subscribers revoke","arguments":{"name":"kms/kms-1"}})")
                .find("refused"),
            std::string::npos);
}

TEST_F(OperatorTest, StopEndsTheStoreInOrder) {
  EXPECT_EQ(command(R"({"command":"stop"})"), "{}");
  ASSERT_TRUE(store_.wait().ok());
}

TEST_F(OperatorTest, WhatIsAskedForAfterStopIsNotRecordedBehindPartStopped) {
  auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer,
                                      store_.command_endpoint(), store_.server_key(), keys_);
  ASSERT_TRUE(socket.ok());
  const std::string key = wire::make_curve_keys(random_).public_key;
  const std::string add =
      R"({"command":"subscribers add","arguments":{"name":"siem/one","key":")" + key + R"("}})";
  for (const std::string& json : {std::string(R"({"command":"stop"})"), add}) {
    socket->send(
        {as_bytes(wire::kProtocolName), as_bytes("COMMAND"), as_bytes("1"), as_bytes(json)});
  }
  ASSERT_TRUE(store_.wait().ok());
  const auto log = RocksLog::open(store_.folder().file("db"), random_);
  ASSERT_TRUE(log.ok());
  std::string_view last;
  ASSERT_TRUE((*log)
                  ->read(0, ~Position{0},
                         [&](Position, ByteView stamp, ByteView body) {
                           const auto fact = decode_fact({to_bytes(stamp), to_bytes(body)}).value();
                           last = type_of(fact.body.event);
                           return true;
                         })
                  .ok());
  EXPECT_EQ(last, "PartStopped");
}

TEST_F(ServiceTest, AStrangersKnockIsAFact) {
  OsRandom random;
  const wire::CurveKeys stranger = wire::make_curve_keys(random);
  auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer,
                                      store_.log_endpoints().append, store_.server_key(), stranger);
  ASSERT_TRUE(socket.ok());
  const auto knocks = [&] {
    std::size_t found = 0;
    EXPECT_TRUE(store_.log()
                    .read(0, ~Position{0},
                          [&](Position, ByteView stamp, ByteView body) {
                            const auto fact = decode_fact({to_bytes(stamp), to_bytes(body)});
                            if (fact.ok() && type_of(fact->body.event) == "RefusalsRepeated")
                              ++found;
                            return true;
                          })
                    .ok());
    return found;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (knocks() == 0 && std::chrono::steady_clock::now() < end)
    wire::wait_readable({&*socket}, {}, 20);
  EXPECT_GE(knocks(), 1U);
}

TEST_F(ServiceTest, GarbageOnTheAppendSocketIsRefusedAndTheStoreLives) {
  const wire::CurveKeys keys = store_.keys_of("vcenter/vc-1");
  auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer,
                                      store_.log_endpoints().append, store_.server_key(), keys);
  ASSERT_TRUE(socket.ok());
  const Bytes noise(1000, 0xa5);
  socket->send({noise});
  socket->send({as_bytes("KT1"), as_bytes("APPEND"), noise});
  socket->send({as_bytes("KT1"), as_bytes("APPEND"), ByteView()});
  int errors = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (errors < 3 && std::chrono::steady_clock::now() < end) {
    wire::wait_readable({&*socket}, {}, 20);
    wire::Message message;
    while (socket->receive(message)) errors += as_text(message.frames[1]) == "ERROR" ? 1 : 0;
  }
  EXPECT_EQ(errors, 3);
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
}

TEST_F(ServiceTest, RefusalsThatAreNotDueAreRecordedBeforeItStops) {
  constexpr int kKnocks = 3;  // The first is due at once.
  const wire::CurveKeys keys = store_.keys_of("vcenter/vc-1");
  auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer,
                                      store_.log_endpoints().append, store_.server_key(), keys);
  ASSERT_TRUE(socket.ok());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int i = 0; i < kKnocks; ++i) {
    socket->send({as_bytes("noise")});
    wire::Message answer;
    while (!socket->receive(answer)) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      wire::wait_readable({&*socket}, {}, 20);
    }
  }
  ASSERT_TRUE(store_.stop().ok());

  OsRandom random;
  const auto log = RocksLog::open(store_.folder().file("db"), random);
  ASSERT_TRUE(log.ok());
  std::uint64_t counted = 0;
  std::string_view last;
  ASSERT_TRUE((*log)
                  ->read(0, ~Position{0},
                         [&](Position, ByteView stamp, ByteView body) {
                           const auto fact = decode_fact({to_bytes(stamp), to_bytes(body)}).value();
                           last = type_of(fact.body.event);
                           const auto* of_part = std::get_if<part::Event>(&fact.body.event);
                           if (of_part == nullptr) return true;
                           if (const auto* e = std::get_if<part::RefusalsRepeated>(of_part))
                             counted += e->count;
                           return true;
                         })
                  .ok());
  EXPECT_EQ(counted, std::uint64_t{kKnocks});
  EXPECT_EQ(last, "PartStopped");
}

TEST(ServiceWithAFullDiskTest, EndsWithASentenceAndAcknowledgesNothingMore) {
  testing::MemoryEventLog memory(LogId{7});
  testing::FailingLog full(memory, 2);  // PartStarted of the store and of kms-1
  StoreUnderTest store(identities(), full);
  wire::Context context;
  LogAuthor kms(context, store, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 1; }));
  kms.link().submit(1, kms.decision("kms/kms-1/epoch"));
  // It goes out once the epoch's acknowledgement is here, which may be later than the fact itself.
  auto end = std::async(std::launch::async, [&] { return store.wait(); });
  ASSERT_TRUE(kms.until(
      [&] { return end.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
  const auto ended = end.get();
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().detail.find("the disk is full"), std::string::npos)
      << ended.error().detail;
  EXPECT_EQ(kms.count<wire::TransactionAccepted>(), 0U);
  EXPECT_EQ(memory.end().position, 2U);
}

TEST(ServiceStartTest, ALogThatIsNotTheCheckpointsIsNotServed) {
  StoreUnderTest store(identities());
  ASSERT_TRUE(store.stop().ok());
  testing::MemoryEventLog shorter(LogId{1});
  OsRandom random;
  SystemClock clock;
  const auto service = Service::start(shorter, store.options(), clock, random);
  ASSERT_FALSE(service.ok());
  EXPECT_EQ(service.error().code, ErrorCode::kCorrupt);
}

TEST_F(ServiceTest, APartThatKnowsMoreThanTheLogIsToldSoAndStops) {
  OsFileSystem files;
  const std::string last = store_.folder().file("last");
  ASSERT_TRUE(
      wire::write_last_file(files, last, {.generation = 1, .position = 1'000'000, .leaf = {}})
          .ok());
  LogAuthor kms(context_, store_, "kms/kms-1", kKms, last);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::LinkEnded>() == 1; }));
  EXPECT_NE(kms.all<wire::LinkEnded>()[0].reason.find("the log was cut: kms/kms-1 saw 1000000"),
            std::string::npos)
      << kms.all<wire::LinkEnded>()[0].reason;
}

}  // namespace
}  // namespace keytrail::eventstore
