#include "bus/wire/workers.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>

namespace keytrail::wire {
namespace {

TEST(WorkersTest, OneThreadDoesJobsInTheOrderInWhichTheyCame) {
  std::vector<int> done;
  std::promise<void> last;
  Workers workers(1, 8);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(workers.put([&done, i] { done.push_back(i); }));
  EXPECT_TRUE(workers.put([&last] { last.set_value(); }));
  last.get_future().wait();
  EXPECT_THAT(done, testing::ElementsAre(0, 1, 2));
}

TEST(WorkersTest, SeveralThreadsWorkAtOnce) {
  // Two jobs that wait for each other: one thread alone would never end them.
  std::promise<void> first, second;
  std::promise<void> both;
  Workers workers(2, 8);
  EXPECT_TRUE(workers.put([&] {
    first.set_value();
    second.get_future().wait();
    both.set_value();
  }));
  EXPECT_TRUE(workers.put([&] {
    first.get_future().wait();
    second.set_value();
  }));
  both.get_future().wait();
}

TEST(WorkersTest, AJobTooManyIsNotTaken) {
  std::promise<void> running, go_on, last;
  std::atomic<bool> too_many_ran = false;
  Workers workers(1, 2);
  EXPECT_TRUE(workers.put([&] {
    running.set_value();
    go_on.get_future().wait();
  }));
  running.get_future().wait();  // It waits no longer, so two more may.
  EXPECT_TRUE(workers.put([] {}));
  EXPECT_TRUE(workers.put([&] { last.set_value(); }));
  EXPECT_FALSE(workers.put([&] { too_many_ran = true; }));
  go_on.set_value();
  last.get_future().wait();
  EXPECT_FALSE(too_many_ran);
}

TEST(WorkersTest, TheEndLetsARunningJobEndAndDropsThoseThatWait) {
  std::promise<void> running, ending;
  std::atomic<bool> ended = false;
  std::atomic<bool> dropped_ran = false;
  {
    Workers workers(1, 8);
    EXPECT_TRUE(workers.put([&] {
      running.set_value();
      ending.get_future().wait();
      ended = true;
    }));
    running.get_future().wait();
    // When the captures of a job that waits die, the destructor is at work: only now may the first
    // end.
    const std::shared_ptr<void> on_drop(nullptr, [&](void*) { ending.set_value(); });
    EXPECT_TRUE(workers.put([&dropped_ran, on_drop] { dropped_ran = true; }));
  }
  EXPECT_TRUE(ended);
  EXPECT_FALSE(dropped_ran);
}

}  // namespace
}  // namespace keytrail::wire
