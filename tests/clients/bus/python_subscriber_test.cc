// Subscribers that are not ours: pyzmq on the live socket and on the read socket.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "tests/support/log_author.h"

namespace keytrail {
namespace {

using protocol::Topic;
using testing::LogAuthor;
using testing::StoreUnderTest;

constexpr const char* kPython = "/usr/bin/python3";  // The one that Debian's python3-zmq is for.

// A running command and its output.
class Process {
 public:
  explicit Process(const std::string& command) : pipe_(::popen((command + " 2>&1").c_str(), "r")) {}
  ~Process() { wait(); }
  [[nodiscard]] std::string line() {
    std::array<char, 4096> text{};
    return std::fgets(text.data(), static_cast<int>(text.size()), pipe_) != nullptr ? text.data()
                                                                                    : "";
  }
  [[nodiscard]] std::string rest() {
    std::string all;
    for (std::string next = line(); !next.empty(); next = line()) all += next;
    return all;
  }
  int wait() {
    if (pipe_ != nullptr) status_ = ::pclose(pipe_);
    pipe_ = nullptr;
    return status_;
  }

 private:
  FILE* pipe_;
  int status_ = -1;
};

class PythonSubscriberTest : public ::testing::Test {
 protected:
  PythonSubscriberTest() {
    EXPECT_TRUE(
        wire::write_curve_keys(store_.folder().file("siem.key"), store_.keys_of("siem/one")).ok());
  }
  [[nodiscard]] std::string command(const std::string& script, const std::string& endpoint,
                                    const std::string& more) const {
    return std::string(kPython) + " " + KEYTRAIL_SOURCE_DIR + "/tests/clients/bus/" + script +
           " '" + endpoint + "' '" + store_.server_key() + "' '" +
           store_.folder().file("siem.key") + "' " + more;
  }
  // Three facts of kms-1: its epoch, a change; and two notes.
  void write(LogAuthor& kms) {
    ASSERT_TRUE(kms.until_live());
    kms.link().begin_epoch(0, "test");
    kms.link().submit(1, kms.decision("kms/kms-1/epoch"));
    kms.link().submit(2, kms.decision("kms/kms-1/epoch"));
    ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 2; }));
  }

  StoreUnderTest store_{{{.name = "kms/kms-1",
                          .curve_key = {},
                          .prefixes = {"kms/kms-1"},
                          .topics = {"kms.change", "kms.note", "kms.sealed"},
                          .sockets = {"append", "live", "read"}},
                         {.name = "siem/one",
                          .curve_key = {},
                          .prefixes = {},
                          .topics = {"kms.note"},
                          .sockets = {"live", "read"}}}};
  wire::Context context_;
};

TEST_F(PythonSubscriberTest, OnTheLiveSocketGetsItsTopicsAndNoOthers) {
  Process python(command("live_subscriber.py", store_.log_endpoints().live,
                         "2 kms.note kms.change kms.sealed head"));
  ASSERT_EQ(python.line(), "head\n");  // Now it is subscribed.
  LogAuthor kms(context_, store_, "kms/kms-1", protocol::topic_bit(Topic::kKmsNote));
  write(kms);
  const std::string output = python.rest();
  EXPECT_EQ(python.wait(), 0) << output;
  EXPECT_NE(output.find("kms.note 3 kms/kms-1\n"), std::string::npos) << output;
  EXPECT_NE(output.find("kms.note 4 kms/kms-1\n"), std::string::npos) << output;
  EXPECT_EQ(output.find("kms.change"), std::string::npos) << output;
}

TEST_F(PythonSubscriberTest, OnTheReadSocketFollowsCloudEvents) {
  LogAuthor kms(context_, store_, "kms/kms-1", protocol::topic_bit(Topic::kKmsNote));
  write(kms);
  Process python(command("read_client.py", store_.log_endpoints().read,
                         R"('{"types": ["PartStopped", "PartStarted"]}')"));
  const std::string output = python.rest();
  EXPECT_EQ(python.wait(), 0) << output;
  EXPECT_NE(output.find("PartStopped"), std::string::npos) << output;
  EXPECT_EQ(output.find("PartStarted"), std::string::npos)
      << output;  // A change, which was not granted.
  EXPECT_NE(output.find("\"specversion\": \"1.0\""), std::string::npos) << output;
}

}  // namespace
}  // namespace keytrail
