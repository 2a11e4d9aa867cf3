#include "kms/service/keyring_port.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include "bus/wire/wake_event.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"

namespace keytrail::kms {
namespace {

kmip::TlsIdentity identity(const std::string& name) {
  const auto now = static_cast<std::int64_t>(::time(nullptr));
  SecretBytes key = kmip::make_private_key().value();
  std::string pem = kmip::make_self_signed(key, {.common_name = name,
                                                 .use = kmip::CertificateUse::kServerAndClient,
                                                 .not_before_seconds = now - 3600,
                                                 .not_after_seconds = now + 3600})
                        .value();
  return {.certificate_pem = std::move(pem), .key_pem = std::move(key)};
}
Hash fingerprint(const kmip::TlsIdentity& of) {
  return kmip::certificate_fingerprint(of.certificate_pem).value();
}

class KeyringPortTest : public ::testing::Test {
 protected:
  void start(std::function<void(KeyringPort&, AskerToken, const Hash&)> on_asked) {
    port_ = KeyringPort::start(
                "tcp://127.0.0.1:0", granter_,
                [this, on_asked](AskerToken token, const std::string&, const Hash& certificate) {
                  on_asked(*port_, token, certificate);
                },
                [this](const std::string&, const std::string&) { ++refused_; })
                .value();
  }

  kmip::TlsIdentity granter_ = identity("kms-1");
  kmip::TlsIdentity joiner_ = identity("kms-2");
  wire::WakeEvent stop_;
  std::atomic<int> refused_ = 0;
  std::unique_ptr<KeyringPort> port_;
};

TEST_F(KeyringPortTest, HandsOverKeyringAndAuthorityToWhoeverTheCoreGrants) {
  const Hash expected = fingerprint(joiner_);
  start([&](KeyringPort& port, AskerToken token, const Hash& certificate) {
    if (certificate != expected) return port.refuse(token, "unknown");
    port.grant(token, {.keyring = SecretBytes::copy_of(as_bytes("ring")),
                       .ca_key_pem = SecretBytes::copy_of(as_bytes("key")),
                       .ca_certificate_pem = "certificate"});
  });
  const auto handover =
      fetch_keyring(port_->endpoint(), fingerprint(granter_), joiner_, stop_.fd());
  ASSERT_TRUE(handover.ok()) << handover.error().detail;
  EXPECT_TRUE(handover->keyring.equals(as_bytes("ring")));
  EXPECT_TRUE(handover->ca_key_pem.equals(as_bytes("key")));
  EXPECT_EQ(handover->ca_certificate_pem, "certificate");
}

TEST_F(KeyringPortTest, TellsWhyNot) {
  start([](KeyringPort& port, AskerToken token, const Hash&) {
    port.refuse(token, "no replica with that certificate is admitted");
  });
  const auto handover =
      fetch_keyring(port_->endpoint(), fingerprint(granter_), joiner_, stop_.fd());
  ASSERT_FALSE(handover.ok());
  EXPECT_EQ(handover.error().code, ErrorCode::kRefused);
  EXPECT_EQ(handover.error().detail, "no replica with that certificate is admitted");
}

TEST_F(KeyringPortTest, AJoinerTakesNothingFromAnotherThanThePinnedReplica) {
  std::atomic<bool> asked = false;
  start([&](KeyringPort& port, AskerToken token, const Hash&) {
    asked = true;
    port.refuse(token, "no");
  });
  const auto handover = fetch_keyring(port_->endpoint(), Hash{}, joiner_, stop_.fd());
  ASSERT_FALSE(handover.ok());
  EXPECT_EQ(handover.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(asked);
}

TEST_F(KeyringPortTest, AJoinerThatIsToStopWaitsForNobody) {
  start([this](KeyringPort&, AskerToken, const Hash&) { stop_.set(); });  // And no answer.
  const auto begun = std::chrono::steady_clock::now();
  const auto handover =
      fetch_keyring(port_->endpoint(), fingerprint(granter_), joiner_, stop_.fd());
  ASSERT_FALSE(handover.ok());
  EXPECT_EQ(handover.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(handover.error().detail, "told to stop");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8));
}

TEST_F(KeyringPortTest, TurnsAwayWhoSpeaksAnotherProtocol) {
  start([](KeyringPort&, AskerToken, const Hash&) { FAIL() << "nobody was to be asked about"; });
  const std::string endpoint = port_->endpoint();
  const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  const auto seen = kmip::look_at_server({.host = "127.0.0.1", .port = port}, 5000);
  (void)seen;  // Whether it got that far or not: it is turned away.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (refused_ == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(refused_, 1);
}

// One byte of a handshake now and then keeps every single read short of its bound.
TEST_F(KeyringPortTest, APeerThatTricklesDoesNotHoldThePort) {
  port_ = KeyringPort::start(
              "tcp://127.0.0.1:0", granter_, [](AskerToken, const std::string&, const Hash&) {},
              [this](const std::string&, const std::string&) { ++refused_; },
              std::chrono::milliseconds(200))
              .value();
  const std::string endpoint = port_->endpoint();
  const int slow = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(slow, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  // A record of TLS that is announced to be long.
  const std::uint8_t record[] = {22, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc};
  for (std::size_t sent = 0; refused_ == 0 && std::chrono::steady_clock::now() < end; ++sent) {
    const std::uint8_t byte = sent < sizeof record ? record[sent] : 0;
    (void)::send(slow, &byte, 1, MSG_NOSIGNAL);
    pollfd pause{slow, POLLIN, 0};
    ::poll(&pause, 1, 20);
  }
  EXPECT_EQ(refused_, 1);
  ::close(slow);
}

TEST_F(KeyringPortTest, APortInUseIsToldInASentence) {
  start([](KeyringPort&, AskerToken, const Hash&) {});
  const auto second = KeyringPort::start(port_->endpoint(), granter_, {}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().detail.find(port_->endpoint()), std::string::npos);
}

TEST(KeyringEndpointTest, WhatIsNoAddressIsRefused) {
  const kmip::TlsIdentity own = identity("kms-1");
  for (const char* bad : {"", "tcp://", "127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:",
                          "tcp://127.0.0.1:70000", "tcp://x:1", "tcp://127.0.0.1:1x"}) {
    EXPECT_FALSE(KeyringPort::start(bad, own, {}, {}).ok()) << bad;
  }
}

}  // namespace
}  // namespace keytrail::kms
