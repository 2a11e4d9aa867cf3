#include "bus/wire/socket.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "bus/protocol/messages.h"
#include "tests/bus/wire/wire_fixture.h"

namespace keytrail::wire {
namespace {

constexpr const char* kAnyPort = "tcp://127.0.0.1:*";

class SocketTest : public WireTest {
 protected:
  SocketTest() { context_.allow({{"kms/kms-1", peer_keys_.public_key, {"append", "live"}}}); }

  [[nodiscard]] Socket bind(SocketKind kind, const std::string& domain) {
    auto socket = Socket::bind(context_, kind, kAnyPort, domain, server_keys_);
    EXPECT_TRUE(socket.ok());
    return std::move(socket).value();
  }
  [[nodiscard]] Socket connect(SocketKind kind, const Socket& server, const CurveKeys& keys) {
    auto socket = Socket::connect(context_, kind, server.endpoint(), server_keys_.public_key, keys);
    EXPECT_TRUE(socket.ok());
    return std::move(socket).value();
  }

  [[nodiscard]] std::vector<RefusedPeer> refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

  std::mutex mutex_;
  std::vector<RefusedPeer> refused_;
  Context context_{[this](const RefusedPeer& peer) {
    const std::lock_guard lock(mutex_);
    refused_.push_back(peer);
  }};
};

TEST_F(SocketTest, AMessageCarriesTheIdentityThatTheKeyHasOnTheList) {
  Socket server = bind(SocketKind::kRouter, "append");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  ASSERT_TRUE(client.send({as_bytes("one"), as_bytes("")}));

  Message message;
  ASSERT_TRUE(await(server, message));
  ASSERT_EQ(message.frames.size(), 3U);
  EXPECT_EQ(as_text(message.frames[1]), "one");
  EXPECT_EQ(message.identity, "kms/kms-1");
  EXPECT_EQ(message.address, "127.0.0.1");
  ASSERT_TRUE(server.send({message.frames[0], as_bytes("two")}));
  ASSERT_TRUE(await(client, message));
  EXPECT_EQ(as_text(message.frames[0]), "two");
}

TEST_F(SocketTest, AKeyThatIsNotOnTheListIsRefusedAndReported) {
  Socket server = bind(SocketKind::kRouter, "append");
  const CurveKeys stranger = new_keys();
  Socket client = connect(SocketKind::kDealer, server, stranger);
  client.send({as_bytes("let me in")});

  EXPECT_TRUE(await(client, ConnectionChange::kRefused));
  Message message;
  EXPECT_FALSE(await(server, message, kQuietMs));
  ASSERT_FALSE(refused().empty());
  EXPECT_EQ(refused()[0].socket, "append");
  EXPECT_EQ(refused()[0].address, "127.0.0.1");
  EXPECT_EQ(refused()[0].public_key, stranger.public_key);
}

TEST_F(SocketTest, AKeyOnTheListIsRefusedOnASocketThatIsNotItsOwn) {
  Socket server = bind(SocketKind::kRouter, "command");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  EXPECT_TRUE(await(client, ConnectionChange::kRefused));
}

TEST_F(SocketTest, AClientThatExpectsAnotherServerDoesNotGetThrough) {
  Socket server = bind(SocketKind::kRouter, "append");
  const CurveKeys other = new_keys();
  auto client = Socket::connect(context_, SocketKind::kDealer, server.endpoint(), other.public_key,
                                peer_keys_);
  ASSERT_TRUE(client.ok());
  client->send({as_bytes("to somebody else")});
  Message message;
  EXPECT_FALSE(await(server, message, kQuietMs));
}

// libzmq 4.3.4 lets every key in when a domain is set and no handler is bound, unless it is told
// not to.
TEST_F(SocketTest, WithoutTheHandlerNobodyGetsIn) {
  context_.close_handler();
  Socket server = bind(SocketKind::kRouter, "append");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  client.send({as_bytes("is anybody watching")});
  Message message;
  EXPECT_FALSE(await(server, message, kQuietMs));
}

TEST_F(SocketTest, RebindingEndsTheConnectionOfAKeyThatWasRemoved) {
  Socket server = bind(SocketKind::kRouter, "append");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  ASSERT_TRUE(await(client, ConnectionChange::kReady));

  context_.allow({});
  ASSERT_TRUE(server.rebind().ok());
  // As in a part, the server's thread goes on: libzmq lets go of a connection only while it does.
  std::atomic<bool> over = false;
  std::thread serving([&] {
    Message message;
    while (!over) {
      if (!server.receive(message)) wait_readable({&server}, {}, 20);
    }
  });
  EXPECT_TRUE(await(client, ConnectionChange::kLost));
  EXPECT_TRUE(await(client, ConnectionChange::kRefused));
  over = true;
  serving.join();

  context_.allow({{"kms/kms-1", peer_keys_.public_key, {"append"}}});
  client.try_again();
  EXPECT_TRUE(await(client, ConnectionChange::kReady));  // The port is the same.
}

TEST_F(SocketTest, APortInUseIsNamed) {
  const Socket first = bind(SocketKind::kRouter, "append");
  const auto second =
      Socket::bind(context_, SocketKind::kRouter, first.endpoint(), "append", server_keys_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().detail.find(first.endpoint()), std::string::npos);
}

TEST_F(SocketTest, ASubscriberGetsOnlyWhatItWasGranted) {
  Socket server = bind(SocketKind::kXpub, "live");
  Socket client = connect(SocketKind::kSub, server, peer_keys_);
  client.subscribe("kms.change");
  client.subscribe("kms.sealed");
  Message message;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(await(server, message));
    EXPECT_EQ(message.identity, "kms/kms-1");
    ASSERT_EQ(message.frames[0][0], 1);
    const std::string topic(as_text(ByteView(message.frames[0]).subspan(1)));
    if (topic == "kms.change") server.grant(topic);
  }
  server.send({as_bytes("kms.sealed"), as_bytes("not for you")});
  server.send({as_bytes("kms.change"), as_bytes("for you")});
  ASSERT_TRUE(await(client, message));
  EXPECT_EQ(as_text(message.frames[1]), "for you");
}

TEST_F(SocketTest, AMessageAboveTheCapEndsTheConnectionNotTheServer) {
  Socket server = bind(SocketKind::kRouter, "append");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  ASSERT_TRUE(await(client, ConnectionChange::kReady));
  const Bytes too_large(protocol::kFrameBytesMax + 1);
  client.send({too_large});
  EXPECT_TRUE(await(client, ConnectionChange::kLost));
  ASSERT_TRUE(await(client, ConnectionChange::kReady));
  client.send({as_bytes("small")});
  Message message;
  ASSERT_TRUE(await(server, message));
  EXPECT_EQ(as_text(message.frames[1]), "small");
}

TEST_F(SocketTest, AMessageOfTooManyFramesIsDroppedWhole) {
  Socket server = bind(SocketKind::kRouter, "append");
  Socket client = connect(SocketKind::kDealer, server, peer_keys_);
  const std::vector<ByteView> many(kFramesPerMessageMax + 5, as_bytes("x"));
  ASSERT_TRUE(client.send(std::span<const ByteView>(many)));
  ASSERT_TRUE(client.send({as_bytes("fine")}));
  Message message;
  ASSERT_TRUE(await(server, message));
  EXPECT_EQ(as_text(message.frames[1]), "fine");
}

}  // namespace
}  // namespace keytrail::wire
