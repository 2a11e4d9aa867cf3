#include "kms/service/command_json.h"

#include <gtest/gtest.h>

#include <ctime>

#include "kms/kmip/certificate.h"

namespace keytrail::kms {
namespace {

template <class T>
bool is(const std::string& json) {
  const auto parsed = parse_command(json);
  return parsed.ok() && std::holds_alternative<Command>(*parsed) &&
         std::holds_alternative<T>(std::get<Command>(*parsed));
}

TEST(CommandJsonTest, ReadsEveryCommand) {
  EXPECT_TRUE(is<AskStatus>(R"({"command":"status"})"));
  EXPECT_TRUE(is<ListKeys>(R"({"command":"keys","arguments":{"after":"k","limit":5}})"));
  EXPECT_TRUE(is<ListClients>(R"({"command":"client.list","arguments":{}})"));
  EXPECT_TRUE(is<RemoveClient>(R"({"command":"client.remove","arguments":{"client":"c"}})"));
  EXPECT_TRUE(is<AskShredded>(R"({"command":"shredded","arguments":{"key":"k"}})"));
  EXPECT_TRUE(is<RetireReplica>(R"({"command":"retire","arguments":{"replica":"kms-2"}})"));
  EXPECT_TRUE(is<Stop>(R"({"command":"stop"})"));
  const std::string hash(64, 'a');
  EXPECT_TRUE(is<AdmitReplica>(
      R"({"command":"admit","arguments":{"replica":"kms-2","fingerprint":")" + hash + "\"}}"));
}

TEST(CommandJsonTest, FindsTheFingerprintOfACertificate) {
  const auto now = static_cast<std::int64_t>(::time(nullptr));
  const SecretBytes key = kmip::make_private_key().value();
  const std::string pem =
      kmip::make_self_signed(key, {.common_name = "c", .not_after_seconds = now + 60}).value();
  std::string escaped;
  for (const char c : pem) escaped += c == '\n' ? "\\n" : std::string(1, c);
  const auto parsed = parse_command(
      R"({"command":"client.add","arguments":{"client":"c","certificate":")" + escaped + "\"}}");
  ASSERT_TRUE(parsed.ok()) << parsed.error().detail;
  const auto& enrol = std::get<EnrolClient>(std::get<Command>(*parsed));
  EXPECT_EQ(enrol.fingerprint, kmip::certificate_fingerprint(pem).value());
  EXPECT_EQ(as_text(enrol.certificate), pem);
}

TEST(CommandJsonTest, RefusesWhatIsNoCommand) {
  const std::string deep(10'000, '[');
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[]"), std::string("{"), deep,
        std::string(R"({"command":1})"), std::string(R"({"command":"format"})"),
        std::string(R"({"command":"keys","arguments":[]})"),
        std::string(R"({"command":"keys","arguments":{"limit":-1}})"),
        std::string(R"({"command":"shredded"})"),
        std::string(R"({"command":"shredded","arguments":{"key":7}})"),
        std::string(R"({"command":"admit","arguments":{"replica":"r","fingerprint":"zz"}})"),
        std::string(R"({"command":"client.add","arguments":{"client":"c","certificate":"x"}})")}) {
    const auto parsed = parse_command(bad);
    ASSERT_FALSE(parsed.ok()) << bad.substr(0, 80);
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(parsed.error().detail.empty());
  }
}

TEST(CommandJsonTest, SaysWhereWhatWasDoneStandsOrThatItWasSoAlready) {
  EXPECT_EQ(to_json(StoppingAnswer{}, {}), R"({"stopping":true})");
  EXPECT_EQ(to_json(DoneAnswer{"c", 7}, {}), R"({"name":"c","position":"7"})");
  EXPECT_EQ(to_json(DoneAnswer{"c", 0}, {}), R"({"name":"c","unchanged":true})");
}

TEST(CommandJsonTest, SaysWhoMayStillHoldADestroyedKey) {
  ShreddedAnswer answer{.object = "k", .destroyed = true, .shredding = {}};
  answer.shredding.gone = {"kms-1"};
  answer.shredding.may_hold = {"kms-2"};
  const std::string open = to_json(answer, {});
  EXPECT_NE(open.find("\"shredded\":false,\"provable\""), std::string::npos) << open;
  answer.shredding = {.gone = {"kms-1", "kms-2"}, .not_provable = {}, .may_hold = {}};
  const std::string done = to_json(answer, {});
  EXPECT_NE(done.find("\"shredded\":true,\"provable\":true"), std::string::npos) << done;
  answer.shredding = {.gone = {"kms-1"}, .not_provable = {"kms-2"}, .may_hold = {}};
  const std::string copied = to_json(answer, {});
  EXPECT_NE(copied.find("\"shredded\":true,\"provable\":false"), std::string::npos) << copied;
  EXPECT_NE(copied.find("not provable on this medium"), std::string::npos) << copied;
}

}  // namespace
}  // namespace keytrail::kms
