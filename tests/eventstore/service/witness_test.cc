// A log that was cut or rewritten behind those who saw more of it, and who is believed.
#include <gtest/gtest.h>

#include "bus/wire/command_server.h"
#include "bus/wire/last_file.h"
#include "tests/support/log_author.h"

namespace keytrail::eventstore {
namespace {

using protocol::Topic;
using protocol::topic_bit;
using testing::LogAuthor;
using testing::StoreUnderTest;

// Changes alone, as replicas and hosts follow: no note is ever given to it.
constexpr protocol::TopicSet kChanges = topic_bit(Topic::kKmsChange);

std::vector<Identity> parts_and_others() {
  return {{.name = "kms/kms-1",
           .curve_key = {},
           .prefixes = {"kms/kms-1", "kms/cluster-1"},
           .topics = {"kms.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "kms/kms-2",
           .curve_key = {},
           .prefixes = {"kms/kms-2", "kms/cluster-1"},
           .topics = {"kms.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "siem/one",
           .curve_key = {},
           .prefixes = {},
           .topics = {"kms.note"},
           .sockets = {"live", "read", "command"}},
          {.name = "operator/cli",
           .curve_key = {},
           .prefixes = {},
           .topics = {},
           .sockets = {"command", "read"}}};
}

class WitnessTest : public ::testing::Test {
 protected:
  // Appends one note, durably; its position.
  Position note_of(LogAuthor& author) {
    EXPECT_TRUE(author.until_live());
    author.link().begin_epoch(0, "test");
    author.link().submit(1, author.decision("kms/kms-1/epoch"));
    EXPECT_TRUE(author.until([&] { return author.count<wire::TransactionAccepted>() == 1; }));
    const auto accepted = author.all<wire::TransactionAccepted>();
    return accepted.empty() ? 0 : accepted[0].first;
  }
  [[nodiscard]] protocol::Known witnessed(const std::string& file) {
    const auto known = wire::read_last_file(files_, file);
    EXPECT_TRUE(known.ok());
    return known.ok() ? *known : protocol::Known{};
  }
  void claim(const std::string& file, const protocol::Known& known) {
    ASSERT_TRUE(wire::write_last_file(files_, file, known).ok());
  }
  // One question of `who` on the socket at `endpoint`; the verb of the answer.
  std::string ask(const std::string& who, const std::string& endpoint,
                  std::initializer_list<ByteView> question) {
    auto socket = wire::Socket::connect(context_, wire::SocketKind::kDealer, endpoint,
                                        store_.server_key(), store_.keys_of(who));
    EXPECT_TRUE(socket.ok());
    socket->send(question);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    wire::Message answer;
    while (!socket->receive(answer)) {
      if (std::chrono::steady_clock::now() > end) return "nothing";
      wire::wait_readable({&*socket}, {}, 20);
    }
    return std::string(as_text(answer.frames.at(1)));
  }

  StoreUnderTest store_{parts_and_others()};
  wire::Context context_;
  OsFileSystem files_;
  const std::string last_ = store_.folder().file("last");
};

TEST_F(WitnessTest, AnAuthorIsAWitnessOfItsNotesThoughItFollowsNone) {
  Position note = 0;
  {
    LogAuthor kms(context_, store_, "kms/kms-1", kChanges, last_);
    note = note_of(kms);
    EXPECT_TRUE(kms.all<wire::Followed>().size() <= 1) << "PartStarted alone";
  }
  EXPECT_GE(witnessed(last_).position, note);
}

TEST_F(WitnessTest, WhoHearsAHeadIsAWitnessOfWhatOthersAppended) {
  LogAuthor kms(context_, store_, "kms/kms-1", kChanges);
  const Position note = note_of(kms);
  {
    LogAuthor other(context_, store_, "kms/kms-2", kChanges, last_);
    ASSERT_TRUE(other.until_live());
  }
  EXPECT_GE(witnessed(last_).position, note);
}

TEST_F(WitnessTest, AStoreWhoseLogWasCutBehindAPartEndsWithThatSentence) {
  claim(last_, {.generation = 1, .position = 1'000'000, .leaf = {}});
  LogAuthor kms(context_, store_, "kms/kms-1", kChanges, last_);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::LinkEnded>() == 1; }));
  const auto ended = store_.wait();
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().detail.find("the log was cut: kms/kms-1 saw 1000000"), std::string::npos)
      << ended.error().detail;
}

TEST_F(WitnessTest, AStoreWhoseTailOfNotesIsAnotherEndsToo) {
  {
    LogAuthor kms(context_, store_, "kms/kms-1", kChanges, last_);
    (void)note_of(kms);
  }
  protocol::Known known = witnessed(last_);
  known.leaf[0] ^= 1;  // As if something else had been stamped at this position.
  claim(last_, known);
  LogAuthor kms(context_, store_, "kms/kms-1", kChanges, last_);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::LinkEnded>() == 1; }));
  const auto ended = store_.wait();
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().detail.find("the log was rewritten"), std::string::npos)
      << ended.error().detail;
}

TEST_F(WitnessTest, AThirdPartysWordEndsNoStore) {
  const std::string hello =
      wire::to_json(wire::Hello{.known = {.generation = 1, .position = 1'000'000}});
  EXPECT_EQ(ask("siem/one", store_.log_endpoints().read,
                {as_bytes("KT1"), as_bytes("HELLO"), as_bytes("1"), as_bytes(hello)}),
            "ERROR");
  LogAuthor kms(context_, store_, "kms/kms-1", kChanges);
  EXPECT_TRUE(kms.until_live());
}

TEST_F(WitnessTest, APartThatDoesNotKnowWhatItSawDoesNotStart) {
  const Bytes zeros(64, 0);  // As a power cut leaves a file that was not synced.
  ASSERT_TRUE(replace_file(files_, last_, zeros).ok());
  LogAuthor kms(context_, store_, "kms/kms-1", kChanges, last_);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::LinkEnded>() == 1; }));
  EXPECT_NE(kms.all<wire::LinkEnded>()[0].reason.find("is damaged"), std::string::npos);
}

TEST_F(WitnessTest, CommandsAreTheOperatorsAloneWhoeverIsOnTheSocket) {
  const std::string status = R"({"command":"status"})";
  EXPECT_EQ(ask("siem/one", store_.command_endpoint(),
                {as_bytes("KT1"), as_bytes("COMMAND"), as_bytes("1"), as_bytes(status)}),
            "ERROR");
  EXPECT_EQ(ask("operator/cli", store_.command_endpoint(),
                {as_bytes("KT1"), as_bytes("COMMAND"), as_bytes("1"), as_bytes(status)}),
            "RESULT");
}

// A part that the store does not serve, or that speaks to no store.
class UnservedTest : public WitnessTest {
 protected:
  // What is told until `patience` is over.
  std::vector<std::string> told(const wire::LogEndpoints& endpoints, wire::CurveKeys keys) {
    SystemClock clock;
    wire::LogLink link(context_,
                       {.author = "kms/kms-1",
                        .endpoints = endpoints,
                        .last_file = {},
                        .follower = {.topics = kChanges, .log_lost_ms = 300},
                        .appender = {}},
                       std::move(keys), clock);
    std::vector<std::string> sentences;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
    while (std::chrono::steady_clock::now() < end) {
      link.wait(20, {});
      for (const wire::LinkEvent& event : link.take_events()) {
        if (const auto* unserved = std::get_if<wire::LogUnserved>(&event))
          sentences.push_back(unserved->why);
      }
    }
    return sentences;
  }
  OsRandom random_;
};

TEST_F(UnservedTest, AKeyThatIsNotOnTheListIsToldOnce) {
  const auto sentences = told(store_.log_endpoints(), wire::make_curve_keys(random_));
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_NE(sentences[0].find("does not know the key of kms/kms-1"), std::string::npos);
}

TEST_F(UnservedTest, AWrongServerKeyIsToldOnce) {
  wire::LogEndpoints endpoints = store_.log_endpoints();
  endpoints.server_key = wire::make_curve_keys(random_).public_key;
  const auto sentences = told(endpoints, store_.keys_of("kms/kms-1"));
  ASSERT_EQ(sentences.size(), 1U);
  EXPECT_NE(sentences[0].find("server_key"), std::string::npos) << sentences[0];
}

TEST_F(UnservedTest, WhatTheStoreRefusesIsToldInItsWords) {
  const auto told_of_topics = [&](protocol::TopicSet topics) {
    LogAuthor kms(context_, store_, "kms/kms-1", topics);
    EXPECT_TRUE(kms.until([&] { return kms.count<wire::LogUnserved>() > 0; }));
    return kms.all<wire::LogUnserved>();
  };
  LogAuthor writer(context_, store_, "kms/kms-2", kChanges);
  // Something to read, so that it is asked for, with material that this identity was not granted.
  ASSERT_TRUE(writer.until_live());
  writer.link().begin_epoch(0, "test");
  ASSERT_TRUE(writer.until([&] { return writer.count<wire::Followed>() > 0; }));
  const auto unserved = told_of_topics(kChanges | topic_bit(Topic::kKmsSealed));
  ASSERT_EQ(unserved.size(), 1U);
  EXPECT_NE(unserved[0].why.find("kms.sealed"), std::string::npos) << unserved[0].why;
}

}  // namespace
}  // namespace keytrail::eventstore
