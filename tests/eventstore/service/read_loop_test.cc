#include "eventstore/service/read_loop.h"

#include <gtest/gtest.h>

#include <atomic>

#include "bus/wire/context.h"
#include "tests/support/chained_facts.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

constexpr Position kFacts = 10;

// The read socket alone, over a log that fails on demand; a part that may append is on it.
class ReadLoopTest : public ::testing::Test {
 protected:
  ReadLoopTest() {
    context_.allow({{"kms/kms-1", part_keys_.public_key, {"read"}}});
    testing::ChainedFacts(memory_).fill(memory_, kFacts, kFacts);
    auto socket = wire::Socket::bind(context_, wire::SocketKind::kRouter, "tcp://127.0.0.1:*",
                                     "read", store_keys_, {});
    KEYTRAIL_CHECK(socket.ok());
    part_.emplace(wire::Socket::connect(context_, wire::SocketKind::kDealer, socket->endpoint(),
                                        store_keys_.public_key, part_keys_)
                      .value());
    shared_.emplace(protocol::Head{.generation = 1, .durable_head = kFacts},
                    bootstrap({{.name = "kms/kms-1",
                                .curve_key = part_keys_.public_key,
                                .sockets = {"append", "read"}}})
                        .value());
    loop_.emplace(std::move(socket).value(), log_, *shared_, "test", 500,
                  ReadLoop::Reports{.on_failure = [this](const std::string&) { ++failures_; },
                                    .on_refused = [](const std::string&, const std::string&) {}});
  }

  // The frames of the answer: KT1, verb, id, body.
  std::vector<Bytes> ask(std::string_view verb, const std::string& body) {
    part_->send({as_bytes(wire::kProtocolName), as_bytes(verb), as_bytes("1"), as_bytes(body)});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    wire::Message answer;
    while (!part_->receive(answer)) {
      if (std::chrono::steady_clock::now() > end) return {};
      wire::wait_readable({&*part_}, {}, 20);
    }
    return std::move(answer.frames);
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
      ask("HELLO", wire::to_json(wire::Hello{
                       .log = {},
                       .known = {.generation = 1, .position = end.position, .leaf = end.leaf}}));
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

}  // namespace
}  // namespace keytrail::eventstore
