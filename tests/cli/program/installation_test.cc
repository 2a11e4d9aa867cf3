// What a stranger meets on a running installation: who is let in, what ends when, what is left
// behind.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/cli/program/program.h"

namespace keytrail::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(installation_.failure(), ""); }

  [[nodiscard]] Ran run(const Words& words) const { return installation_.run(words); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name), std::ios::trunc) << text;
    return folder_.file(name);
  }
  [[nodiscard]] static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  keytrail::testing::TempFolder folder_;
  RunningInstallation installation_;
};

TEST_F(ProgramTest, ASessionSparesLoginsAndNeverAWrongPassword) {
  const std::string administrator = "administrator@vsphere.local";
  EXPECT_EQ(run({"vm", "list"}).exit, 0);
  EXPECT_EQ(run({"vm", "list"}).exit, 0);
  EXPECT_EQ(installation_.count("LoggedIn"), 1U);

  // A password file that is named is checked, each time.
  const Words wrong = {"--user", administrator, "--password-file", write("wrong", "wrong"),
                       "vm",     "list"};
  EXPECT_EQ(run(wrong).exit, 1);
  EXPECT_EQ(installation_.count("LoginRefused"), 1U);
  const std::string own_file = installation_.data() + "/client/admin.password";
  const Words right = {"--user", administrator, "--password-file", own_file, "vm", "list"};
  EXPECT_EQ(run(right).exit, 0);
  EXPECT_EQ(run(right).exit, 0);
  EXPECT_EQ(installation_.count("LoggedIn"), 3U);

  // So is the installation's own, once it is another.
  const std::string password = content(own_file);
  std::ofstream(own_file, std::ios::trunc) << std::string(password.size(), 'x');
  EXPECT_EQ(run({"vm", "list"}).exit, 1);
  EXPECT_EQ(installation_.count("LoginRefused"), 2U);
  std::ofstream(own_file, std::ios::trunc) << password;
  EXPECT_EQ(run({"vm", "list"}).exit, 0);

  // A vCenter that has started anew knows no sessions: the command does not notice.
  EXPECT_EQ(run({"part", "kill", "vc-1"}).exit, 0);
  EXPECT_EQ(run({"vm", "list"}).exit, 3);
  EXPECT_EQ(run({"part", "start", "vc-1"}).exit, 0);
  EXPECT_EQ(run({"vm", "list"}).exit, 0);

  EXPECT_EQ(run({"--user", "bob", "vm", "list"}).exit, 2);
}

TEST_F(ProgramTest, AKeyFileThatIsThereIsNotReplaced) {
  const std::string file = write("siem.key", "the only copy");
  const Ran again = run({"subscribers", "add", "siem/x", "--topics", "head", "--key-file", file});
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr(file + " is there already"));
  EXPECT_EQ(content(file), "the only copy");
  EXPECT_EQ(run({"subscribers", "add", "siem/x", "--topics", "head"}).exit, 0);
  EXPECT_EQ(run({"subscribers", "add", "siem/x", "--topics", "head"}).exit, 1);
}

TEST_F(ProgramTest, WhatIsBehindTheEndIsSaidNotToBeThere) {
  const Ran follow = run({"events", "follow", "--from", "99999999"});
  EXPECT_EQ(follow.exit, 1);
  EXPECT_THAT(follow.err, HasSubstr("there is no fact 99999999 yet"));
  const Ran read = run({"events", "read", "--from", "99999999"});
  EXPECT_EQ(read.exit, 0);
  EXPECT_THAT(read.err, HasSubstr("before --from 99999999"));
  EXPECT_THAT(run({"state", "--at", "@2199-01-01T00:00:00Z"}).err, HasSubstr("is yet to come"));
  EXPECT_EQ(run({"vm", "create", "v", "--size", "99999999999G"}).exit, 2) << "over 64 bits";
  EXPECT_THAT(run({"--json", "log", "info"}).out, HasSubstr("\"log_key\":\"keytrail/"));
}

TEST_F(ProgramTest, WhatIsRefusedLeavesNothingBehindAndBreaksNothing) {
  const std::string datastore = installation_.data() + "/datastore/ds-1";
  const std::string kernel = write("kernel", "a kernel"), initrd = write("initrd", "an initrd");
  ASSERT_EQ(run({"vm", "create", "vm-1", "--size", "1M", "--guest", kernel, initrd, "x"}).exit, 0);
  const auto files = [&] {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(datastore)) {
      found.push_back(entry.path().string() +
                      (entry.is_regular_file() ? content(entry.path().string()) : ""));
    }
    std::sort(found.begin(), found.end());
    return found;
  };
  const std::vector<std::string> before = files();
  const std::string other = write("other", "another kernel");
  EXPECT_EQ(run({"vm", "create", "vm-1", "--size", "1M", "--guest", other, other, "x"}).exit, 1);
  EXPECT_EQ(run({"vm", "create", "vm-2", "--host", "host-9", "--import", other}).exit, 1);
  EXPECT_EQ(run({"vm", "create", "vm-2"}).exit, 2);
  EXPECT_EQ(run({"vm", "create", "../vm-2", "--size", "1M"}).exit, 2);
  EXPECT_EQ(files(), before);
  EXPECT_EQ(run({"vm", "list", "vm-2"}).exit, 1);
  EXPECT_EQ(run({"vm", "list", "vm-1"}).exit, 0);

  const std::string key = folder_.file("siem.key");
  const Words add = {"subscribers", "add", "siem/test", "--key-file", key, "--topics"};
  const auto with_topic = [&](const std::string& topic) {
    Words words = add;
    words.push_back(topic);
    return words;
  };
  EXPECT_NE(run(with_topic("no.topic")).exit, 0);
  EXPECT_FALSE(fs::exists(key));
  EXPECT_EQ(run(with_topic("kms.change,vcenter.note")).exit, 0);
  const std::string granted = content(key);
  EXPECT_NE(run(with_topic("no.topic")).exit, 0);
  EXPECT_EQ(content(key), granted);
}

TEST_F(ProgramTest, FollowersEndWhereTheyWereToldTo) {
  for (const Words& end :
       {Words{"--until", "caught-up"}, {"--until", "end"}, {"--until", "3"}, {"-n", "2"}}) {
    Words words = {"events", "follow", "--from", "1"};
    words.insert(words.end(), end.begin(), end.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.exit, 0) << ::testing::PrintToString(end);
    EXPECT_THAT(ran.out, HasSubstr("PartStarted"));
  }
  const Ran at_end = run({"events", "follow", "--until", "caught-up"});
  EXPECT_EQ(at_end.exit, 0);
  EXPECT_THAT(at_end.err, HasSubstr("caught up at"));
  EXPECT_EQ(run({"events", "get", "1"}).exit, 0);
  EXPECT_EQ(run({"events", "get", "99999"}).exit, 1);
  EXPECT_EQ(run({"state", "--at", "99999"}).exit, 1);
  EXPECT_EQ(run({"diff", "1", "end"}).exit, 0);
}

TEST_F(ProgramTest, VerifyingTellsOfAWitnessThatIsDamagedAndGoesOn) {
  const Ran whole = run({"log", "verify"});
  EXPECT_EQ(whole.exit, 0) << whole.err;
  const std::string witness = installation_.data() + "/kms-9";
  fs::create_directory(witness);
  const auto saw = [&](const std::string& text) {
    std::ofstream(witness + "/last", std::ios::trunc) << text;
    return run({"log", "verify"});
  };
  const Ran damaged = saw("garbage");
  EXPECT_EQ(damaged.exit, 1);
  EXPECT_THAT(damaged.err, HasSubstr("kms-9 is no witness"));
  EXPECT_THAT(damaged.err, HasSubstr("remove that file"));
  const std::string leaf(64, '0');
  const Ran older = saw("9 0 " + leaf + "\n");
  EXPECT_EQ(older.exit, 1);
  EXPECT_THAT(older.err, HasSubstr("older copy: kms-9 saw generation 9"));
  const Ran cut = saw("1 99999 " + leaf + "\n");
  EXPECT_EQ(cut.exit, 1);
  EXPECT_THAT(cut.err, HasSubstr("kms-9 saw 99999"));
  const Ran rewritten = saw("1 1 " + leaf + "\n");
  EXPECT_EQ(rewritten.exit, 1);
  EXPECT_THAT(rewritten.err, HasSubstr("position 1 is not the fact that kms-9 saw"));

  // Of another log this installation's parts know nothing.
  const RunningInstallation other;
  ASSERT_EQ(other.failure(), "");
  const Ran foreign = run({"log", "verify", "--log", other.data() + "/eventstore"});
  EXPECT_EQ(foreign.exit, 0) << foreign.err;
  EXPECT_THAT(foreign.out, HasSubstr("0 parts know nothing else"));
}

TEST_F(ProgramTest, ATimeToBeginWithGivesTheFactsSinceOfARunningLogAndOfACopy) {
  const std::string copy = installation_.data() + "/eventstore";
  for (const Words& of : {Words{}, {"--log", copy}}) {
    const auto since = [&](const std::string& from) {
      Words words = {"events", "read", "--from", from};
      words.insert(words.end(), of.begin(), of.end());
      const Ran ran = run(words);
      EXPECT_EQ(ran.exit, 0) << ran.err;
      return ran.out;
    };
    EXPECT_EQ(since("@-1h"), since("start"));
    EXPECT_THAT(since("start"), HasSubstr("PartStarted"));
    EXPECT_EQ(since("@2099-01-01T00:00:00Z"), "");
  }
}

TEST_F(ProgramTest, AnswersAreTablesForPeopleAndJsonForPrograms) {
  const Ran added = run({"provider", "add", "prod", "--enrol", "--server",
                         "kms-1=127.0.0.1:" + std::to_string(installation_.kmip_port())});
  ASSERT_EQ(added.exit, 0) << added.err;
  for (const Words& command : {Words{"status"},
                               {"provider", "list"},
                               {"provider", "status"},
                               {"host", "list"},
                               {"user", "list"},
                               {"role", "list"},
                               {"permission", "list"},
                               {"kms", "keys"},
                               {"kms", "status"},
                               {"kms", "client", "list"},
                               {"subscribers", "list"},
                               {"log", "info"},
                               {"log", "verify"},
                               {"kmip", "query"},
                               {"kmip", "locate"},
                               {"part", "start", "kms-1"},
                               {"part", "start", "host-1"}}) {  // It runs: there is no new boot.
    const Ran table = run(command);
    EXPECT_EQ(table.exit, 0) << ::testing::PrintToString(command) << table.err;
    EXPECT_THAT(table.out, Not(HasSubstr("{\"")));
    Words words = command;
    words.push_back("--json");
    const Ran json = run(words);
    EXPECT_EQ(json.exit, 0) << ::testing::PrintToString(command) << json.err;
    EXPECT_TRUE(json.out.starts_with("{") && json.out.ends_with("}\n")) << json.out;
  }
}

}  // namespace
}  // namespace keytrail::cli
