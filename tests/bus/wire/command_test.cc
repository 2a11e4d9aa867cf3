#include <thread>

#include "bus/wire/command_server.h"
#include "bus/wire/mailbox.h"
#include "tests/bus/wire/wire_fixture.h"

namespace keytrail::wire {
namespace {

class CommandTest : public WireTest {
 protected:
  CommandTest() { context_.allow({{"operator/cli", peer_keys_.public_key, {"command"}}}); }

  [[nodiscard]] CommandClient client(const CommandServer& server, const CurveKeys& keys) {
    return CommandClient(context_, server.endpoint(), server_keys_.public_key, keys);
  }

  Context context_;
};

TEST_F(CommandTest, ProgressAndTheResultReachTheAsker) {
  Mailbox<CommandMessage> mailbox(16);
  CommandServer server(context_, "tcp://127.0.0.1:*", server_keys_, [&](CommandMessage command) {
    ASSERT_TRUE(mailbox.put(std::move(command)));
  });
  ASSERT_TRUE(server.start().ok());
  std::thread part([&] {
    std::vector<CommandMessage> commands;
    while (commands.empty()) commands = mailbox.take_all();
    EXPECT_EQ(commands[0].identity, "operator/cli");
    EXPECT_EQ(commands[0].json, R"({"command":"status"})");
    server.progress(commands[0].token, R"({"percent":50})");
    server.result(commands[0].token, R"({"state":"fine"})");
  });

  std::vector<std::string> progress;
  CommandClient asker = client(server, peer_keys_);
  const auto answer = asker.call(R"({"command":"status"})", kPatienceMs,
                                 [&](const std::string& json) { progress.push_back(json); });
  part.join();
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_TRUE(answer->ok);
  EXPECT_EQ(answer->json, R"({"state":"fine"})");
  EXPECT_EQ(progress, std::vector<std::string>{R"({"percent":50})"});
}

TEST_F(CommandTest, AnErrorIsJsonWhateverItsTextHolds) {
  CommandServer* answering = nullptr;
  CommandServer server(
      context_, "tcp://127.0.0.1:*", server_keys_, [&](const CommandMessage& command) {
        answering->error(command.token, "refused", "no \"such\" thing\n", "ask \\ again");
      });
  answering = &server;
  ASSERT_TRUE(server.start().ok());
  CommandClient asker = client(server, peer_keys_);
  const auto answer = asker.call("{}", kPatienceMs, {});
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_FALSE(answer->ok);
  EXPECT_EQ(answer->json,
            R"({"code":"refused","message":"no \"such\" thing\n","hint":"ask \\ again"})");
}

TEST_F(CommandTest, TheServerThatIsNotThereIsUnavailable) {
  CommandClient asker(context_, "tcp://127.0.0.1:1", server_keys_.public_key, peer_keys_);
  const auto answer = asker.call("{}", kQuietMs, {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST_F(CommandTest, AKeyThatIsNotOnTheListIsToldAtOnce) {
  CommandServer server(context_, "tcp://127.0.0.1:*", server_keys_, [](const CommandMessage&) {});
  ASSERT_TRUE(server.start().ok());
  const CurveKeys stranger = new_keys();
  CommandClient asker = client(server, stranger);
  const auto answer = asker.call("{}", kPatienceMs, {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kRefused);
}

TEST_F(CommandTest, ACommandAboveItsCapIsRefusedInTheProtocolsForm) {
  CommandServer server(context_, "tcp://127.0.0.1:*", server_keys_,
                       [](const CommandMessage&) { FAIL() << "must not get here"; });
  ASSERT_TRUE(server.start().ok());
  CommandClient asker = client(server, peer_keys_);
  const auto answer = asker.call(std::string(kCommandBytesMax + 1, ' '), kPatienceMs, {});
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_FALSE(answer->ok);
  EXPECT_NE(answer->json.find("invalid"), std::string::npos);
}

TEST_F(CommandTest, GarbageOnTheSocketIsDroppedAndTheNextCommandIsServed) {
  CommandServer* answering = nullptr;
  CommandServer server(
      context_, "tcp://127.0.0.1:*", server_keys_,
      [&](const CommandMessage& command) { answering->result(command.token, "{}"); });
  answering = &server;
  ASSERT_TRUE(server.start().ok());
  auto raw = Socket::connect(context_, SocketKind::kDealer, server.endpoint(),
                             server_keys_.public_key, peer_keys_);
  ASSERT_TRUE(raw.ok());
  const Bytes long_id(65);
  raw->send({as_bytes("")});
  raw->send({as_bytes("KT2"), as_bytes("COMMAND"), as_bytes("1"), as_bytes("{}")});
  raw->send({as_bytes("KT1"), as_bytes("COMMAND"), long_id, as_bytes("{}")});
  raw->send({as_bytes("KT1"), as_bytes("COMMAND"), as_bytes("7"), as_bytes("{}")});
  Message message;
  ASSERT_TRUE(await(*raw, message));
  EXPECT_EQ(as_text(message.frames[2]), "7");
}

TEST_F(CommandTest, TheAnswerLeavesHoweverMuchProgressWaits) {
  CommandServer* answering = nullptr;
  CommandServer server(context_, "tcp://127.0.0.1:*", server_keys_,
                       [&](const CommandMessage& command) {  // Nothing leaves before it returns.
                         for (int i = 0; i < 70'000; ++i) answering->progress(command.token, "{}");
                         answering->result(command.token, R"({"state":"fine"})");
                       });
  answering = &server;
  ASSERT_TRUE(server.start().ok());
  CommandClient asker = client(server, peer_keys_);
  const auto answer = asker.call("{}", kPatienceMs, {});
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_EQ(answer->json, R"({"state":"fine"})");
}

}  // namespace
}  // namespace keytrail::wire
