#include "cli/listening.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "bus/secret/fd.h"

namespace keytrail::cli {
namespace {

TEST(ListeningTest, APortThatIsBoundAndListenedAtMayListenAndNoneElse) {
  const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(fd.get(), generic, size), 0);
  ASSERT_EQ(getsockname(fd.get(), generic, &size), 0);
  const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_FALSE(may_listen(endpoint));  // Bound, so nobody else has it, and nobody listens.
  ASSERT_EQ(listen(fd.get(), 1), 0);
  EXPECT_TRUE(may_listen(endpoint));
}

TEST(ListeningTest, WhatIsNoNumericAddressIsLeftToWhoeverConnects) {
  EXPECT_TRUE(may_listen("ipc:///tmp/socket"));
  EXPECT_TRUE(may_listen("tcp://kms.example:5711"));
  EXPECT_TRUE(may_listen(""));
}

}  // namespace
}  // namespace keytrail::cli
