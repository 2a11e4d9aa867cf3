#include "cli/up/supervisor.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/up/control.h"
#include "tests/support/manual_clock.h"

namespace keytrail::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest()
      : supervisor_(clock_, [this](const std::string& text) { told_.push_back(text); }) {
    char name[] = "/tmp/keytrail-supervisor.XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~SupervisorTest() override { std::filesystem::remove_all(folder_); }

  void add(const std::string& name, std::vector<std::string> command) {
    supervisor_.add({name, std::move(command), folder_ + "/" + name + ".log"});
  }
  // Until `reached`, at most ten seconds.
  template <class Reached>
  bool run_until(Reached reached) {
    const TimeNs deadline = clock_.monotonic() + 10'000'000'000;
    while (!reached()) {
      if (clock_.monotonic() > deadline) return false;
      std::vector<pollfd> items;
      for (const int fd : supervisor_.fds()) items.push_back({fd, POLLIN, 0});
      (void)poll(items.data(), items.size(), 20);
      supervisor_.step();
    }
    return true;
  }
  PartStatus status(const std::string& name) {
    for (const PartStatus& part : supervisor_.status()) {
      if (part.name == name) return part;
    }
    return {};
  }

  SystemClock clock_;
  std::vector<std::string> told_;
  std::string folder_;
  Supervisor supervisor_;
};

TEST_F(SupervisorTest, APartThatEndsByItselfIsToldAndStartedAgain) {
  add("part", {"/bin/false"});
  ASSERT_TRUE(supervisor_.start("part").ok());
  ASSERT_TRUE(run_until([&] { return told_.size() >= 2; }));
  EXPECT_THAT(told_[0], HasSubstr("part exited with 1; it is started again now"));
  EXPECT_THAT(told_[1], HasSubstr("in 1 s"));
}

TEST(SupervisorBackOffTest, BeginsAnewOnlyAfterThePartAnswered) {
  for (const bool answers : {false, true}) {
    test::ManualClock clock;
    clock.advance(1'000'000'000);
    std::vector<std::string> told;
    Supervisor supervisor(clock, [&](const std::string& text) { told.push_back(text); });
    supervisor.add({"part", {"/bin/sleep", "60"}, "/dev/null"});
    ASSERT_TRUE(supervisor.start("part").ok());
    for (std::size_t deaths = 1; deaths <= 3; ++deaths) {
      EXPECT_EQ(supervisor.next_unheard(), "part");
      if (answers) supervisor.answered("part");
      EXPECT_EQ(supervisor.next_unheard().has_value(), !answers);
      clock.advance(6'000'000'000);
      ASSERT_EQ(::kill(supervisor.status().front().pid, SIGKILL), 0);
      for (int i = 0; i < 500 && told.size() < deaths; ++i) {
        pollfd item{supervisor.fds().front(), POLLIN, 0};
        (void)poll(&item, 1, 20);
        supervisor.step();
      }
      ASSERT_EQ(told.size(), deaths);
      clock.advance(4'000'000'000);
      supervisor.step();
    }
    EXPECT_THAT(told.back(), HasSubstr(answers ? "started again now" : "started again in 2 s"));
    ASSERT_TRUE(supervisor.kill("part").ok());
    for (int i = 0; i < 500 && !supervisor.all_down(); ++i) {
      pollfd item{supervisor.fds().front(), POLLIN, 0};
      (void)poll(&item, 1, 20);
      supervisor.step();
    }
    EXPECT_TRUE(supervisor.all_down());
  }
}

TEST(SupervisorTimerTest, APartThatWasKilledAndIsNotGoneYetIsWaitedForWithRest) {
  test::ManualClock clock;
  clock.advance(1'000'000'000);
  Supervisor supervisor(clock, [](const std::string&) {});
  supervisor.add({"part", {"/bin/sleep", "60"}, "/dev/null"});
  ASSERT_TRUE(supervisor.start("part").ok());
  // Stopped, it leaves SIGTERM alone: only the supervisor's SIGKILL ends it.
  ASSERT_EQ(::kill(supervisor.status().front().pid, SIGSTOP), 0);
  ASSERT_TRUE(supervisor.stop("part").ok());
  EXPECT_GT(supervisor.next_timer_ms(), 14'000);
  clock.advance(16'000'000'000);
  supervisor.step();
  EXPECT_FALSE(supervisor.all_down());
  EXPECT_GT(supervisor.next_timer_ms(), 500);
  pollfd item{supervisor.fds().front(), POLLIN, 0};
  ASSERT_EQ(poll(&item, 1, 10'000), 1);
  supervisor.step();
  EXPECT_TRUE(supervisor.all_down());
}

TEST_F(SupervisorTest, AKilledPartStaysDownUntilStart) {
  add("part", {"/bin/sleep", "60"});
  ASSERT_TRUE(supervisor_.start("part").ok());
  ASSERT_TRUE(supervisor_.kill("part").ok());
  ASSERT_TRUE(run_until([&] { return status("part").condition == PartCondition::kDown; }));
  EXPECT_EQ(status("part").last_end, "killed by signal 9");
  EXPECT_TRUE(told_.empty());
  ASSERT_TRUE(supervisor_.start("part").ok());
  EXPECT_EQ(status("part").condition, PartCondition::kRunning);
}

TEST_F(SupervisorTest, AllStopInTheReverseOrderOfTheirStart) {
  const std::string order = folder_ + "/order";
  for (const std::string name : {"first", "second", "third"}) {
    add(name, {"/bin/sh", "-c",
               "trap 'echo " + name + " >>" + order + "; exit 0' TERM; echo up >" + folder_ + "/" +
                   name + ".up; while :; do sleep 0.05; done"});
    ASSERT_TRUE(supervisor_.start(name).ok());
  }
  ASSERT_TRUE(run_until([&] {
    return std::filesystem::exists(folder_ + "/first.up") &&
           std::filesystem::exists(folder_ + "/second.up") &&
           std::filesystem::exists(folder_ + "/third.up");
  }));
  supervisor_.stop_all();
  ASSERT_TRUE(run_until([&] { return supervisor_.all_down(); }));
  std::ifstream file(order);
  std::vector<std::string> stopped;
  for (std::string line; std::getline(file, line);) stopped.push_back(line);
  EXPECT_THAT(stopped, ElementsAre("third", "second", "first"));
  ASSERT_EQ(told_.size(), 3U);
  EXPECT_THAT(told_[0], HasSubstr("third is down"));
  EXPECT_THAT(told_[2], HasSubstr("first is down"));
}

TEST_F(SupervisorTest, AnUnknownPartIsRefusedWithTheNamesThereAre) {
  add("kms-1", {"/bin/sleep", "60"});
  const Result<void> started = supervisor_.start("kms-9");
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().detail, HasSubstr("the parts are kms-1"));
}

TEST_F(SupervisorTest, AProgramThatIsNotThereIsToldNotSilent) {
  add("part", {"/nonexistent"});
  (void)supervisor_.start("part");
  ASSERT_TRUE(run_until([&] { return !told_.empty(); }));
  EXPECT_THAT(told_[0], HasSubstr("exited with 127"));
}

TEST_F(SupervisorTest, TheControlSocketAnswersALineAndRefusesASecondServer) {
  const std::string data = folder_ + "/" + std::string(150, 'd');  // longer than a socket address
  std::filesystem::create_directories(data + "/run");
  Result<ControlServer> server = ControlServer::listen(
      data + "/run/up.sock", [](const std::string& line) { return "heard " + line; });
  ASSERT_TRUE(server.ok()) << server.error().detail;
  EXPECT_FALSE(ControlServer::listen(data + "/run/up.sock", {}).ok());
  Result<std::string> answer = Error{};
  std::atomic<bool> answered = false;
  std::thread client([&] {
    answer = ask_supervisor(data, "status");
    answered = true;
  });
  EXPECT_TRUE(run_until([&] {
    server->step();
    return answered.load();
  }));
  client.join();
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_EQ(*answer, "heard status");
}

}  // namespace
}  // namespace keytrail::cli
