#include "bus/wire/host_channel.h"

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

  Context context_;
};

struct Received {
  Bytes nonce;
  std::vector<SealedKey> keys;
};

TEST_F(HostChannelTest, AWantIsAnsweredToTheHostWhoseKeyAsked) {
  const Bytes nonce(kNonceBytes, 7);
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
  Mailbox<Received> mailbox(4);
  HostChannelClient client(context_, server.endpoint(), server_keys_.public_key, peer_keys_again(),
                           [&](Bytes answered, std::vector<SealedKey> keys) {
                             EXPECT_TRUE(mailbox.put({std::move(answered), std::move(keys)}));
                           });
  std::vector<Received> received;
  for (int i = 0; i < 100 && received.empty();
       ++i) {  // Asked again until connected, as a host does.
    client.want({.boot = "boot-1", .nonce = nonce, .keys = {{"prod", "k1"}, {"prod", "k2"}}});
    const int fds[] = {mailbox.fd()};
    wait_readable({}, fds, 50);
    received = mailbox.take_all();
  }
  ASSERT_FALSE(received.empty());
  EXPECT_EQ(received[0].nonce, nonce);
  ASSERT_EQ(received[0].keys.size(), 2U);
  EXPECT_EQ(received[0].keys[0].key, (KeyId{"prod", "k1"}));
  EXPECT_EQ(received[0].keys[0].encapsulation, (Bytes{1, 2}));
  EXPECT_EQ(received[0].keys[0].ciphertext, (Bytes{3, 4, 5}));
  EXPECT_EQ(received[0].keys[1].detail, "no such key");
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
