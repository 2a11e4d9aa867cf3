// SIGKILL of the event store under load: what was acknowledged is there afterwards. The control, a
// store that acknowledges before it writes, must lose some: else this test could not fail.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "bus/events/codec.h"
#include "bus/wire/context.h"
#include "bus/wire/log_link.h"
#include "eventstore/log/chain.h"
#include "eventstore/log/rocks_log.h"
#include "tests/support/temp_folder.h"

namespace keytrail::eventstore {
namespace {

constexpr int kRounds = 30;
constexpr std::uint64_t kInFlight = 200;
constexpr std::chrono::seconds kPatience{20};

class StoreKillTest : public ::testing::Test {
 protected:
  StoreKillTest() {
    EXPECT_TRUE(wire::write_curve_keys(folder_.file("server.key"), server_keys_).ok());
    EXPECT_TRUE(wire::write_curve_keys(folder_.file("author.key"), author_keys_).ok());
  }
  ~StoreKillTest() override { kill_store(); }

  void start_store(const std::string& mode) {
    const std::string program = std::string(KEYTRAIL_BINARY_DIR) + "/tests/crash/store_process";
    store_ = ::fork();
    if (store_ == 0) {
      ::execl(program.c_str(), program.c_str(), folder_.path().c_str(), mode.c_str(), nullptr);
      ::_exit(127);
    }
    ASSERT_GT(store_, 0);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!std::filesystem::exists(folder_.file("endpoints")) &&
           std::chrono::steady_clock::now() < end)
      ::usleep(1000);
    ASSERT_TRUE(std::filesystem::exists(folder_.file("endpoints")));
  }
  void kill_store() {
    if (store_ <= 0) return;
    ::kill(store_, SIGKILL);
    ::waitpid(store_, nullptr, 0);
    store_ = 0;
  }

  [[nodiscard]] std::unique_ptr<wire::LogLink> connect() {
    wire::LogEndpoints at;
    std::string command;
    std::ifstream(folder_.file("endpoints")) >> at.append >> at.live >> at.read >> command;
    at.server_key = server_keys_.public_key;
    return std::make_unique<wire::LogLink>(
        context_,
        wire::LogLinkOptions{
            .author = "kms/kms-1",
            .endpoints = at,
            .last_file = {},
            .follower = {.topics = protocol::topic_bit(protocol::Topic::kKmsChange)},
            .appender = {}},
        wire::CurveKeys{author_keys_.public_key, author_keys_.secret_key.clone()}, clock_);
  }

  // Keeps units in flight until `wanted` more were acknowledged; notes what was.
  void load(wire::LogLink& link, std::size_t wanted) {
    const std::size_t goal = acknowledged_.size() + wanted;
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (acknowledged_.size() < goal) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "no acknowledgements any more";
      while (submitted_ - acknowledged_.size() < kInFlight) submit(link);
      link.wait(10, {});
      take(link);
    }
  }
  void submit(wire::LogLink& link) {
    Body body;
    body.stream = "kms/kms-1/epoch";
    body.user = "user-" + std::to_string(++submitted_);
    body.action.bytes[0] = 1;
    body.event = part::Event(part::PartStopped{.epoch = 1});
    link.submit(submitted_, {.facts = {body}, .guards = {}, .attachments = {}});
  }
  void take(wire::LogLink& link) {
    for (const wire::LinkEvent& event : link.take_events()) {
      if (const auto* accepted = std::get_if<wire::TransactionAccepted>(&event)) {
        acknowledged_.emplace(accepted->first, accepted->id);
      }
      if (const auto* ended = std::get_if<wire::LinkEnded>(&event)) FAIL() << ended->reason;
    }
  }
  void begin(wire::LogLink& link) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (link.state() != protocol::FollowState::kLive) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      link.wait(10, {});
    }
    link.begin_epoch(0, "test");
  }

  // The acknowledged units that are not where they were acknowledged to be, once.
  [[nodiscard]] std::size_t lost() {
    OsRandom random;
    const auto log = RocksLog::open(folder_.file("db"), random);
    EXPECT_TRUE(log.ok());
    std::map<std::string, int> seen;
    std::map<Position, std::string> users;
    const auto whole = check_log(
        **log, std::nullopt, [&](ByteView stamp, ByteView body, const Hash&) -> Result<void> {
          const auto fact = decode_fact({.stamp = to_bytes(stamp), .body = to_bytes(body)});
          users[fact.value().stamp.position] = fact.value().body.user;
          ++seen[fact.value().body.user];
          return {};
        });
    EXPECT_TRUE(whole.ok()) << whole.error().detail;
    std::size_t missing = 0;
    for (const auto& [position, id] : acknowledged_) {
      const std::string user = "user-" + std::to_string(id);
      if (users[position] != user) ++missing;
      EXPECT_LE(seen[user], 1) << user;
    }
    return missing;
  }

  testing::TempFolder folder_;
  OsRandom random_;
  SystemClock clock_;
  wire::CurveKeys server_keys_ = wire::make_curve_keys(random_);
  wire::CurveKeys author_keys_ = wire::make_curve_keys(random_);
  wire::Context context_;
  pid_t store_ = 0;
  std::uint64_t submitted_ = 0;
  std::map<Position, std::uint64_t> acknowledged_;
};

TEST_F(StoreKillTest, EveryAcknowledgedFactIsThereAfterThirtyKillsUnderLoad) {
  std::mt19937 dice(20'240'601);
  start_store("honest");
  ASSERT_FALSE(HasFatalFailure());
  const std::unique_ptr<wire::LogLink> link = connect();
  begin(*link);
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    load(*link, 1 + dice() % 300);
    kill_store();
    take(*link);
    start_store("honest");
  }
  if (!HasFatalFailure()) load(*link, submitted_ - acknowledged_.size());
  kill_store();
  EXPECT_EQ(lost(), 0U);
  RecordProperty("acknowledged", static_cast<int>(acknowledged_.size()));
}

TEST_F(StoreKillTest, AStoreThatAcknowledgesBeforeItWritesLosesSome) {
  start_store("eager");
  ASSERT_FALSE(HasFatalFailure());
  const std::unique_ptr<wire::LogLink> link = connect();
  begin(*link);
  load(*link, 1000);
  kill_store();
  EXPECT_GT(lost(), 0U);
}

}  // namespace
}  // namespace keytrail::eventstore
