// The command line without an installation: help, wrong usage, nobody there.
#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/cli/program/program.h"

namespace keytrail::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(CommandLineTest, EveryCommandTellsWhatItDoesAndHowItEnds) {
  for (const Words& command : {Words{},
                               {"up"},
                               {"status"},
                               {"part", "kill"},
                               {"eventstore", "run"},
                               {"esxi", "run"},
                               {"events", "follow"},
                               {"events", "get"},
                               {"audit"},
                               {"state"},
                               {"diff"},
                               {"log", "verify"},
                               {"subscribers", "add"},
                               {"provider", "add"},
                               {"host", "rekey"},
                               {"vm", "recrypt"},
                               {"user", "add"},
                               {"group", "join"},
                               {"role", "create"},
                               {"permission", "set"},
                               {"kms", "shredded"},
                               {"kms", "client", "add"},
                               {"kmip", "register"}}) {
    Words words = command;
    words.push_back("--help");
    const Ran ran = keytrail(words);
    EXPECT_EQ(ran.exit, 0);
    EXPECT_THAT(ran.out, HasSubstr("--json")) << ran.out;
    EXPECT_THAT(ran.err, IsEmpty());
  }
}

TEST(CommandLineTest, AWordThatIsNoCommandIsNamedWithThoseThereAre) {
  const Ran top = keytrail({"encrypt"});
  EXPECT_EQ(top.exit, 2);
  EXPECT_THAT(top.err, HasSubstr("'keytrail encrypt' is no command; there are up, status"));
  const Ran below = keytrail({"vm", "delete", "vm-1"});
  EXPECT_EQ(below.exit, 2);
  EXPECT_THAT(below.err, HasSubstr("'keytrail vm delete' is no command"));
  EXPECT_THAT(below.err, HasSubstr("encrypt"));
}

TEST(CommandLineTest, WhatIsMissingIsToldInOneSentence) {
  for (const auto& [words, sentence] :
       {std::pair<Words, std::string>{{}, "keytrail: 'keytrail' needs a command: up, status"},
        {{"vm"}, "keytrail: 'keytrail vm' needs a command: list, create"},
        {{"vm", "encrypt"}, "keytrail: VM is required"}}) {
    const Ran ran = keytrail(words);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_THAT(ran.err, StartsWith(sentence));
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  }
}

TEST(CommandLineTest, AnEmptyUserOrPasswordFileIsNotTheAdministrators) {
  for (const std::string option : {"--user", "--password-file"}) {
    const Ran ran = keytrail({option, "", "vm", "list"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_THAT(ran.err, HasSubstr(option + ": must not be empty"));
  }
}

TEST(CommandLineTest, ANameThatIsNoTextIsToldSo) {
  const Ran ran = keytrail({"group", "add", "\xff"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("word 3 of the command is not valid UTF-8 text"));
}

TEST(CommandLineTest, WhatIsWronglyWrittenIsWrongUsageBeforeAnybodyIsAsked) {
  const keytrail::testing::TempFolder folder;
  for (const Words& words : {Words{},
                             {"vm"},
                             {"vm", "encrypt"},
                             {"up", "--port-base", "80"},
                             {"events", "get", "0"},
                             {"events", "get", "x"},
                             {"events", "get", "99999999999999999999"},
                             {"events", "read", "-n", "-1"},
                             {"log", "prove", "-1", "-o", folder.file("proof")},
                             {"--json", "events", "read", "--format", "text"},
                             {"--json", "audit", "--format", "csv"},
                             {"kmip", "query", "--cert", folder.file("client.pem")},
                             {"events", "read", "--from", "foo"},
                             {"events", "read", "--until", "x"},
                             {"events", "read", "--from", "5", "--until", "3"},
                             {"events", "read", "--action", "zz"},
                             {"audit", "--format", "text"},
                             {"status", "--user", "x"},
                             {"events", "read", "--type", "KeyReleasd"},
                             {"events", "read", "--outcome", "good"},
                             {"events", "read", "--format", "xml"},
                             {"audit", "--format", "xml"},
                             {"events", "read", "--log", folder.path()},
                             {"log", "verify", "--log", folder.path()},
                             {"vm", "create", "v", "--size", "1M", "--sector", "1000"},
                             {"vm", "create", "v", "--size", "1M", "--provider", "p"},
                             {"kmip", "create", "--algorithm", "ROT13"},
                             {"kmip", "create", "--usage", "Admire"},
                             {"kmip", "locate", "--state", "Solid"},
                             {"kmip", "revoke", "id", "--reason", "Whim"}}) {
    const Ran ran = keytrail(words);
    EXPECT_EQ(ran.exit, 2) << ::testing::PrintToString(words) << ran.err;
    EXPECT_THAT(ran.out, IsEmpty());
    EXPECT_GT(ran.err.size(), 10U);
  }
}

TEST(CommandLineTest, AFileThatConfiguresNoPartIsWrongUsageInOneSentence) {
  const keytrail::testing::TempFolder folder;
  const std::string file = folder.file("part.toml");
  std::ofstream(file) << "= garbage";
  for (const std::string part : {"eventstore", "kms", "vcenter", "esxi"}) {
    const Ran ran = keytrail({part, "run", "--config", file});
    EXPECT_EQ(ran.exit, 2) << ran.err;
    EXPECT_THAT(ran.err, StartsWith("keytrail: "));
    EXPECT_THAT(ran.err, HasSubstr(file));
  }
}

int exit_of(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// /dev/full takes nothing: what was printed is not there, and that is told.
TEST(CommandLineTest, OutputThatCannotBeWrittenIsNoSuccess) {
  const std::string program = KEYTRAIL_BINARY_DIR "/cli/keytrail";
  EXPECT_EQ(exit_of(program + " --help >/dev/full 2>/dev/null"), 1);
  EXPECT_EQ(exit_of(program + " --version >&- 2>/dev/null"), 1);
  EXPECT_EQ(exit_of(program + " --version >/dev/null"), 0);
}

TEST(CommandLineTest, AReaderThatHasEnoughIsNoFailure) {
  const keytrail::testing::TempFolder folder;
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);  // As `head` does.
  const std::string err = folder.file("err");
  EXPECT_EQ(exit_of(std::string(KEYTRAIL_BINARY_DIR "/cli/keytrail --help >&") +
                    std::to_string(ends[1]) + " 2>" + err),
            0);
  ::close(ends[1]);
  EXPECT_EQ(std::filesystem::file_size(err), 0);
}

TEST(CommandLineTest, WhereNoInstallationIsEachCommandSaysHowToStartOne) {
  const keytrail::testing::TempFolder folder;
  for (const Words& command : {Words{"status"},
                               {"part", "start", "kms-1"},
                               {"events", "read"},
                               {"audit"},
                               {"state"},
                               {"log", "verify"},
                               {"log", "info"},
                               {"provider", "list"},
                               {"host", "list"},
                               {"vm", "list"},
                               {"vm", "create", "vm-1", "--size", "1M"},
                               {"user", "list"},
                               {"kms", "keys"},
                               {"kms", "shredded", "key", "--wait"},
                               {"subscribers", "list"},
                               {"kmip", "query"}}) {
    Words words = command;
    words.insert(words.end(), {"--data", folder.path()});
    const Ran ran = keytrail(words);
    EXPECT_EQ(ran.exit, 3) << ::testing::PrintToString(words) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("keytrail up --data " + folder.path()));
  }
}

TEST(CommandLineTest, AFolderOfSomethingElseIsNotStartedIn) {
  const keytrail::testing::TempFolder folder;
  std::ofstream(folder.file("letter.txt")) << "dear";
  const Ran ran = keytrail({"up", "--data", folder.path()});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("holds files but no installation"));
}

}  // namespace
}  // namespace keytrail::cli
