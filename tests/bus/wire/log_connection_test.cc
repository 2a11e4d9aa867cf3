#include "bus/wire/log_connection.h"

#include "bus/protocol/message_codec.h"
#include "tests/bus/wire/wire_fixture.h"

namespace keytrail::wire {
namespace {

constexpr const char* kAnyPort = "tcp://127.0.0.1:*";

// A connection to a store that the test plays.
class LogConnectionTest : public WireTest {
 protected:
  LogConnectionTest() {
    context_.allow({{"kms/kms-1", peer_keys_.public_key, {"append", "live", "read"}}});
  }
  [[nodiscard]] Socket bind(SocketKind kind, const std::string& domain) {
    return Socket::bind(context_, kind, kAnyPort, domain, server_keys_).value();
  }
  [[nodiscard]] bool until_ready() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (connection_.state() != LogConnection::State::kReady) {
      if (std::chrono::steady_clock::now() > end) return false;
      wait();
    }
    return true;
  }
  [[nodiscard]] std::vector<Arrival> arrivals() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (std::chrono::steady_clock::now() < end) {
      auto arrived = connection_.take_arrivals();
      EXPECT_TRUE(arrived.ok()) << arrived.error().detail;
      if (!arrived.ok() || !arrived->empty()) return std::move(arrived).value();
      wait();
    }
    return {};
  }
  void wait() {
    wait_readable(
        {&connection_.append_socket(), &connection_.live_socket(), &connection_.read_socket()}, {},
        20);
  }

  Context context_;
  Socket append_ = bind(SocketKind::kRouter, "append");
  Socket live_ = bind(SocketKind::kXpub, "live");
  Socket read_ = bind(SocketKind::kRouter, "read");
  LogConnection connection_ = LogConnection::open(context_,
                                                  {.append = append_.endpoint(),
                                                   .live = live_.endpoint(),
                                                   .read = read_.endpoint(),
                                                   .server_key = server_keys_.public_key},
                                                  peer_keys_)
                                  .value();
};

TEST_F(LogConnectionTest, WhatTheStoreSaysOfAnAppendArrives) {
  ASSERT_TRUE(until_ready());
  connection_.append({.epoch = 1, .units = {}});
  Message message;
  ASSERT_TRUE(await(append_, message));
  append_.send({message.frames[0], as_bytes(kProtocolName), as_bytes("ERROR"),
                as_bytes("malformed bus message")});
  const std::vector<Arrival> arrived = arrivals();
  ASSERT_EQ(arrived.size(), 1U);
  const auto* error = std::get_if<ErrorArrived>(&arrived[0]);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->to, LogConnection::kAppendId);
  EXPECT_EQ(error->error.message, "malformed bus message");
}

}  // namespace
}  // namespace keytrail::wire
