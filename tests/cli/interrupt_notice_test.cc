#include "cli/interrupt_notice.h"

#include <gtest/gtest.h>

namespace keytrail::cli {
namespace {

TEST(InterruptNoticeTest, ASignalEndsTheProcessAsEverAndIsToldFirst) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(
        {
          const InterruptNotice notice(goes_on_without_us("vm", "vm-1"));
          raise(signal);
        },
        ::testing::KilledBySignal(signal),
        "keytrail: interrupted, but vCenter goes on with vm-1: .keytrail vm list.*events follow .*--vm vm-1");
  }
}

TEST(InterruptNoticeTest, NothingIsToldOnceItIsOver) {
  { const InterruptNotice notice("nobody reads this"); }
  EXPECT_EXIT(raise(SIGINT), ::testing::KilledBySignal(SIGINT), "^$");
}

TEST(InterruptNoticeTest, ASignalThatWasIgnoredStaysSo) {
  EXPECT_EXIT(
      {
        signal(SIGINT, SIG_IGN);
        const InterruptNotice notice("nobody reads this");
        raise(SIGINT);
        _exit(7);
      },
      ::testing::ExitedWithCode(7), "^$");
}

}  // namespace
}  // namespace keytrail::cli
