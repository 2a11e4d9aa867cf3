#include "eventstore/service/read_loop.h"

#include <gtest/gtest.h>

#include <atomic>

#include "bus/wire/context.h"
#include "tests/support/chained_facts.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

constexpr Position kFacts = 10;
constexpr std::chrono::seconds kPatience{20};

wire::Selection with_attachments() {
  return {.topics = {}, .filter = {}, .attachments = wire::AttachmentsWanted::kClear};
}

// The read socket alone, over a log that fails on demand; a part that may append is on it.
class ReadLoopTest : public ::testing::Test {
 protected:
  explicit ReadLoopTest(int answers_max = 512) {
    context_.allow({{"kms/kms-1", part_keys_.public_key, {"read"}}});
    testing::ChainedFacts(memory_).fill(memory_, kFacts, kFacts);
    auto socket =
        wire::Socket::bind(context_, wire::SocketKind::kRouter, "tcp://127.0.0.1:*", "read",
                           store_keys_, {.messages_max = answers_max, .report_unreachable = true});
    KEYTRAIL_CHECK(socket.ok());
    part_.emplace(wire::Socket::connect(context_, wire::SocketKind::kDealer, socket->endpoint(),
                                        store_keys_.public_key, part_keys_, {.messages_max = 1})
                      .value());
    shared_.emplace(protocol::Head{.generation = 1, .durable_head = kFacts},
                    bootstrap({{.name = "kms/kms-1",
                                .curve_key = part_keys_.public_key,
                                .topics = {"kms.change", "kms.note"},
                                .sockets = {"append", "read"}}})
                        .value());
    loop_.emplace(std::move(socket).value(), log_, *shared_, "test", 500,
                  ReadLoop::Reports{.on_failure = [this](const std::string&) { ++failures_; },
                                    .on_refused = [](const std::string&, const std::string&) {}});
  }

  // The frames of the answer: KT1, verb, id, body.
  std::vector<Bytes> ask(std::string_view verb, const std::string& body) {
    if (!say(verb, body)) return {};
    return next_answer();
  }
  // Reads nothing. False: there was no room for it for too long.
  bool say(std::string_view verb, const std::string& body, std::string_view id = "1") {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!part_->send(
        {as_bytes(wire::kProtocolName), as_bytes(verb), as_bytes(id), as_bytes(body)})) {
      if (std::chrono::steady_clock::now() > end) return false;
      wire::wait_readable({&*part_}, {}, 1);
    }
    return true;
  }
  // Empty: none came.
  std::vector<Bytes> next_answer() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    wire::Message answer;
    while (!part_->receive(answer)) {
      if (std::chrono::steady_clock::now() > end) return {};
      wire::wait_readable({&*part_}, {}, 20);
    }
    return std::move(answer.frames);
  }
  // Facts of 1 MiB each with their attachments, so that an answer holds one.
  void append_large(std::size_t count) {
    testing::ChainedFacts facts(memory_);
    for (std::size_t i = 0; i < count; ++i) {
      facts.begin();
      facts.add("large", std::vector<Attachment>(
                             4, {AttachmentKind::kClear, Bytes(kAttachmentBytesMax, 7)}));
      KEYTRAIL_CHECK(memory_.append(facts.log_batch()).ok());
    }
  }
  Position raise_head() {
    const Position end = memory_.end().position;
    shared_->set_head({.generation = 1, .durable_head = end});
    return end;
  }
  std::string error_of(std::string_view verb, const std::string& body) {
    const std::vector<Bytes> frames = ask(verb, body);
    if (frames.size() != 4 || as_text(frames[1]) != "ERROR") return "no error";
    return std::string(as_text(frames[3]));
  }

  OsRandom random_;
  wire::CurveKeys store_keys_ = wire::make_curve_keys(random_);
  wire::CurveKeys part_keys_ = wire::make_curve_keys(random_);
  testing::MemoryEventLog memory_{LogId{1}};
  testing::FailingLog log_{memory_, 0};
  wire::Context context_;
  std::optional<wire::Socket> part_;
  std::optional<SharedState> shared_;
  std::atomic<int> failures_ = 0;
  std::optional<ReadLoop> loop_;
};

TEST_F(ReadLoopTest, APositionThatCannotBeReadContradictsNobody) {
  log_.break_reads();
  const std::string hello = wire::to_json(
      wire::Hello{.log = {}, .known = {.generation = 1, .position = kFacts, .leaf = {}}});
  const std::string error = error_of("HELLO", hello);
  EXPECT_NE(error.find("unavailable"), std::string::npos) << error;
  EXPECT_NE(error.find("position 1 is damaged"), std::string::npos) << error;
  EXPECT_EQ(failures_, 0) << "what nobody could read was not rewritten";
}

TEST_F(ReadLoopTest, AFactThatIsAnotherEndsTheStore) {
  const std::string hello = wire::to_json(
      wire::Hello{.log = {}, .known = {.generation = 1, .position = kFacts, .leaf = {}}});
  const std::string error = error_of("HELLO", hello);
  EXPECT_NE(error.find("was rewritten"), std::string::npos) << error;
  loop_.reset();
  EXPECT_EQ(failures_, 1);
}

TEST_F(ReadLoopTest, WhoWasFasterThanTheSharedHeadIsNoWitnessAgainstTheLog) {
  testing::ChainedFacts(memory_).fill(memory_, 1, 1);  // Published; the head is about to rise.
  const LogEnd end = memory_.end();
  const std::vector<Bytes> answer =
      ask("HELLO",
          wire::to_json(wire::Hello{
              .log = {}, .known = {.generation = 1, .position = end.position, .leaf = end.leaf}}));
  ASSERT_EQ(as_text(answer.at(1)), "WELCOME") << as_text(answer.at(3));
  EXPECT_EQ(wire::welcome_from(answer.at(3)).value().head, end.position);
  loop_.reset();
  EXPECT_EQ(failures_, 0);
}

TEST_F(ReadLoopTest, WhatIsNoVerbIsNotRepeated) {
  const std::string long_verb(100'000, '"');
  const std::string error = error_of(long_verb, "{}");
  EXPECT_NE(error.find("malformed"), std::string::npos) << error;
  EXPECT_LT(error.size(), 1000U);
  ASSERT_EQ(as_text(ask("HELLO", wire::to_json(wire::Hello{})).at(1)), "WELCOME");
  EXPECT_NE(error_of("WRITE", "{}").find("no such verb"), std::string::npos);
}

TEST_F(ReadLoopTest, AnOutcomeThatThereIsNotIsToldInsteadOfMatchingNothing) {
  ASSERT_EQ(as_text(ask("HELLO", wire::to_json(wire::Hello{})).at(1)), "WELCOME");
  const std::string error = error_of("READ", R"({"filter":{"outcomes":["great"]}})");
  EXPECT_NE(error.find("not great"), std::string::npos) << error;
}

// More than the connection itself can hold is asked for; the store must not hold the rest.
TEST_F(ReadLoopTest, WhoAsksAndNeverReadsIsRefusedMore) {
  constexpr int kAsked = 100;
  append_large(1);
  raise_head();
  ASSERT_EQ(as_text(ask("HELLO", wire::to_json(wire::Hello{})).at(1)), "WELCOME");
  const std::string query =
      wire::to_json(wire::ReadQuery{.after = kFacts, .selection = with_attachments()});
  for (int i = 0; i < kAsked; ++i) ASSERT_TRUE(say("READ", query));
  int answered = 0;
  int refused = 0;
  while (answered + refused < kAsked) {
    const std::vector<Bytes> frames = next_answer();
    ASSERT_FALSE(frames.empty()) << answered << " answered, " << refused << " refused";
    if (as_text(frames[1]) == "END") ++answered;
    if (as_text(frames[1]) != "ERROR") continue;
    ++refused;
    EXPECT_EQ(wire::read_error_from(frames[3]).value().code, "overloaded");
  }
  EXPECT_GT(answered, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(as_text(ask("READ", query).at(1)), "FACTS") << "it reads again";
}

// Few answers fit into libzmq's queue.
class NarrowReadLoopTest : public ReadLoopTest {
 protected:
  NarrowReadLoopTest() : ReadLoopTest(2) {}
};

TEST_F(NarrowReadLoopTest, AFollowerThatDoesNotReadPausesAndMissesNothing) {
  constexpr std::size_t kLarge = 60;
  ASSERT_EQ(as_text(ask("HELLO", wire::to_json(wire::Hello{})).at(1)), "WELCOME");
  const auto caught_up =
      ask("FOLLOW",
          wire::to_json(wire::FollowQuery{.credit = kCreditMax, .selection = with_attachments()}));
  ASSERT_EQ(as_text(caught_up.at(1)), "CAUGHT_UP");
  append_large(kLarge);
  testing::ChainedFacts(memory_).fill(memory_, kFellBehindFacts + 1, 1000);
  const Position end = raise_head();

  bool fell_behind = false;
  Position reached = kFacts;
  while (reached < end) {
    const std::vector<Bytes> frames = next_answer();
    ASSERT_FALSE(frames.empty()) << "nothing came after position " << reached;
    const std::string_view verb = as_text(frames[1]);
    ASSERT_NE(verb, "ERROR") << as_text(frames[3]);
    fell_behind = fell_behind || verb == "FELL_BEHIND";
    if (verb == "FACTS") reached = wire::progress_from(frames[3]).value().position;
  }
  EXPECT_TRUE(fell_behind);
}

TEST_F(ReadLoopTest, AnIdentityGetsNoMoreThanItsFollows) {
  ASSERT_EQ(as_text(ask("HELLO", wire::to_json(wire::Hello{})).at(1)), "WELCOME");
  const std::string query = wire::to_json(wire::FollowQuery{});
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i <= kFollowersPerIdentityMax; ++i) {
    const std::string id = "follow-" + std::to_string(i);
    ASSERT_TRUE(say("FOLLOW", query, id));
    do {  // Those before beat meanwhile.
      frames = next_answer();
      ASSERT_FALSE(frames.empty());
    } while (as_text(frames[2]) != id);
  }
  ASSERT_EQ(as_text(frames[1]), "ERROR");
  EXPECT_EQ(wire::read_error_from(frames[3]).value().code, "overloaded");
}

}  // namespace
}  // namespace keytrail::eventstore
