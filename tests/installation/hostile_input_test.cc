// Hostile bytes at every open port of a running installation: from strangers, and from those whose
// key or certificate is good. Nobody dies, nobody hangs, refusals are told, and the installation
// works as before.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "bus/secret/fd.h"
#include "bus/secret/secret_file.h"
#include "bus/secret/unlock.h"
#include "bus/wire/context.h"
#include "bus/wire/socket.h"
#include "kms/kmip/client.h"
#include "kms/kmip/tls.h"
#include "kms/kmip/tls_connection.h"
#include "tests/installation/installation_under_test.h"
#include "tests/support/seeded_random.h"

namespace keytrail::testing {
namespace {

using test::SeededRandom;
using ::testing::HasSubstr;

constexpr int kAnswerMs = 2000;
constexpr int kConnectMs = 5000;
constexpr std::size_t kHeldOpen = 4;  // per port and kind
constexpr int kHoldMs = 20;
constexpr std::size_t kNoiseBytes = 64 * 1024;

std::uint16_t port_in(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

std::string repeated(char c, std::size_t count) { return std::string(count, c); }

// A connection that says whatever it is told to.
class RawConnection {
 public:
  // A port whose queue is full lets one wait: no longer than that.
  RawConnection(std::uint16_t port, int wait_ms)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    pollfd item{fd_.get(), POLLOUT, 0};
    connected_ = ::poll(&item, 1, wait_ms) == 1 && (item.revents & (POLLERR | POLLHUP)) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent =
          ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return;  // It was closed, or nobody reads: fine.
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void half_close() const { ::shutdown(fd_.get(), SHUT_WR); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
  }

 private:
  Fd fd_;
  bool connected_ = false;
};

// What strangers say.
std::map<std::string, std::string> openings() {
  using namespace std::string_literals;
  SeededRandom random(7);
  std::string noise(kNoiseBytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()});
  const std::string greeting = "\xff"s + repeated('\0', 8) + "\x7f\x03\x01"s;
  const std::string curve = greeting + "CURVE"s + repeated('\0', 15) + repeated('\0', 32);
  const std::string plain = greeting + "NULL"s + repeated('\0', 16) + repeated('\0', 32);
  return {
      {"nothing", ""},
      {"noise", noise},
      {"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"ZMTP, a command of 2^63 bytes", curve + "\x06\x7f"s + repeated('\xff', 7) + noise},
      {"ZMTP, HELLO cut short", curve + "\x04\x20\x05HELLO\x01\x00"s},
      {"ZMTP, no security",
       plain + "\x04\x19\x05READY\x0bSocket-Type"s + "\x00\x00\x00\x06"s + "DEALER"s},
      {"ZMTP 1.0", "\x01\x00"s + noise.substr(0, 300)},
      {"TLS, ClientHello cut short", "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"s},
      {"TLS, a record of noise", "\x16\x03\x03\x10\x00"s + noise.substr(0, 4096)},
      {"TTLV without TLS", "\x42\x00\x78\x01\x00\x00\x00\x08\x42\x00\x77\x01\x00\x00\x00\x00"s},
      {"TTLV of 4 GiB", "\x42\x00\x78\x01\xff\xff\xff\xf8"s},
  };
}

// What an enrolled client says inside its TLS session.
std::map<std::string, std::string> requests() {
  using namespace std::string_literals;
  std::string deep;
  for (int left = 2000; left > 0; --left) {
    const auto bytes = static_cast<std::uint32_t>(8 * left);
    deep += "\x42\x00\x78\x01"s;
    for (int shift = 24; shift >= 0; shift -= 8) deep += static_cast<char>(bytes >> shift);
  }
  deep += "\x42\x00\x78\x01\x00\x00\x00\x00"s;
  SeededRandom random(8);
  std::string noise(4096, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(noise.data()), noise.size()});
  return {
      {"noise", noise},
      {"an empty message", "\x42\x00\x78\x01\x00\x00\x00\x00"s},
      {"a message of 4 GiB", "\x42\x00\x78\x01\xff\xff\xff\xf8"s},
      {"another tag", "\x42\x00\x7b\x01\x00\x00\x00\x08"s + repeated('\0', 8)},
      {"a field longer than its message",
       "\x42\x00\x78\x01\x00\x00\x00\x10\x42\x00\x77\x01\x00\x00\x7f\xf8"s + repeated('\0', 8)},
      {"2000 structures in each other", deep},
  };
}

class HostileInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(installation_.start(), "");
    for (const char* part : kParts) pids_[part] = installation_.pid_of(part);
  }

  // All parts are the processes that they were, and everything works.
  void expect_alive_and_well(const std::string& after) {
    for (const char* part : kParts) {
      EXPECT_EQ(installation_.pid_of(part), pids_[part]) << part << " died of: " << after;
    }
    const ProgramEnd status = installation_.run({"status"});
    EXPECT_EQ(status.status, 0) << after;
    EXPECT_THAT(status.output, HasSubstr("serving")) << after << "\n" << status.output;
  }
  void expect_that_it_works() {
    const cli::Endpoints at = installation_.endpoints();
    const ProgramEnd created = installation_.run(
        {"kmip", "create", "--server", "127.0.0.1:" + std::to_string(at.kms[0].port), "--cert",
         at.kmip_client.certificate, "--key", at.kmip_client.key, "--ca", at.kmip_client.ca});
    EXPECT_EQ(created.status, 0) << created.output;
    EXPECT_EQ(installation_.add_provider().status, 0);
    EXPECT_EQ(installation_.run({"vm", "create", "vm-1", "--size", "1M"}).status, 0);
    const ProgramEnd encrypted = installation_.run({"vm", "encrypt", "vm-1"});
    EXPECT_EQ(encrypted.status, 0) << encrypted.output;
    EXPECT_EQ(installation_.run({"log", "verify"}).status, 0);
  }
  [[nodiscard]] std::map<std::string, std::uint16_t> ports() const {
    const cli::Endpoints at = installation_.endpoints();
    return {{"append", port_in(at.log.append)},
            {"live", port_in(at.log.live)},
            {"read", port_in(at.log.read)},
            {"store command", port_in(at.log.command)},
            {"KMIP", at.kms[0].port},
            {"keyring", port_in(at.kms[0].keyring)},
            {"kms command", port_in(at.kms[0].command)},
            {"host channel", port_in(at.vcenter.host_channel)},
            {"vCenter command", port_in(at.vcenter.command)}};
  }
  // What a replica's refusals before authentication say.
  [[nodiscard]] std::string refusals_at(const std::string& socket) const {
    std::string said;
    for (const Fact& fact : installation_.facts({.types = {"RefusalsRepeated"}})) {
      const auto& event = std::get<part::RefusalsRepeated>(std::get<part::Event>(fact.body.event));
      if (event.socket == socket) said += event.reason + "\n";
    }
    return said;
  }
  wire::CurveKeys keys_of_part(const std::string& part, const std::string& identity) {
    OsFileSystem files;
    const UnlockSecret unlock =
        acquire_unlock("file:" + installation_.file("unlock/" + part)).value();
    const auto secrets =
        SecretFile::open(files, random_, installation_.file(part + "/secrets"), identity, unlock);
    return wire::curve_keys_of((*secrets)->find("curve")->clone()).value();
  }

  static constexpr const char* kParts[] = {"eventstore", "kms-1", "vc-1", "host-1"};
  InstallationUnderTest installation_{{.replicas = 1, .hosts = 1}};
  std::map<std::string, int> pids_;
  OsRandom random_;
};

TEST_F(HostileInputTest, StrangersBytesAtEveryPortHarmNobody) {
  std::vector<RawConnection> held;  // half open until the end
  for (const auto& [name, port] : ports()) {
    for (const auto& [what, bytes] : openings()) {
      RawConnection abrupt(port, kConnectMs);
      EXPECT_TRUE(abrupt.connected()) << name << " does not take connections at: " << what;
      abrupt.send(bytes);
      abrupt.reset();
      const RawConnection orderly(port, kConnectMs);
      orderly.send(bytes);
      orderly.half_close();
    }
    for (const auto& [what, bytes] : openings()) {
      for (std::size_t i = 0; i < kHeldOpen; ++i) {
        held.emplace_back(port, kHoldMs);
        held.back().send(bytes.substr(0, 1 + i * 17));
      }
    }
    expect_alive_and_well("strangers at " + name);
  }
  expect_that_it_works();  // while all those still hang on
  held.clear();
  EXPECT_TRUE(until([&] { return refusals_at("kmip").find("TLS") != std::string::npos; }))
      << "the log does not tell of them";
}

TEST_F(HostileInputTest, AnEnrolledClientsMalformedRequestsAreAnsweredAndItsServerServesOn) {
  const cli::Endpoints at = installation_.endpoints();
  const kmip::TlsIdentity own{contents(at.kmip_client.certificate),
                              SecretBytes::copy_of(as_bytes(contents(at.kmip_client.key)))};
  const kmip::TrustedAuthority authority{contents(at.kmip_client.ca), ""};
  const kmip::TlsContext tls = kmip::make_client_context(&own, authority).value();
  for (const auto& [what, bytes] : requests()) {
    auto connection =
        kmip::TlsConnection::open({at.kms[0].address, at.kms[0].port}, tls, kAnswerMs);
    ASSERT_TRUE(connection.ok()) << what << ": " << connection.error().detail;
    const auto answer = (*connection)->exchange(SecretBytes::copy_of(as_bytes(bytes)), kAnswerMs);
    EXPECT_TRUE(answer.ok()) << what << ": an answer in the protocol's own form";
  }
  // Cut short, and left.
  for (const auto& [what, bytes] : requests()) {
    auto connection =
        kmip::TlsConnection::open({at.kms[0].address, at.kms[0].port}, tls, kAnswerMs);
    ASSERT_TRUE(connection.ok());
    static_cast<void>(
        (*connection)->exchange(SecretBytes::copy_of(as_bytes(bytes.substr(0, 9))), 50));
  }
  expect_alive_and_well("malformed requests");
  expect_that_it_works();
}

TEST_F(HostileInputTest, MalformedMessagesOfThoseWhoseKeyIsGoodHarmNobody) {
  const cli::Endpoints at = installation_.endpoints();
  const wire::CurveKeys cli = wire::read_curve_keys(at.operator_identity.key_file).value();
  ASSERT_EQ(installation_.run({"part", "stop", "host-1"}).status, 0);
  const wire::CurveKeys host = keys_of_part("host-1", "esxi/host-1");
  struct Door {
    std::string endpoint, server_key;
    const wire::CurveKeys& keys;
  };
  const std::vector<Door> doors{{at.log.append, at.log.server_key, host},
                                {at.log.read, at.log.server_key, host},
                                {at.log.read, at.log.server_key, cli},
                                {at.log.command, at.log.server_key, cli},
                                {at.kms[0].command, at.kms[0].server_key, cli},
                                {at.vcenter.command, at.vcenter.server_key, cli},
                                {at.vcenter.host_channel, at.vcenter.server_key, host}};
  const std::string nested = repeated('[', 20'000);
  const std::string large = repeated('x', 3 << 20);
  for (const Door& door : doors) {
    wire::Context context;
    auto socket = wire::Socket::connect(context, wire::SocketKind::kDealer, door.endpoint,
                                        door.server_key, door.keys);
    ASSERT_TRUE(socket.ok());
    for (const std::string verb :
         {"APPEND", "HELLO", "READ", "FOLLOW", "CREDIT", "COMMAND", "WANT", "?"}) {
      for (const std::string_view body :
           {std::string_view(""), std::string_view("{}"), std::string_view("null"),
            std::string_view("{\"command\":7,\"arguments\":[]}"), std::string_view(nested),
            std::string_view(large), std::string_view("\0\0\0\0\xff\xff\xff\xff", 8)}) {
        const Bytes id(16);
        socket->send({as_bytes("KT1"), as_bytes(verb), id, as_bytes(body)});
        socket->send({as_bytes("KT1"), as_bytes(verb), as_bytes(body)});
        socket->send({as_bytes("KT1"), as_bytes(verb), id, as_bytes(body), as_bytes(body)});
      }
      socket->send({as_bytes(verb)});
    }
    // All of it has arrived once it answers this, or turns to somebody else.
    until([&] {
      wire::Message message;
      while (socket->receive(message)) {
      }
      return socket->send({as_bytes("KT1")});
    });
  }
  ASSERT_EQ(installation_.run({"part", "start", "host-1"}).status, 0);
  pids_["host-1"] = installation_.pid_of("host-1");
  expect_alive_and_well("malformed messages");
  expect_that_it_works();
}

}  // namespace
}  // namespace keytrail::testing
