#include "vcenter/model/rights.h"

#include <gtest/gtest.h>

#include "tests/vcenter/model/world.h"
#include "vcenter/model/privileges.h"

namespace keytrail::vcenter::test {
namespace {

class RightsTest : public testing::Test {
 protected:
  void SetUp() override {
    world.found();
    world.create_vm("vm-1", "host-1", 1);
    world.tell(world.admin(10), AddUser{"bob", "credential-bob"});
    world.tell(world.admin(11), AddGroup{"operators"});
    world.tell(world.admin(12), AddGroup{"auditors"});
  }
  void join(const std::string& group) { world.tell(world.admin(13), JoinGroup{group, "bob"}); }
  void permit(const std::string& entity, Principal principal, const std::string& role,
              bool propagates = true) {
    world.tell(world.admin(14), SetPermission{entity, std::move(principal), role, propagates});
  }
  PrivilegeChecked check(std::string_view privilege, const std::string& entity) {
    return check_privilege(world.state, "bob", privilege, entity);
  }

  World world;
  const Principal bob{"bob", false};
  const Principal operators{"operators", true};
  const Principal auditors{"auditors", true};
};

TEST_F(RightsTest, WithoutAnEntryNothingIsGranted) {
  const PrivilegeChecked checked = check(privilege::kRead, "vm-1");
  EXPECT_FALSE(checked.granted);
  EXPECT_EQ(checked.role, "");
}

TEST_F(RightsTest, AnEntryPropagatesDownTheInventoryAndNamesWhereItComesFrom) {
  permit("dc-1", bob, "Admin");
  const PrivilegeChecked checked = check(privilege::kDecrypt, "vm-1");
  EXPECT_TRUE(checked.granted);
  EXPECT_EQ(checked.inherited_from, "dc-1");
  EXPECT_EQ(checked.principal, "bob");
  EXPECT_EQ(checked.role, "Admin");
  EXPECT_EQ(checked.rights_position, world.state.rights.position);
}

TEST_F(RightsTest, AnEntryThatDoesNotPropagateHoldsOnItsEntityOnly) {
  permit("vm", bob, "Admin", false);
  EXPECT_TRUE(check(privilege::kDecrypt, "vm").granted);
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
}

TEST_F(RightsTest, AChildsEntryOverridesItsParents) {
  permit("dc-1", bob, "Admin");
  permit("vm-1", bob, "ReadOnly");
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
  EXPECT_TRUE(check(privilege::kRead, "vm-1").granted);
  EXPECT_TRUE(check(privilege::kDecrypt, "vm").granted);
}

TEST_F(RightsTest, AGroupsEntryOnAChildOverridesTheUsersOwnOnTheParent) {
  join("operators");
  permit("dc-1", bob, "Admin");
  permit("vm-1", operators, "NoCryptoAdmin");
  const PrivilegeChecked checked = check(privilege::kDecrypt, "vm-1");
  EXPECT_FALSE(checked.granted);
  EXPECT_TRUE(checked.is_group);
}

TEST_F(RightsTest, TheUsersOwnEntryBeatsHisGroupsOnTheSameEntity) {
  join("operators");
  permit("vm", operators, "Admin");
  permit("vm", bob, "NoAccess");
  EXPECT_FALSE(check(privilege::kRead, "vm-1").granted);
}

TEST_F(RightsTest, RolesOfSeveralGroupsOnOneEntityAddUp) {
  join("operators");
  join("auditors");
  permit("vm", operators, "NoCryptoAdmin");
  permit("vm", auditors, "Admin");
  const PrivilegeChecked checked = check(privilege::kDecrypt, "vm-1");
  EXPECT_TRUE(checked.granted);
  EXPECT_EQ(checked.principal, "auditors");
}

TEST_F(RightsTest, NoCryptographyAdministratorHasNoCryptographerPrivilegeAndNoDetour) {
  const auto privileges = privileges_of_built_in(kNoCryptoAdminRole);
  for (const std::string& id : privileges) EXPECT_FALSE(id.starts_with("Cryptographer.")) << id;
  EXPECT_FALSE(privileges.contains("Global.Diagnostics"));
  EXPECT_FALSE(privileges.contains("Host.Inventory.AddHostToCluster"));
  EXPECT_TRUE(privileges.contains("VirtualMachine.Interact.PowerOn"));
  EXPECT_EQ(role_from("No cryptography administrator"), "NoCryptoAdmin");
}

TEST_F(RightsTest, AdminHasAllFourteenCryptographerPrivileges) {
  int count = 0;
  for (const std::string& id : privileges_of_built_in(kAdminRole)) {
    if (id.starts_with("Cryptographer.")) ++count;
  }
  EXPECT_EQ(count, 14);
}

TEST_F(RightsTest, NobodyGivesAwayMoreThanHeHas) {
  permit("", bob, "NoCryptoAdmin");
  const auto events = world.tell(world.user("bob", 20), SetPermission{"", bob, "Admin", true});
  const auto* refused = std::get_if<CommandRefused>(&events.back());
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->reason, Refusal::kNoPrivilege);
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
}

TEST_F(RightsTest, NobodyJoinsAGroupThatMayMoreThanHeHimself) {
  permit("", bob, "NoCryptoAdmin");
  permit("vm", operators, "Admin");
  const auto events = world.tell(world.user("bob", 21), JoinGroup{"operators", "bob"});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
}

// What does not propagate is not given away below its entity, by way of an empty group either.
TEST_F(RightsTest, NobodyWidensHisOwnEntryThroughAGroup) {
  permit("", bob, "Admin", false);
  auto events = world.tell(world.user("bob", 34), SetPermission{"", operators, "Admin", true});
  ASSERT_TRUE(std::holds_alternative<PermissionSet>(events.back())) << "nobody is in it yet";
  events = world.tell(world.user("bob", 35), JoinGroup{"operators", "bob"});
  const auto* refused = std::get_if<CommandRefused>(&events.back());
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->reason, Refusal::kNoPrivilege);
  const auto& checked = std::get<PrivilegeChecked>(events.at(events.size() - 2));
  EXPECT_FALSE(checked.granted) << "the check that says so is a fact";
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
}

TEST_F(RightsTest, ARoleIsMadeOfKnownPrivilegesAndMayCloneAnother) {
  auto events = world.tell(world.admin(22),
                           CreateRole{"Encryptor", {"Cryptographer.Encrypt"}, "NoCryptoAdmin"});
  const auto* created = std::get_if<RoleCreated>(&events.back());
  ASSERT_NE(created, nullptr);
  EXPECT_EQ(created->privileges.size(), privileges_of_built_in(kNoCryptoAdminRole).size() + 1);
  events = world.tell(world.admin(23), CreateRole{"Wizard", {"Cryptographer.Conjure"}, ""});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
}

TEST_F(RightsTest, TheAdministratorKeepsHisPermissionAtTheRoot) {
  const auto events =
      world.tell(world.admin(24), RemovePermission{"", Principal{kAdministrator, false}});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
}

TEST_F(RightsTest, NobodyUncoversAWiderEntryThanHisOwnByRemovingOne) {
  join("operators");
  permit("", operators, "Admin");
  permit("dc-1", bob, "NoCryptoAdmin");
  auto events = world.tell(world.user("bob", 30), RemovePermission{"dc-1", bob});
  const auto* refused = std::get_if<CommandRefused>(&events.back());
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->reason, Refusal::kNoPrivilege);
  const auto& checked = std::get<PrivilegeChecked>(events.at(events.size() - 2));
  EXPECT_FALSE(checked.granted) << "the check that says so is a fact";
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
  events = world.tell(world.admin(31), RemovePermission{"dc-1", bob});
  EXPECT_TRUE(std::holds_alternative<PermissionRemoved>(events.back())) << "he has it all himself";
}

TEST_F(RightsTest, NobodyUncoversAWiderEntryThanHisOwnByNoLongerPropagating) {
  join("operators");
  permit("", operators, "Admin");
  permit("dc-1", bob, "NoCryptoAdmin");
  const auto events =
      world.tell(world.user("bob", 30), SetPermission{"dc-1", bob, "NoCryptoAdmin", false});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
  EXPECT_FALSE(check(privilege::kDecrypt, "vm-1").granted);
}

TEST_F(RightsTest, WhoeverMaySetPermissionsTakesAwayWhatHeMayGive) {
  world.tell(world.admin(32), AddUser{"carol", "credential-carol"});
  permit("", bob, "NoCryptoAdmin");
  permit("vm-1", Principal{"carol", false}, "ReadOnly");
  const auto events =
      world.tell(world.user("bob", 33), RemovePermission{"vm-1", Principal{"carol", false}});
  EXPECT_TRUE(std::holds_alternative<PermissionRemoved>(events.back()));
}

TEST_F(RightsTest, NobodyTakesTheAdministratorsRightsByAnotherEntry) {
  permit("", bob, "NoCryptoAdmin");
  const Principal administrator{kAdministrator, false};
  const SetPermission attempts[] = {{"", administrator, "NoAccess", true},
                                    {"", administrator, "NoCryptoAdmin", true},
                                    {"", administrator, "Admin", false},
                                    {"dc-1", administrator, "NoAccess", true},
                                    {"vm-1", administrator, "ReadOnly", false}};
  const Rights before = world.state.rights;
  for (const SetPermission& attempt : attempts) {
    for (const Caller& caller : {world.user("bob", 29), world.admin(29)}) {
      const auto events = world.tell(caller, attempt);
      EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back())) << attempt.role;
    }
  }
  EXPECT_EQ(world.state.rights, before);
}

TEST_F(RightsTest, NobodyTakesTheAdministratorsRightsThroughAGroup) {
  permit("", bob, "NoCryptoAdmin");
  const auto events = world.tell(world.user("bob", 29), JoinGroup{"auditors", kAdministrator});
  const auto* refused = std::get_if<CommandRefused>(&events.back());
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->reason, Refusal::kWrongState);
  permit("dc-1", auditors, "NoAccess");
  EXPECT_TRUE(check_privilege(world.state, kAdministrator, privilege::kDecrypt, "vm-1").granted);
}

TEST_F(RightsTest, ACheckGuardsTheRightsItRead) {
  const Decision decision = decide(world.state, world.user("bob", 25), DecryptVm{"vm-1"});
  permit("dc-1", bob, "Admin");
  EXPECT_FALSE(world.append("vcenter/vc-1", decision));
}

TEST_F(RightsTest, AUserIsCheckedBeforeAnythingIsWrittenForHim) {
  EXPECT_TRUE(decide(world.state, world.admin(26), AddUser{"carol", ""}).facts.empty());
  EXPECT_FALSE(decide(world.state, world.user("bob", 26), AddUser{"carol", ""}).facts.empty());
  EXPECT_FALSE(decide(world.state, world.admin(26), AddUser{"bob", ""}).facts.empty());
}

TEST_F(RightsTest, AStrangersLoginMakesNoStreamOfHisChoosing) {
  const auto before = world.log.size();
  world.tell(world.user("mallory", 27), RecordLogin{"unknown user or wrong password"});
  ASSERT_EQ(world.log.size(), before + 1);
  EXPECT_EQ(world.log.back().body.stream, "vcenter/vc-1/rights");
  const Decision odd = decide(world.state, world.user(std::string(4000, '@'), 27),
                              RecordLogin{"unknown user or wrong password"});
  ASSERT_EQ(odd.facts.size(), 1U) << "also what is no name is recorded";
  for (const auto& [stream, version] : odd.guards) EXPECT_LE(stream.size(), kStreamBytesMax);
  world.tell(world.user("bob", 28), RecordLogin{""});
  EXPECT_EQ(world.log.back().body.stream, "vcenter/vc-1/principal/bob");
}

}  // namespace
}  // namespace keytrail::vcenter::test
