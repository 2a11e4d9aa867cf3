// Who is not let in, or not let do, at each door of a running installation: refused, and on the
// log.
#include <gmock/gmock.h>

#include <ctime>
#include <fstream>

#include "bus/events/codec.h"
#include "bus/protocol/message_codec.h"
#include "bus/secret/secret_file.h"
#include "bus/secret/unlock.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "bus/wire/socket.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"
#include "tests/installation/installation_under_test.h"

namespace keytrail::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kPatienceMs = 3000;

class RefusalsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(installation_.start(), ""); }

  // What `author` stated of refusals before authentication at its socket.
  std::vector<part::RefusalsRepeated> refusals_at(const std::string& socket,
                                                  const std::string& author) {
    std::vector<part::RefusalsRepeated> found;
    for (const Fact& fact : installation_.facts({.types = {"RefusalsRepeated"}})) {
      const auto& event = std::get<part::RefusalsRepeated>(std::get<part::Event>(fact.body.event));
      if (event.socket == socket && fact.stamp.author == author) found.push_back(event);
    }
    return found;
  }

  // Whether a client with a key of its own making is turned away.
  bool is_turned_away(const std::string& endpoint, const std::string& server_key,
                      wire::SocketKind kind) {
    const wire::CurveKeys keys = wire::make_curve_keys(random_);
    auto socket = wire::Socket::connect(context_, kind, endpoint, server_key, keys);
    if (!socket.ok()) return false;
    bool refused = false;
    until([&] {
      for (const wire::ConnectionChange change : socket->take_connection_changes()) {
        EXPECT_NE(change, wire::ConnectionChange::kReady) << endpoint;
        refused |= change == wire::ConnectionChange::kRefused;
      }
      return refused;
    });
    return refused;
  }

  InstallationUnderTest installation_{{.replicas = 1, .hosts = 1}};
  OsRandom random_;
  wire::Context context_;
};

TEST_F(RefusalsTest, AnUnlistedCurveKeyIsRefusedAndRecordedAtEachSocket) {
  const cli::Endpoints at = installation_.endpoints();
  const std::string store = "eventstore/store-1";
  const std::string vcenter = "vcenter/vc-1";
  const std::string replica = "kms/kms-1";
  struct Door {
    std::string endpoint, server_key;
    wire::SocketKind kind;
    std::string socket, author;
  };
  const std::vector<Door> doors{
      {at.log.append, at.log.server_key, wire::SocketKind::kDealer, "append", store},
      {at.log.live, at.log.server_key, wire::SocketKind::kSub, "live", store},
      {at.log.read, at.log.server_key, wire::SocketKind::kDealer, "read", store},
      {at.log.command, at.log.server_key, wire::SocketKind::kDealer, "command", store},
      {at.vcenter.command, at.vcenter.server_key, wire::SocketKind::kDealer, "command", vcenter},
      {at.vcenter.host_channel, at.vcenter.server_key, wire::SocketKind::kDealer, "host", vcenter},
      {at.kms[0].command, at.kms[0].server_key, wire::SocketKind::kDealer, "command", replica}};
  for (const Door& door : doors) {
    EXPECT_TRUE(is_turned_away(door.endpoint, door.server_key, door.kind)) << door.endpoint;
    EXPECT_TRUE(until([&] { return !refusals_at(door.socket, door.author).empty(); }))
        << door.author << " recorded no refusal at " << door.socket;
  }
}

TEST_F(RefusalsTest, AKeyThatIsListedForOtherSocketsIsRefusedAndRecordedToo) {
  const cli::Endpoints at = installation_.endpoints();
  const wire::CurveKeys keys = wire::read_curve_keys(at.subscriber.key_file).value();
  wire::CommandClient client(context_, at.log.command, at.log.server_key, keys);
  EXPECT_FALSE(client.call(R"({"command":"status"})", kPatienceMs, {}).ok());
  EXPECT_TRUE(until([&] { return !refusals_at("command", "eventstore/store-1").empty(); }));
}

TEST_F(RefusalsTest, AnUnenrolledCertificateIsRefusedAndRecorded) {
  const cli::Endpoints at = installation_.endpoints();
  SecretBytes key = kmip::make_private_key().value();
  const auto now = static_cast<std::int64_t>(::time(nullptr));
  const std::string pem = kmip::make_self_signed(key, {.common_name = "stranger",
                                                       .use = kmip::CertificateUse::kClient,
                                                       .not_before_seconds = now - 3600,
                                                       .not_after_seconds = now + 3600})
                              .value();
  const kmip::TlsIdentity stranger{pem, std::move(key)};
  const kmip::TlsIdentity* const no_certificate = nullptr;
  const kmip::TrustedAuthority authority{contents(at.kmip_client.ca), ""};
  // With a certificate that nobody enrolled, and with none: two strangers, two facts.
  std::size_t recorded = 0;
  for (const kmip::TlsIdentity* identity : {&stranger, no_certificate}) {
    const kmip::TlsContext tls = kmip::make_client_context(identity, authority).value();
    auto client = kmip::Client::connect({at.kms[0].address, at.kms[0].port}, tls);
    ASSERT_TRUE(client.ok()) << client.error().detail;
    const auto got = (*client)->get("any-key");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, ErrorCode::kRefused) << got.error().detail;
    EXPECT_THAT(got.error().detail, HasSubstr("not enrolled"));
    ++recorded;
    // Recorded, then told: it is there by now.
    EXPECT_EQ(refusals_at("kmip", "kms/kms-1").size(), recorded);
  }
}

TEST_F(RefusalsTest, AWrongPasswordAndAnUnknownUserAreRefusedAlikeAndRecorded) {
  const std::string file = installation_.folder().file("password");
  std::ofstream(file) << "not the password\n";
  std::vector<std::string> sentences;
  for (const std::string user : {"administrator@vsphere.local", "nobody"}) {
    const ProgramEnd ended =
        installation_.run({"--user", user, "--password-file", file, "vm", "list"});
    EXPECT_EQ(ended.status, 1) << ended.output;
    sentences.push_back(ended.output);
    EXPECT_FALSE(installation_.facts({.types = {"LoginRefused"}, .users = {user}}).empty())
        << user << "'s login is not on the log";
  }
  EXPECT_EQ(sentences[0], sentences[1]) << "they tell a stranger which users there are";
}

// Its own key, its own epoch, but another's stream.
TEST_F(RefusalsTest, AnIdentityThatAppendsForAnotherPartIsRefusedAndRecorded) {
  const cli::Endpoints at = installation_.endpoints();
  ASSERT_EQ(installation_.run({"part", "stop", "host-1"}).status, 0);
  OsFileSystem files;
  const UnlockSecret unlock = acquire_unlock("file:" + installation_.file("unlock/host-1")).value();
  const auto secrets =
      SecretFile::open(files, random_, installation_.file("host-1/secrets"), "esxi/host-1", unlock);
  ASSERT_TRUE(secrets.ok()) << secrets.error().detail;
  const wire::CurveKeys keys = wire::curve_keys_of((*secrets)->find("curve")->clone()).value();
  auto append = wire::Socket::connect(context_, wire::SocketKind::kDealer, at.log.append,
                                      at.log.server_key, keys)
                    .value();

  Body body;
  body.stream = "vcenter/vc-1/rights";
  body.user = "esxi/host-1";
  body.event = esxi::Event(esxi::HostStarted{.boot = "b"});
  const std::uint64_t epoch = installation_.facts({.types = {"PartStarted"}}).size() + 100;
  protocol::AppendBatch batch{.epoch = epoch};
  batch.units.push_back({.n = 1, .guards = {}, .bodies = {encode_body(body).value()}});
  ASSERT_TRUE(append.send({as_bytes("KT1"), as_bytes("APPEND"), protocol::encode(batch)}));
  EXPECT_TRUE(until([&] {
    for (const Fact& fact : installation_.facts({.types = {"RefusalsRepeated"}})) {
      const auto& event = std::get<part::RefusalsRepeated>(std::get<part::Event>(fact.body.event));
      if (event.socket == "append" && event.reason.find("esxi/host-1") != std::string::npos)
        return true;
    }
    return false;
  })) << "the refusal is not on the log";
  for (const Fact& fact : installation_.facts({})) {
    EXPECT_FALSE(fact.stamp.author == "esxi/host-1" && fact.body.stream == body.stream);
  }
}

}  // namespace
}  // namespace keytrail::testing
