// A vCenter over a real event store: sockets, secret file, scrypt.
#include "vcenter/service/vcenter_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "bus/wire/wake_event.h"
#include "tests/support/log_author.h"
#include "tests/support/store_under_test.h"

namespace keytrail::vcenter {
namespace {

namespace json = boost::json;
using keytrail::testing::LogAuthor;
using keytrail::testing::StoreUnderTest;
using ::testing::HasSubstr;

constexpr int kTimeoutMs = 30'000;

std::vector<eventstore::Identity> identities() {
  return {{.name = "vcenter/vc-1",
           .curve_key = {},
           .prefixes = {"vcenter/vc-1"},
           .topics = {"vcenter.change", "esxi.change", "head"},
           .sockets = {"append", "live", "read"}}};
}

// One process of a vCenter, on its own thread.
class Running {
 public:
  Running(StoreUnderTest& store, SecretFile& secrets, FileSystem& files, const Clock& clock,
          Random& random, const wire::CurveKeys& operator_keys, const std::string& password_file)
      : service_({.instance = "vc-1",
                  .program_version = "test",
                  .log = store.log_endpoints(),
                  .command_endpoint = "tcp://127.0.0.1:*",
                  .host_endpoint = "tcp://127.0.0.1:*",
                  .last_file = {},
                  .administrator_password_file = password_file,
                  .keys = store.keys_of("vcenter/vc-1"),
                  .hosts = {{"host-1", wire::make_curve_keys(random).public_key, "cluster-1"}},
                  .operators = {{"operator/cli", operator_keys.public_key, {"command"}}}},
                 secrets, files, clock, random) {
    const auto started = service_.start();
    KEYTRAIL_CHECK(started.ok());
    thread_ = std::thread([this] { outcome_ = service_.run(stop_.fd()); });
  }
  ~Running() { [[maybe_unused]] const auto outcome = stop(); }

  Result<void> stop() {
    if (thread_.joinable()) {
      stop_.set();
      thread_.join();
    }
    return outcome_;
  }
  Result<void> join() {
    thread_.join();
    return outcome_;
  }
  [[nodiscard]] const std::string& endpoint() const { return service_.command_endpoint(); }

 private:
  VCenterService service_;
  wire::WakeEvent stop_;
  std::thread thread_;
  Result<void> outcome_;
};

class VCenterServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_unlock_file(folder_.file("unlock"), random_).ok());
    auto unlock = acquire_unlock("file:" + folder_.file("unlock"));
    ASSERT_TRUE(unlock.ok());
    auto secrets =
        SecretFile::open(files_, random_, folder_.file("secrets"), "vcenter/vc-1", *unlock);
    ASSERT_TRUE(secrets.ok());
    secrets_ = std::move(secrets).value();
  }
  std::unique_ptr<Running> begin() {
    return std::make_unique<Running>(store_, *secrets_, files_, clock_, random_, operator_,
                                     folder_.file("password"));
  }
  wire::CommandClient::Answer call(const Running& vcenter, const std::string& command,
                                   json::object arguments, const std::string& session = {}) {
    wire::CommandClient client(context_, vcenter.endpoint(),
                               store_.keys_of("vcenter/vc-1").public_key, operator_);
    json::object message{{"command", command}, {"arguments", std::move(arguments)}};
    if (!session.empty()) message["session"] = session;
    auto answer = client.call(json::serialize(message), kTimeoutMs, {});
    return answer.ok() ? *answer : wire::CommandClient::Answer{false, answer.error().detail};
  }
  // Until the vCenter has read the log and begun.
  void wait_until_ready(const Running& vcenter) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      const auto answer = call(vcenter, "login", {{"user", "nobody"}, {"password", "x"}});
      if (answer.json.find("\"unauthorized\"") != std::string::npos) return;
    }
    FAIL() << "it never began";
  }
  std::string password() {
    const auto bytes = read_file(files_, folder_.file("password"), 1024);
    return bytes.ok() ? std::string(as_text(*bytes)) : "";
  }
  std::string log_in(const Running& vcenter) {
    const auto answer =
        call(vcenter, "login", {{"user", "administrator@vsphere.local"}, {"password", password()}});
    EXPECT_TRUE(answer.ok) << answer.json;
    if (!answer.ok) return {};
    return std::string(json::parse(answer.json).as_object().at("session").as_string());
  }

  StoreUnderTest store_{identities()};
  keytrail::testing::TempFolder folder_;
  OsFileSystem files_;
  OsRandom random_;
  SystemClock clock_;
  wire::Context context_;
  wire::CurveKeys operator_ = wire::make_curve_keys(random_);
  std::unique_ptr<SecretFile> secrets_;
};

TEST_F(VCenterServiceTest, TheAdministratorLogsInWithTheFirstPasswordAndAddsAUser) {
  const auto vcenter = begin();
  wait_until_ready(*vcenter);
  EXPECT_EQ(password().size(), 24U);
  const std::string session = log_in(*vcenter);
  const auto added =
      call(*vcenter, "user.add", {{"user", "bob"}, {"password", "bob's own"}}, session);
  EXPECT_TRUE(added.ok) << added.json;
  const auto listed = call(*vcenter, "user.list", {}, session);
  EXPECT_THAT(listed.json, HasSubstr("bob"));
  const auto hosts = call(*vcenter, "host.list", {}, session);
  EXPECT_THAT(hosts.json, HasSubstr("host-1"));
  const auto refused = call(*vcenter, "vm.encrypt", {{"vm", "vm-9"}}, session);
  EXPECT_FALSE(refused.ok);
  EXPECT_THAT(refused.json, HasSubstr("not-found"));
}

TEST_F(VCenterServiceTest, AWrongPasswordAMissingSessionAndNonsenseAreRefused) {
  const auto vcenter = begin();
  wait_until_ready(*vcenter);
  const auto wrong =
      call(*vcenter, "login", {{"user", "administrator@vsphere.local"}, {"password", "guess"}});
  EXPECT_FALSE(wrong.ok);
  EXPECT_THAT(wrong.json, HasSubstr("unauthorized"));
  EXPECT_THAT(call(*vcenter, "vm.list", {}).json, HasSubstr("unauthorized"));
  EXPECT_THAT(call(*vcenter, "vm.list", {}, "00").json, HasSubstr("unauthorized"));
  EXPECT_THAT(call(*vcenter, "vm.shred", {}).json, HasSubstr("invalid"));
  EXPECT_TRUE(call(*vcenter, "status", {}).ok);
}

TEST_F(VCenterServiceTest, ARestartKeepsUsersAndEndsSessions) {
  auto vcenter = begin();
  wait_until_ready(*vcenter);
  const std::string session = log_in(*vcenter);
  const std::string first_password = password();
  ASSERT_TRUE(call(*vcenter, "group.add", {{"group", "operators"}}, session).ok);
  EXPECT_TRUE(vcenter->stop().ok());
  vcenter = begin();
  wait_until_ready(*vcenter);
  EXPECT_EQ(password(), first_password);
  EXPECT_THAT(call(*vcenter, "user.list", {}, session).json, HasSubstr("unauthorized"));
  const std::string again = log_in(*vcenter);
  EXPECT_THAT(call(*vcenter, "user.list", {}, again).json, HasSubstr("operators"));
}

TEST_F(VCenterServiceTest, ANewerProcessOfTheSameIdentityEndsTheOlder) {
  const auto older = begin();
  wait_until_ready(*older);
  const auto newer = begin();
  wait_until_ready(*newer);
  const Result<void> ended = older->join();  // It is asked nothing, and appends nothing.
  ASSERT_FALSE(ended.ok());
  EXPECT_THAT(ended.error().detail, HasSubstr("a newer process has the identity vcenter/vc-1"));
}

TEST_F(VCenterServiceTest, AnOperatorStopsIt) {
  const auto vcenter = begin();
  wait_until_ready(*vcenter);
  EXPECT_TRUE(call(*vcenter, "stop", {}).ok);
  EXPECT_TRUE(vcenter->join().ok());
}

}  // namespace
}  // namespace keytrail::vcenter
