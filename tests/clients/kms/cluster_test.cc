// Three replicas as processes over a real event store, and PyKMIP as the client.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "bus/events/codec.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "kms/kmip/certificate.h"
#include "tests/support/program.h"
#include "tests/support/store_under_test.h"

namespace keytrail::kms {
namespace {

using keytrail::testing::StoreUnderTest;
using keytrail::testing::TempFolder;

constexpr int kReplicas = 3;
constexpr auto kPatience = std::chrono::seconds(20);

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  KEYTRAIL_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), bytes) == 0);
  KEYTRAIL_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}
std::string tcp(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

std::vector<eventstore::Identity> identities() {
  std::vector<eventstore::Identity> identities;
  for (int i = 1; i <= kReplicas; ++i) {
    const std::string name = "kms/kms-" + std::to_string(i);
    identities.push_back({.name = name,
                          .curve_key = {},
                          .prefixes = {name, "kms/cluster-1"},
                          .topics = {"kms.change", "kms.sealed", "head"},
                          .sockets = {"append", "live", "read"}});
  }
  identities.push_back({.name = "operator/cli",
                        .curve_key = {},
                        .prefixes = {},
                        .topics = {},
                        .sockets = {"command", "read"}});
  return identities;
}

struct Replica {
  std::string name;
  std::uint16_t kmip = free_port();
  std::uint16_t keyring = free_port();
  std::uint16_t command = free_port();
  pid_t pid = -1;
};

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() {
    for (int i = 0; i < kReplicas; ++i) replicas_[i].name = "kms-" + std::to_string(i + 1);
    make_client("app");
    make_client("stranger");
  }
  ~ClusterTest() override {
    for (Replica& replica : replicas_) kill_and_wait(replica);
  }

  void make_client(const std::string& name) {
    const SecretBytes key = kmip::make_private_key().value();
    const auto now = static_cast<std::int64_t>(::time(nullptr));
    const std::string pem = kmip::make_self_signed(key, {.common_name = name,
                                                         .use = kmip::CertificateUse::kClient,
                                                         .not_before_seconds = now - 3600,
                                                         .not_after_seconds = now + 3600})
                                .value();
    std::ofstream(folder_.file(name + ".pem")) << pem;
    std::ofstream(folder_.file(name + ".key")) << as_text(key.read(SecretAccess()));
    certificates_[name] = pem;
  }

  void start(Replica& replica) {
    const wire::LogEndpoints log = store_.log_endpoints();
    const std::string curve = folder_.file(replica.name + ".curve");
    ASSERT_TRUE(wire::write_curve_keys(curve, store_.keys_of("kms/" + replica.name)).ok());
    std::string peers;
    for (const Replica& other : replicas_) {
      if (other.name == replica.name) continue;
      peers += (peers.empty() ? "" : ",") + other.name + "=" + tcp(other.keyring);
    }
    std::vector<std::string> arguments = {
        KEYTRAIL_BINARY_DIR "/tests/clients/kms/kms_replica_program",
        "name=" + replica.name,
        "cluster=cluster-1",
        "folder=" + folder_.file(replica.name),
        "curve=" + curve,
        "append=" + log.append,
        "live=" + log.live,
        "read=" + log.read,
        "server_key=" + log.server_key,
        "kmip_port=" + std::to_string(replica.kmip),
        "keyring=" + tcp(replica.keyring),
        "command=" + tcp(replica.command),
        "operator_key=" + store_.keys_of("operator/cli").public_key,
        "peers=" + peers};
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&replica.pid, pointers[0], nullptr, nullptr, pointers.data(), environ),
              0);
  }
  static void kill_and_wait(Replica& replica) {
    if (replica.pid <= 0) return;
    ::kill(replica.pid, SIGKILL);
    ::waitpid(replica.pid, nullptr, 0);
    replica.pid = -1;
  }

  std::string command(const Replica& replica, const std::string& json) {
    const std::string server_key = store_.keys_of("kms/" + replica.name).public_key;
    const wire::CurveKeys keys = store_.keys_of("operator/cli");
    wire::CommandClient client(context_, tcp(replica.command), server_key, keys);
    const auto answer = client.call(json, 5000, {});
    return answer.ok() ? answer->json : answer.error().detail;
  }
  // The text of a member of a JSON answer that holds no escapes but \n and \/.
  static std::string member(const std::string& json, const std::string& name) {
    const std::string opening = "\"" + name + "\":\"";
    const std::size_t from = json.find(opening);
    if (from == std::string::npos) return {};
    std::string text;
    for (std::size_t i = from + opening.size(); i < json.size() && json[i] != '"'; ++i) {
      if (json[i] != '\\') {
        text.push_back(json[i]);
      } else {
        text.push_back(json[++i] == 'n' ? '\n' : json[i]);
      }
    }
    return text;
  }
  bool until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Between two questions.
    }
    return true;
  }
  bool serves(const Replica& replica) {
    return until(
        [&] { return member(command(replica, R"({"command":"status"})"), "state") == "serving"; });
  }

  void start_cluster() {
    start(replicas_[0]);
    ASSERT_TRUE(serves(replicas_[0]));
    for (int i = 1; i < kReplicas; ++i) {
      start(replicas_[i]);
      std::string fingerprint;
      std::string status;
      ASSERT_TRUE(until([&] {
        status = command(replicas_[i], R"({"command":"status"})");
        fingerprint = member(status, "certificate_fingerprint");
        return member(status, "state") == "waiting for admission";
      })) << status;
      command(replicas_[0], R"({"command":"admit","arguments":{"replica":")" + replicas_[i].name +
                                R"(","fingerprint":")" + fingerprint + "\"}}");
      ASSERT_TRUE(serves(replicas_[i]));
    }
    std::ofstream(folder_.file("ca.pem"))
        << member(command(replicas_[2], R"({"command":"status"})"), "ca_certificate");
    std::string pem;
    for (const char c : certificates_["app"]) pem += c == '\n' ? "\\n" : std::string(1, c);
    const std::string enrolled = command(
        replicas_[1],
        R"({"command":"client.add","arguments":{"client":"app","certificate":")" + pem + "\"}}");
    ASSERT_NE(enrolled.find("position"), std::string::npos) << enrolled;
  }

  // The last line that PyKMIP printed; a failure of the test if it failed.
  std::string pykmip(const std::string& client, const std::string& step,
                     const std::vector<std::string>& rest) {
    std::vector<std::string> line = {"/usr/bin/python3",
                                     KEYTRAIL_SOURCE_DIR "/tests/clients/kms/pykmip_cluster.py",
                                     step,
                                     folder_.file(client + ".pem"),
                                     folder_.file(client + ".key"),
                                     folder_.file("ca.pem")};
    line.insert(line.end(), rest.begin(), rest.end());
    const testing::ProgramEnd end = testing::run_program(std::move(line), 60);
    EXPECT_EQ(end.status, 0) << step << ": " << end.output
                             << "\nIs PyKMIP installed? './run setup' does it.";
    const std::size_t last = end.output.find_last_not_of('\n') + 1;
    const std::size_t before = end.output.substr(0, last).rfind('\n');
    return end.output.substr(before + 1, last - before - 1);  // npos + 1: it is the only line.
  }
  std::string port(int replica) { return std::to_string(replicas_[replica].kmip); }

  StoreUnderTest store_{identities()};
  TempFolder folder_;
  wire::Context context_;
  Replica replicas_[kReplicas];
  std::map<std::string, std::string> certificates_;
};

TEST_F(ClusterTest, AKeyIsMadeHereGotThereDestroyedElsewhereAndGoneEverywhere) {
  ASSERT_NO_FATAL_FAILURE(start_cluster());
  const std::string id = pykmip("app", "everywhere", {port(0), port(1), port(2)});
  ASSERT_FALSE(id.empty());
  EXPECT_TRUE(until([&] {
    const std::string answer =
        command(replicas_[0], R"({"command":"shredded","arguments":{"key":")" + id + "\"}}");
    return answer.find("\"shredded\":true,\"provable\"") != std::string::npos;
  }));
  pykmip("stranger", "stranger", {port(1)});
}

TEST_F(ClusterTest, SpeaksEveryVersionOfKmipAndBothOfTls) {
  ASSERT_NO_FATAL_FAILURE(start_cluster());
  for (const char* step : {"versions", "batches", "tls"}) {
    pykmip("app", step, {port(0), port(1), port(2)});
  }
}

TEST_F(ClusterTest, GoesOnWhenAReplicaIsKilledAndItComesBackWithEveryKey) {
  ASSERT_NO_FATAL_FAILURE(start_cluster());
  const std::string before = pykmip("app", "create", {port(0)});
  kill_and_wait(replicas_[0]);
  const std::string meanwhile = pykmip("app", "create", {port(1)});
  EXPECT_EQ(pykmip("app", "get", {port(2), before}).size(), 64U);
  start(replicas_[0]);
  ASSERT_TRUE(serves(replicas_[0]));
  for (const std::string& id : {before, meanwhile}) {
    EXPECT_EQ(pykmip("app", "get", {port(0), id}), pykmip("app", "get", {port(2), id}));
  }
}

TEST_F(ClusterTest, AnOrderlyStopStandsOnTheLog) {
  start(replicas_[0]);
  ASSERT_TRUE(serves(replicas_[0]));
  ::kill(replicas_[0].pid, SIGTERM);
  int status = 0;
  ASSERT_TRUE(
      until([&] { return ::waitpid(replicas_[0].pid, &status, WNOHANG) == replicas_[0].pid; }));
  replicas_[0].pid = -1;
  EXPECT_EQ(status, 0);
  bool stopped = false;
  const auto look = [&](Position, ByteView, ByteView body) {
    const Result<Body> decoded = decode_body(body);
    const auto* event = decoded.ok() ? std::get_if<part::Event>(&decoded->event) : nullptr;
    stopped |= event != nullptr && std::holds_alternative<part::PartStopped>(*event) &&
               decoded->stream == "kms/kms-1/epoch";
    return true;
  };
  ASSERT_TRUE(store_.log().read(0, store_.log().end().position, look).ok());
  EXPECT_TRUE(stopped);
}

TEST_F(ClusterTest, ServesAgainAfterTheEventStoreWasAway) {
  ASSERT_NO_FATAL_FAILURE(start_cluster());
  const std::string id = pykmip("app", "create", {port(0)});
  ASSERT_TRUE(store_.stop().ok());
  ASSERT_TRUE(until([&] {
    return member(command(replicas_[1], R"({"command":"status"})"), "state") ==
           "cut off from the log";
  }));
  store_.start();
  ASSERT_TRUE(serves(replicas_[1]));
  EXPECT_EQ(pykmip("app", "get", {port(1), id}).size(), 64U);
}

}  // namespace
}  // namespace keytrail::kms
