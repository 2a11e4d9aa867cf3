#include "bus/wire/host_channel.h"

#include <map>

#include "bus/wire/mailbox.h"
#include "tests/bus/wire/wire_fixture.h"

namespace keytrail::wire {
namespace {

class HostChannelTest : public WireTest {
 protected:
  HostChannelTest() { context_.allow({{"esxi/host-1", peer_keys_.public_key, {"host"}}}); }

  [[nodiscard]] CurveKeys peer_keys_again() const {
    return {.public_key = peer_keys_.public_key, .secret_key = peer_keys_.secret_key.clone()};
  }

  // Asks under one nonce after the other until one is answered whole, as a host does: the first
  // may be lost before the connection stands. Gives that answer's keys, in the order of arrival.
  std::vector<SealedKey> ask(const HostChannelServer& server, const std::vector<KeyId>& keys) {
    struct Received {
      Bytes nonce;
      std::vector<SealedKey> keys;
    };
    Mailbox<Received> mailbox(1024);
    HostChannelClient client(context_, server.endpoint(), server_keys_.public_key,
                             peer_keys_again(), [&](Bytes answered, std::vector<SealedKey> sealed) {
                               EXPECT_TRUE(mailbox.put({std::move(answered), std::move(sealed)}));
                             });
    EXPECT_TRUE(client.start().ok());
    std::map<Bytes, std::vector<SealedKey>> received;
    for (std::uint8_t question = 1; question < 100; ++question) {
      client.want({.boot = "boot-1", .nonce = Bytes(kNonceBytes, question), .keys = keys});
      const int fds[] = {mailbox.fd()};
      for (int i = 0; i < 20; ++i) {
        wait_readable({}, fds, 10);
        for (Received& arrived : mailbox.take_all()) {
          std::vector<SealedKey>& whole = received[arrived.nonce];
          for (SealedKey& key : arrived.keys) whole.push_back(std::move(key));
          if (whole.size() >= keys.size()) return whole;
        }
      }
    }
    return {};
  }

  Context context_;
};

TEST_F(HostChannelTest, AWantIsAnsweredToTheHostWhoseKeyAsked) {
  HostChannelServer* channel = nullptr;
  HostChannelServer server(
      context_, "tcp://127.0.0.1:*", server_keys_, [&](const std::string& host, const Want& want) {
        EXPECT_EQ(host, "esxi/host-1");
        EXPECT_EQ(want.boot, "boot-1");
        ASSERT_EQ(want.keys.size(), 2U);
        EXPECT_EQ(want.keys[1], (KeyId{"prod", "k2"}));
        channel->answer("esxi/host-2", want.nonce, {});  // nobody: dropped
        channel->answer(
            host, want.nonce,
            {{want.keys[0], {1, 2}, {3, 4, 5}, ""}, {want.keys[1], {}, {}, "no such key"}});
      });
  channel = &server;
  ASSERT_TRUE(server.start().ok());
  const std::vector<SealedKey> received = ask(server, {{"prod", "k1"}, {"prod", "k2"}});
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0].key, (KeyId{"prod", "k1"}));
  EXPECT_EQ(received[0].encapsulation, (Bytes{1, 2}));
  EXPECT_EQ(received[0].ciphertext, (Bytes{3, 4, 5}));
  EXPECT_EQ(received[1].detail, "no such key");
}

TEST_F(HostChannelTest, KeysThatComeOneByOneAllArriveForOneQuestion) {
  HostChannelServer* channel = nullptr;
  HostChannelServer server(context_, "tcp://127.0.0.1:*", server_keys_,
                           [&](const std::string& host, const Want& want) {
                             for (const KeyId& key : want.keys) {
                               channel->answer(host, want.nonce, {{key, {1}, {2}, ""}});
                             }
                           });
  channel = &server;
  ASSERT_TRUE(server.start().ok());
  const std::vector<SealedKey> received =
      ask(server, {{"prod", "k1"}, {"prod", "k2"}, {"prod", "k3"}});
  ASSERT_EQ(received.size(), 3U);
  EXPECT_EQ(received[0].key, (KeyId{"prod", "k1"}));
  EXPECT_EQ(received[1].key, (KeyId{"prod", "k2"}));
  EXPECT_EQ(received[2].key, (KeyId{"prod", "k3"}));
}

TEST_F(HostChannelTest, AHostMayOweMoreKeysThanOneMessageCarries) {
  std::vector<KeyId> owed;
  for (std::size_t i = 0; i < 2 * kWantedKeysMax + 1; ++i) {
    owed.push_back({"prod", "k" + std::to_string(i)});
  }
  HostChannelServer* channel = nullptr;
  Bytes nonce;
  std::vector<SealedKey> keys;  // Answered at once when all were asked: longer than a message too.
  HostChannelServer server(context_, "tcp://127.0.0.1:*", server_keys_,
                           [&](const std::string& host, const Want& want) {
                             if (want.nonce != nonce) keys.clear();
                             nonce = want.nonce;
                             EXPECT_LE(want.keys.size(), kWantedKeysMax);
                             for (const KeyId& key : want.keys) keys.push_back({key, {1}, {2}, ""});
                             if (keys.size() == owed.size()) channel->answer(host, nonce, keys);
                           });
  channel = &server;
  ASSERT_TRUE(server.start().ok());
  const std::vector<SealedKey> received = ask(server, owed);
  ASSERT_EQ(received.size(), owed.size());
  for (std::size_t i = 0; i < owed.size(); ++i) EXPECT_EQ(received[i].key, owed[i]);
}

TEST_F(HostChannelTest, WhatIsNoEndpointOrNoKeyIsToldAndNothingRuns) {
  const auto start = [&](const std::string& endpoint, const std::string& key) {
    HostChannelClient client(context_, endpoint, key, peer_keys_again(),
                             [](const Bytes&, const std::vector<SealedKey>&) {});
    client.want({.boot = "boot-1", .nonce = Bytes(kNonceBytes, 1), .keys = {{"prod", "k1"}}});
    return client.start();
  };
  for (const Result<void>& started :
       {start("127.0.0.1:5731", server_keys_.public_key), start("", server_keys_.public_key),
        start("tcp://127.0.0.1:1", "no key")}) {
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
  }
}

TEST(HostFramesTest, WhatWasEncodedIsDecoded) {
  const std::vector<KeyId> keys{{"", "a"}, {"prod", std::string(kHostPieceBytesMax, 'k')}};
  const auto decoded = decode_keys(encode_keys(keys));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, keys);
  EXPECT_TRUE(decode_keys({}).ok());
}

TEST(HostFramesTest, EveryCutOfAMessageIsMalformedOrShorterNeverACrash) {
  const Bytes whole = encode_sealed_keys({{{"prod", "k1"}, {1, 2}, {3}, "d"}});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_sealed_keys(ByteView(whole).first(size)).ok()) << size;
  }
  EXPECT_FALSE(decode_keys(Bytes{0xff, 0xff, 0}).ok());
  EXPECT_FALSE(decode_keys(Bytes(4 * (kWantedKeysMax + 1), 0)).ok());
}

}  // namespace
}  // namespace keytrail::wire
