#include "kms/service/kmip_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"
#include "kms/kmip/tls_connection.h"

namespace keytrail::kms {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kPatience = 10s;

struct KeyPair {
  SecretBytes key = kmip::make_private_key().value();
  std::string certificate;
  [[nodiscard]] kmip::TlsIdentity identity() const { return {certificate, key.clone()}; }
};

// Stands in for a replica: Discover Versions is answered, Get gives a key of 16 letters, all else
// is refused.
class Oracle final : public KmipRequestHandler {
 public:
  void answer_through(KmipServer& server) { server_ = &server; }
  void hold_answers(bool hold) {
    const std::lock_guard lock(mutex_);
    holding_ = hold;
  }

  void on_request(ConnectionId connection, const Peer& peer, SecretBytes request) override {
    const kmip::DecodedRequest decoded = kmip::decode_request(request.read(SecretAccess()));
    SecretBytes answer = answer_to(decoded);
    const std::lock_guard lock(mutex_);
    peers_.push_back(peer);
    if (holding_) {
      held_.emplace_back(connection, std::move(answer));
    } else {
      server_->respond(connection, std::move(answer));
    }
    changed_.notify_all();
  }
  void on_closed(ConnectionId) override {
    const std::lock_guard lock(mutex_);
    ++closed_;
    changed_.notify_all();
  }
  void on_refused(const Peer&, const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    refusals_.push_back(reason);
    changed_.notify_all();
  }

  template <class Condition>
  bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return condition(*this); });
  }
  void release_answers() {
    const std::lock_guard lock(mutex_);
    for (auto& [connection, answer] : held_) server_->respond(connection, std::move(answer));
    held_.clear();
  }

  std::vector<Peer> peers_;
  std::vector<std::string> refusals_;
  std::vector<std::pair<ConnectionId, SecretBytes>> held_;
  int closed_ = 0;

 private:
  static SecretBytes answer_to(const kmip::DecodedRequest& decoded) {
    if (const auto* malformed = std::get_if<kmip::MalformedRequest>(&decoded)) {
      return kmip::encode_error_response(*malformed, 0);
    }
    const auto& request = std::get<kmip::RequestMessage>(decoded);
    kmip::ResponseMessage answer;
    answer.header = kmip::answer_header(request.header, 0);
    for (const kmip::RequestItem& item : request.items) {
      answer.items.push_back({item.operation, item.batch_id, outcome_of(item)});
    }
    return kmip::encode_response(answer);
  }
  static decltype(kmip::ResponseItem::outcome) outcome_of(const kmip::RequestItem& item) {
    const auto* payload = std::get_if<kmip::RequestPayload>(&item.content);
    if (payload == nullptr) return std::get<kmip::Failure>(item.content);
    if (std::holds_alternative<kmip::DiscoverVersionsRequest>(*payload)) {
      return kmip::ResponsePayload(kmip::DiscoverVersionsResponse{
          {kmip::kSpokenVersions.begin(), kmip::kSpokenVersions.end()}});
    }
    if (const auto* get = std::get_if<kmip::GetRequest>(payload)) {
      kmip::KeyBlock block;
      block.material = SecretBytes::copy_of(as_bytes("0123456789abcdef"));
      return kmip::ResponsePayload(kmip::GetResponse{kmip::ObjectType::kSymmetricKey,
                                                     get->id.value_or(""),
                                                     kmip::SymmetricKey{std::move(block)}});
    }
    return kmip::Failure{kmip::ResultReason::kPermissionDenied, "not by this oracle"};
  }

  KmipServer* server_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holding_ = false;
};

class KmipServerTest : public ::testing::Test {
 protected:
  KmipServerTest() {
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
    const auto terms = [now](std::string name, kmip::CertificateUse use) {
      return kmip::CertificateTerms{std::move(name), use,        {"localhost"},
                                    {"127.0.0.1"},   now - 3600, now + 36000};
    };
    authority_.certificate =
        kmip::make_self_signed(authority_.key, terms("ca", kmip::CertificateUse::kAuthority))
            .value();
    const kmip::Authority ca{authority_.certificate, authority_.key};
    server_pair_.certificate =
        kmip::make_signed(server_pair_.key, terms("kms-1", kmip::CertificateUse::kServer), ca)
            .value();
    client_pair_.certificate =
        kmip::make_self_signed(client_pair_.key, terms("me", kmip::CertificateUse::kClient))
            .value();
    options_.port = 0;
  }
  void TearDown() override { server_.reset(); }

  void start() {
    auto tls = kmip::make_server_context(server_pair_.identity()).value();
    server_ = KmipServer::start(options_, std::move(tls), oracle_).value();
    oracle_.answer_through(*server_);
    server_->recognise({kmip::certificate_fingerprint(client_pair_.certificate).value()});
    ASSERT_TRUE(server_->open_listener().ok());
    endpoint_ = {"127.0.0.1", server_->port()};
  }

  kmip::PinnedCertificate pin() const {
    return {kmip::certificate_fingerprint(server_pair_.certificate).value()};
  }
  kmip::TlsContext client_tls(const kmip::ServerTrust& trust) {
    const kmip::TlsIdentity identity = client_pair_.identity();
    return kmip::make_client_context(&identity, trust).value();
  }
  Result<std::unique_ptr<kmip::Client>> connect() { return connect(pin()); }
  Result<std::unique_ptr<kmip::Client>> connect(const kmip::ServerTrust& trust) {
    return kmip::Client::connect(endpoint_, client_tls(trust));
  }
  std::unique_ptr<kmip::TlsConnection> raw_connection() {
    return kmip::TlsConnection::open(endpoint_, client_tls(pin()), 3000).value();
  }
  // With a certificate of its own making.
  std::unique_ptr<kmip::TlsConnection> stranger() {
    const kmip::TlsIdentity identity = authority_.identity();
    return kmip::TlsConnection::open(endpoint_, kmip::make_client_context(&identity, pin()).value(),
                                     3000)
        .value();
  }

  // A connection, and not a byte on it; the caller closes it.
  int says_nothing() const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  KeyPair authority_;
  KeyPair server_pair_;
  KeyPair client_pair_;
  KmipServerOptions options_;
  Oracle oracle_;
  std::unique_ptr<KmipServer> server_;
  kmip::Endpoint endpoint_;
};

SecretBytes get_request(std::string id) {
  kmip::RequestMessage message;
  message.header.version = kmip::kVersion1_2;
  message.items.push_back(
      {kmip::Operation::kGet, std::nullopt, kmip::RequestPayload(kmip::GetRequest{.id = id})});
  return kmip::encode_request(message);
}

std::string id_in(const SecretBytes& answer) {
  const kmip::ResponseMessage message = kmip::decode_response(answer.read(SecretAccess())).value();
  return std::get<kmip::GetResponse>(std::get<kmip::ResponsePayload>(message.items.at(0).outcome))
      .id;
}

TEST_F(KmipServerTest, AClientAsksAndIsAnsweredOnOneConnection) {
  start();
  const auto client = connect().value();
  EXPECT_EQ(client->negotiate().value(), kmip::kVersion1_4);
  for (int i = 0; i < 3; ++i) {
    const kmip::GetResponse got = client->get("key-" + std::to_string(i)).value();
    EXPECT_TRUE(kmip::material_of(got.object).equals(as_bytes("0123456789abcdef")));
  }
  const Hash mine = kmip::certificate_fingerprint(client_pair_.certificate).value();
  EXPECT_EQ(oracle_.peers_.at(0).certificate_fingerprint, mine);
  EXPECT_THAT(oracle_.peers_.at(0).address, HasSubstr("127.0.0.1:"));
}

TEST_F(KmipServerTest, ARefusalBearsItsReasonAndTheSessionGoesOn) {
  start();
  const auto client = connect().value();
  const Result<void> destroyed = client->destroy("key-1");
  EXPECT_EQ(destroyed.error().code, ErrorCode::kRefused);
  EXPECT_THAT(destroyed.error().detail, HasSubstr("not by this oracle"));
  EXPECT_EQ(client->refusal()->reason, kmip::ResultReason::kPermissionDenied);
  EXPECT_TRUE(client->get("key-1").ok());
}

TEST_F(KmipServerTest, AClientWithoutACertificateMayShakeHandsAndLook) {
  start();
  const kmip::SeenCertificate seen = kmip::look_at_server(endpoint_, 3000).value();
  EXPECT_EQ(seen.fingerprint, pin().fingerprint);
  EXPECT_EQ(seen.pem, server_pair_.certificate);

  const auto anonymous = kmip::make_client_context(nullptr, pin()).value();
  const auto client = kmip::Client::connect(endpoint_, anonymous).value();
  EXPECT_TRUE(client->get("key-1").ok());
  EXPECT_EQ(oracle_.peers_.at(0).certificate_fingerprint, std::nullopt);
}

// A blocking connection by hand, for what kmip::Client does not do.
class HandMade {
 public:
  HandMade(const kmip::TlsContext& tls, std::uint16_t port, SSL_SESSION* session)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), tls_(SSL_new(tls.native())) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    SSL_set_fd(tls_, socket_);
    if (session != nullptr) SSL_set_session(tls_, session);
    EXPECT_EQ(SSL_connect(tls_), 1);
  }
  ~HandMade() {
    SSL_shutdown(tls_);  // Without a goodbye the session could not be resumed.
    SSL_free(tls_);
    ::close(socket_);
  }
  HandMade(const HandMade&) = delete;
  HandMade& operator=(const HandMade&) = delete;

  void get() {
    const SecretBytes request = get_request("a");
    const ByteView bytes = request.read(SecretAccess());
    EXPECT_EQ(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
    char answer[1024];
    EXPECT_GT(SSL_read(tls_, answer, sizeof answer), 0);
  }
  [[nodiscard]] SSL* native() const { return tls_; }

 private:
  int socket_;
  SSL* tls_;
};

TEST_F(KmipServerTest, AResumedSessionStillTellsWhoseItIs) {
  start();
  const Hash mine = kmip::certificate_fingerprint(client_pair_.certificate).value();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    oracle_.peers_.clear();
    const kmip::TlsContext tls = client_tls(pin());
    SSL_CTX_set_max_proto_version(tls.native(), version);
    SSL_SESSION* session = nullptr;
    {
      HandMade first(tls, endpoint_.port, nullptr);
      first.get();  // TLS 1.3 sends its tickets with the first answer.
      session = SSL_get1_session(first.native());
    }
    {
      HandMade second(tls, endpoint_.port, session);
      EXPECT_EQ(SSL_session_reused(second.native()), 1) << version;
      second.get();
    }
    SSL_SESSION_free(session);
    ASSERT_EQ(oracle_.peers_.size(), 2U);
    EXPECT_EQ(oracle_.peers_.at(1).certificate_fingerprint, mine) << version;
  }
}

TEST_F(KmipServerTest, AClientTrustsAPinOrAnAuthorityAndNothingElse) {
  start();
  EXPECT_TRUE(connect(kmip::TrustedAuthority{authority_.certificate, "127.0.0.1"}).ok());
  EXPECT_TRUE(connect(kmip::TrustedAuthority{authority_.certificate, "localhost"}).ok());
  EXPECT_THAT(connect(kmip::TrustedAuthority{authority_.certificate, "elsewhere"}).error().detail,
              HasSubstr("not trusted"));
  EXPECT_THAT(connect(kmip::TrustedAuthority{client_pair_.certificate, ""}).error().detail,
              HasSubstr("not trusted"));
  EXPECT_THAT(connect(kmip::PinnedCertificate{}).error().detail, HasSubstr("not the pinned one"));
  EXPECT_EQ(connect(kmip::PinnedCertificate{}).error().code, ErrorCode::kUnavailable);
}

TEST_F(KmipServerTest, RequestsThatArePipelinedAreAnsweredInOrder) {
  start();
  SecretBytes three = SecretBytes(get_request("a").size() * 3);
  std::size_t at = 0;
  for (const char* id : {"a", "b", "c"}) {
    const SecretBytes one = get_request(id);
    const ByteView bytes = one.read(SecretAccess());
    std::copy(bytes.begin(), bytes.end(),
              three.write(SecretAccess()).begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes.size();
  }
  const auto connection = raw_connection();
  EXPECT_EQ(id_in(connection->exchange(std::move(three), 3000).value()), "a");
  EXPECT_EQ(id_in(connection->exchange(SecretBytes(), 3000).value()), "b");
  EXPECT_EQ(id_in(connection->exchange(SecretBytes(), 3000).value()), "c");
}

TEST_F(KmipServerTest, AnAnswerMayComeLateAndFromAnotherThread) {
  oracle_.hold_answers(true);
  start();
  const auto client = connect().value();
  std::thread answers([this] {
    EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) { return !o.held_.empty(); }));
    oracle_.release_answers();
  });
  EXPECT_TRUE(client->get("key-1").ok());
  answers.join();
}

TEST_F(KmipServerTest, ARequestThatNobodyAnswersEndsItsConnection) {
  options_.answer_timeout_ms = 50;
  oracle_.hold_answers(true);
  start();
  const auto client = connect().value();
  EXPECT_EQ(client->get("key-1").error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) { return o.closed_ == 1; }));
  oracle_.release_answers();  // Too late: nobody is there.
  oracle_.hold_answers(false);
  EXPECT_TRUE(connect().value()->get("key-1").ok());
}

TEST_F(KmipServerTest, BytesThatAreNoKmipAreAnsweredInItsFormAndEndTheConnection) {
  start();
  const auto connection = raw_connection();
  const SecretBytes answer =
      connection->exchange(SecretBytes::copy_of(as_bytes("GET / HTTP/1.1\r\n\r\n")), 3000).value();
  const kmip::ResponseMessage message = kmip::decode_response(answer.read(SecretAccess())).value();
  EXPECT_EQ(std::get<kmip::Failure>(message.items.at(0).outcome).reason,
            kmip::ResultReason::kInvalidMessage);
  EXPECT_FALSE(connection->exchange(get_request("a"), 3000).ok());
  EXPECT_EQ(oracle_.closed_, 0);  // It made no request that anybody would have to forget.
}

TEST_F(KmipServerTest, ARequestLargerThanAllowedIsRefusedBeforeItsBytesArrive) {
  options_.request_bytes_max = 1024;
  start();
  const auto connection = raw_connection();
  const Bytes header = from_hex("4200780100100000").value();
  const SecretBytes answer = connection->exchange(SecretBytes::copy_of(header), 3000).value();
  const kmip::ResponseMessage message = kmip::decode_response(answer.read(SecretAccess())).value();
  EXPECT_THAT(std::get<kmip::Failure>(message.items.at(0).outcome).message,
              HasSubstr("larger than the 1024 bytes allowed"));
}

TEST_F(KmipServerTest, AClosedListenerSendsClientsAwayAndAnOpenedOneTakesThemAgain) {
  start();
  const auto idle = connect().value();
  ASSERT_TRUE(idle->get("key-1").ok());
  oracle_.hold_answers(true);
  const auto waiting = connect().value();
  std::thread asks([&waiting] { EXPECT_TRUE(waiting->get("key-2").ok()); });
  ASSERT_TRUE(oracle_.wait_until([](const Oracle& o) { return !o.held_.empty(); }));

  server_->close_listener();
  EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) { return o.closed_ == 1; }));
  EXPECT_EQ(idle->get("key-1").error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(connect().error().detail, HasSubstr("cannot be reached"));
  oracle_.release_answers();  // The running request still gets its answer.
  asks.join();
  EXPECT_EQ(waiting->get("key-2").error().code, ErrorCode::kUnavailable);

  oracle_.hold_answers(false);
  ASSERT_TRUE(server_->open_listener().ok());
  EXPECT_TRUE(connect().value()->get("key-1").ok());
}

TEST_F(KmipServerTest, APortInUseIsNamed) {
  start();
  KmipServerOptions same = options_;
  same.port = server_->port();
  auto tls = kmip::make_server_context(server_pair_.identity()).value();
  const auto second = KmipServer::start(same, std::move(tls), oracle_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().detail, HasSubstr("port " + std::to_string(same.port)));
}

TEST_F(KmipServerTest, ConnectionsOverTheBoundAreTurnedAwayAndToldOf) {
  options_.connections_max = 2;
  start();
  const auto first = connect().value();
  const auto second = connect().value();
  ASSERT_TRUE(first->get("key-1").ok() && second->get("key-1").ok());  // The server knows who.
  EXPECT_FALSE(connect().ok());
  EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) {
    return o.refusals_ == std::vector<std::string>{"too many connections"};
  }));
  EXPECT_TRUE(first->get("key-1").ok());
}

TEST_F(KmipServerTest, NoNumberOfStrangersKeepsAClientOut) {
  options_.connections_max = 4;
  options_.strangers_max = 2;
  start();
  std::vector<std::unique_ptr<kmip::TlsConnection>> strangers;
  for (int i = 0; i < 6; ++i) strangers.push_back(stranger());
  const auto client = connect().value();
  EXPECT_TRUE(client->get("key-1").ok());
  for (int i = 0; i < 6; ++i) strangers.push_back(stranger());
  EXPECT_TRUE(client->get("key-1").ok());
  // The newest are still there; each of the others made room.
  EXPECT_TRUE(strangers.back()->exchange(get_request("a"), 3000).ok());
  EXPECT_FALSE(strangers.front()->exchange(get_request("a"), 3000).ok());
  EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) { return o.refusals_.size() == 10; }));
  EXPECT_THAT(oracle_.refusals_, Each(HasSubstr("gave way")));
}

TEST_F(KmipServerTest, AStrangerMayNotBeSilentForLongHoweverGoodItsCertificateLooks) {
  options_.stranger_idle_timeout_ms = 50;
  start();
  const auto client = connect().value();
  ASSERT_TRUE(client->get("key-1").ok());
  const auto ended = [](kmip::TlsConnection& connection) {  // And not: we have waited in vain.
    return connection.exchange(SecretBytes(), 3000).error().detail.find("in time") ==
           std::string::npos;
  };
  EXPECT_TRUE(ended(*stranger()));
  const auto removed = raw_connection();
  EXPECT_TRUE(client->get("key-1").ok());  // It has been here for longer.
  server_->recognise({});
  EXPECT_TRUE(removed->exchange(get_request("a"), 3000).ok());
  EXPECT_TRUE(ended(*removed));
}

TEST_F(KmipServerTest, AStrangersRequestIsSmall) {
  options_.stranger_request_bytes_max = 1024;
  start();
  const Bytes header = from_hex("4200780100100000").value();
  const SecretBytes answer = stranger()->exchange(SecretBytes::copy_of(header), 3000).value();
  const kmip::ResponseMessage message = kmip::decode_response(answer.read(SecretAccess())).value();
  EXPECT_THAT(std::get<kmip::Failure>(message.items.at(0).outcome).message,
              HasSubstr("larger than the 1024 bytes allowed"));
}

TEST_F(KmipServerTest, APeerThatDoesNotShakeHandsIsDroppedAndToldOf) {
  options_.handshake_timeout_ms = 50;
  start();
  const int mute = says_nothing();
  EXPECT_TRUE(oracle_.wait_until([](const Oracle& o) { return !o.refusals_.empty(); }));
  EXPECT_THAT(oracle_.refusals_.at(0), HasSubstr("handshake"));
  char byte = 0;
  EXPECT_EQ(::recv(mute, &byte, 1, 0), 0);
  ::close(mute);
}

// Nothing was refused: it is the server that went.
TEST_F(KmipServerTest, WhoIsCutOffByAClosingListenerIsNotToldOf) {
  start();
  const int mute = says_nothing();
  ASSERT_TRUE(connect().value()->get("key-1").ok());  // Behind it: so it was accepted.
  server_->close_listener();
  char byte = 0;
  EXPECT_EQ(::recv(mute, &byte, 1, 0), 0);
  ::close(mute);
  server_.reset();
  EXPECT_THAT(oracle_.refusals_, IsEmpty());
}

TEST_F(KmipServerTest, AServerThatDoesNotAnswerIsUnavailableAfterTheTimeout) {
  oracle_.hold_answers(true);
  start();
  kmip::ClientOptions impatient;
  impatient.timeouts.request_ms = 50;
  const auto client =
      kmip::Client::connect(endpoint_, client_tls(pin()), std::move(impatient)).value();
  EXPECT_EQ(client->get("key-1").error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(client->connected());
  EXPECT_EQ(client->get("key-1").error().code, ErrorCode::kUnavailable);
}

TEST_F(KmipServerTest, PyKmipShakesHandsAndDiscoversVersions) {
  start();
  char folder[] = "/tmp/kmip_server_test.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const auto file = [&folder](const char* name, ByteView text) {
    std::string path = std::string(folder) + "/" + name;
    std::ofstream(path) << as_text(text);
    return path;
  };
  const std::string command = "/usr/bin/python3 -W ignore " KEYTRAIL_SOURCE_DIR
                              "/tests/kms/service/pykmip_discovers_versions.py " +
                              std::to_string(server_->port()) + " " +
                              file("cert.pem", as_bytes(client_pair_.certificate)) + " " +
                              file("key.pem", client_pair_.key.read(SecretAccess())) + " " +
                              file("ca.pem", as_bytes(authority_.certificate));
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char line[256] = {};
  const bool printed = std::fgets(line, sizeof line, pipe) != nullptr;
  const int status = pclose(pipe);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(status, 0) << "is PyKMIP installed? './run setup' does it";
  ASSERT_TRUE(printed);
  EXPECT_STREQ(line, "1.4 1.3 1.2 1.1 1.0\n");
}

TEST(EndpointTest, IsReadFromTextAndRefusedWhenItIsNone) {
  EXPECT_EQ(kmip::parse_endpoint("kms:5697")->port, 5697);
  EXPECT_EQ(kmip::parse_endpoint("kms")->port, 5696);
  EXPECT_EQ(kmip::parse_endpoint("[::1]:5698")->host, "::1");
  for (const char* bad : {"", ":5696", "kms:", "kms:0", "kms:70000", "kms:x", "[::1", "[::1]x"}) {
    EXPECT_FALSE(kmip::parse_endpoint(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keytrail::kms
