#include "eventstore/service/commands.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

TEST(StoreCommandsTest, AGrantNamesKeyPrefixesTopicsAndSockets) {
  const auto command =
      parse_command(R"({"command":"identities grant","arguments":{"name":"kms/kms-4","key":"k",)"
                    R"("prefixes":["kms/kms-4"],"topics":["kms.change"],"sockets":["append"]}})");
  ASSERT_TRUE(command.ok()) << command.error().detail;
  const auto* grant = std::get_if<GrantIdentity>(&*command);
  ASSERT_NE(grant, nullptr);
  EXPECT_EQ(grant->identity,
            (Identity{"kms/kms-4", "k", {"kms/kms-4"}, {"kms.change"}, {"append"}}));
}

TEST(StoreCommandsTest, ASubscriberMayListenAndReadAndAppendNothing) {
  const auto command =
      parse_command(R"({"command":"subscribers add","arguments":{"name":"siem/one","key":"k",)"
                    R"("topics":["kms.note"],"prefixes":["kms"]}})");
  ASSERT_TRUE(command.ok());
  const auto* grant = std::get_if<GrantIdentity>(&*command);
  ASSERT_NE(grant, nullptr);
  EXPECT_TRUE(grant->identity.prefixes.empty());
  EXPECT_EQ(grant->identity.sockets, (std::vector<std::string>{"live", "read"}));
}

TEST(StoreCommandsTest, MalformedCommandsAreToldWhatIsWrong) {
  for (const char* json :
       {"", "[]", "{}", R"({"command":7})", R"({"command":"dance"})",
        R"({"command":"status","arguments":[]})", R"({"command":"identities revoke"})",
        R"({"command":"identities grant","arguments":{"name":"a/b"}})",
        R"({"command":"identities grant","arguments":{"name":"a/b","key":"k","topics":"all"}})"}) {
    const auto command = parse_command(json);
    ASSERT_FALSE(command.ok()) << json;
    EXPECT_EQ(command.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(command.error().detail.empty());
  }
}

}  // namespace
}  // namespace keytrail::eventstore
