#include "vcenter/service/parse_command.h"

#include <gtest/gtest.h>

namespace keytrail::vcenter {
namespace {

template <class C>
C command_of(const std::string& json) {
  auto parsed = parse_command(json);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().detail);
  if (!parsed.ok()) return {};
  const auto* command = std::get_if<Command>(&parsed->ask);
  return command != nullptr && std::holds_alternative<C>(*command) ? std::get<C>(*command) : C{};
}

std::string fault_of(const std::string& json) {
  auto parsed = parse_command(json);
  return parsed.ok() ? "none" : parsed.error().detail;
}

TEST(ParseCommandTest, ReadsCommandsWithTheirArguments) {
  EXPECT_EQ(
      command_of<EncryptVm>(R"({"command":"vm.encrypt","arguments":{"vm":"vm-1","provider":"p"}})"),
      (EncryptVm{"vm-1", "p"}));
  EXPECT_EQ(
      command_of<RecryptVm>(R"({"command":"vm.recrypt","arguments":{"vm":"vm-1","depth":"deep"}})")
          .depth,
      RecryptDepth::kDeep);
  const auto create = command_of<CreateVm>(
      R"({"command":"vm.create","arguments":{"vm":"v","disk_bytes":4096,"encrypted":true,)"
      R"("guest":{"kernel":"k","initrd":"i","command_line":"seed=1"}}})");
  EXPECT_EQ(create.disk_bytes, 4096U);
  EXPECT_TRUE(create.encrypted);
  EXPECT_EQ(create.guest.command_line, "seed=1");
  EXPECT_EQ(command_of<SetPermission>(R"({"command":"permission.set","arguments":{"principal":)"
                                      R"("operators","is_group":true,"role":)"
                                      R"("No cryptography administrator","entity":"dc-1"}})"),
            (SetPermission{"dc-1", {"operators", true}, "NoCryptoAdmin", true}));
}

TEST(ParseCommandTest, APasswordIsKeptApart) {
  auto parsed =
      parse_command(R"({"command":"login","arguments":{"user":"alice","password":"secret"}})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(std::get<Login>(parsed->ask).user, "alice");
  EXPECT_TRUE(parsed->password.equals(as_bytes("secret")));
}

TEST(ParseCommandTest, SaysWhatIsWrong) {
  EXPECT_EQ(fault_of(R"({"command":"vm.encrypt","arguments":{}})"), "vm.encrypt: vm is missing");
  EXPECT_EQ(fault_of(R"({"command":"vm.encrypt","arguments":{"vm":"a","vn":1}})"),
            "vm.encrypt: there is no argument vn");
  EXPECT_EQ(fault_of(R"({"command":"vm.shred"})"), "there is no command vm.shred");
  EXPECT_EQ(fault_of(R"({"command":"vm.recrypt","arguments":{"vm":"a","depth":"wide"}})"),
            "vm.recrypt: depth is shallow or deep");
  EXPECT_EQ(fault_of(R"({"command":"vm.create","arguments":{"vm":"a","provider":"p"}})"),
            "vm.create: a provider is for an encrypted VM: say encrypted too, or leave it out");
}

TEST(ParseCommandTest, HostileTextIsRefused) {
  for (
      const std::string json :
      {"", "{", "[]", "null", "\"login\"", R"({"command":1})", R"({"command":"login"})",
       R"({"command":"login","arguments":[]})", R"({"command":"status","session":1})",
       R"({"command":"login","arguments":{"user":"a","password":1}})",
       R"({"command":"login","arguments":{"user":"a","password":""}})",
       R"({"command":"vm.create","arguments":{"vm":"a","disk_bytes":-1}})",
       R"({"command":"vm.create","arguments":{"vm":"a","disk_bytes":1.5}})",
       R"({"command":"provider.add","arguments":{"provider":"p","servers":"x"}})",
       R"({"command":"provider.add","arguments":{"provider":"p","servers":["h:0"]}})",
       R"({"command":"provider.add",)"
       R"("arguments":{"provider":"p","servers":["h"],"accept":["z"]}})"}) {
    EXPECT_NE(fault_of(json), "none") << json;
  }
  EXPECT_NE(fault_of(std::string(200'000, '[')), "none");
  EXPECT_NE(fault_of(std::string(kCommandBytesMax + 1, ' ')), "none");
}

TEST(ParseCommandTest, ReadsServersInAllTheirForms) {
  EXPECT_EQ(*parse_server("kms-1=127.0.0.1:5697"), (KmipServer{"kms-1", "127.0.0.1", 5697}));
  EXPECT_EQ(*parse_server("kms.example"), (KmipServer{"kms.example", "kms.example", 5696}));
  EXPECT_EQ(*parse_server("a=[::1]:5698"), (KmipServer{"a", "::1", 5698}));
  EXPECT_EQ(parse_server("[::1]")->address, "::1");
  for (const std::string bad : {"", "=", "h:", "h:99999", "h:12x", "=h:1", ":1"}) {
    EXPECT_FALSE(parse_server(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keytrail::vcenter
