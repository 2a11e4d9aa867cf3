#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vcenter/model/world.h"

namespace keytrail::vcenter::test {
namespace {

class ActionsTest : public testing::Test {
 protected:
  void SetUp() override {
    world.found();
    world.add_provider("prod", 1);
    world.create_vm("vm-1", "host-1", 5);
    world.tell(world.admin(6), AddUser{"bob", "credential-bob"});
    start = world.log.size();
  }
  template <class Refused>
  void expect_refused(const std::vector<vcenter::Event>& events, Refusal reason) {
    const auto* refused = std::get_if<Refused>(&events.back());
    ASSERT_NE(refused, nullptr) << world.types_since(start);
    EXPECT_EQ(refused->reason, reason) << refused->detail;
    EXPECT_FALSE(refused->detail.empty());
  }
  void expect_free(const std::string& vm) {
    EXPECT_FALSE(world.state.vms.at(vm).holder.has_value());
    EXPECT_TRUE(world.state.actions.empty());
  }

  World world;
  std::size_t start = 0;
};

// The log takes no guard on a stream whose name is too long; nothing can stand there anyway.
TEST_F(ActionsTest, ANameThatIsTooLongForAnyStreamIsRefusedWithoutAGuardOnIt) {
  const std::string name(3000, 'A');
  const std::vector<Command> commands{EncryptVm{name, ""},
                                      DecryptVm{name},
                                      RecryptVm{name, RecryptDepth::kShallow, ""},
                                      PowerVm{name, PowerState::kOn},
                                      UnlockVm{name},
                                      PrepareHost{name},
                                      EnableHost{name, name},
                                      AddUser{name, "c"},
                                      AddGroup{name},
                                      EncryptVm{"vm-1", name},
                                      RemoveProvider{name},
                                      SetDefaultProvider{name}};
  for (const Command& command : commands) {
    const Decision decision = decide(world.state, world.admin(20), command);
    EXPECT_FALSE(decision.facts.empty());
    for (const auto& [stream, version] : decision.guards) EXPECT_LE(stream.size(), kStreamBytesMax);
    for (const Body& body : decision.facts) EXPECT_LE(body.stream.size(), kStreamBytesMax);
  }
}

TEST_F(ActionsTest, EncryptVmMakesTheHostSafeGivesItTheKeyAndCompletes) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.advance();
  world.make_keys();
  world.advance();
  const KeyId host_key = world.state.hosts["host-1"].ordered->key;
  world.receive("host-1", host_key);
  world.host_says("host-1", "mode", esxi::HostModeChanged{HostMode::kSafe, host_key},
                  action_id(10));
  world.advance();
  EXPECT_EQ(world.state.actions.at(action_id(10)).phase, Phase::kPreparing);
  const KeyId key = world.state.actions.at(action_id(10)).key;
  world.receive("host-1", key);
  world.advance();
  world.claim("host-1", 10, esxi::EncryptionStarted{"vm-1", 0});
  world.host_says("host-1", "disk/d", esxi::DiskEncrypted{.vm = "vm-1", .key = key}, action_id(10));
  world.advance();
  EXPECT_EQ(world.types_since(start),
            "EncryptionRequested PrivilegeChecked PrivilegeChecked KeyRequested KeyObtained "
            "KeyRequested KeyObtained HostModeOrdered KeyReceived HostModeChanged KeyReceived "
            "EncryptionOrdered EncryptionStarted DiskEncrypted EncryptionCompleted");
  EXPECT_EQ(world.state.vms["vm-1"].key, key);
  expect_free("vm-1");
}

TEST_F(ActionsTest, EveryFactOfAnActionCarriesItsIdAndUser) {
  world.make_safe("host-1", 9);
  start = world.log.size();
  world.encrypt("vm-1", "host-1", 10);
  for (std::size_t i = start; i < world.log.size(); ++i) {
    const Fact& fact = world.log[i];
    if (fact.stamp.author != "vcenter/vc-1") continue;
    EXPECT_EQ(fact.body.action, action_id(10));
    EXPECT_EQ(fact.body.user, kAdministrator);
  }
}

TEST_F(ActionsTest, EncryptVmIsRefusedToAUserWithoutThePrivilege) {
  const auto events = world.tell(world.user("bob", 10), EncryptVm{"vm-1", ""});
  expect_refused<EncryptionRefused>(events, Refusal::kNoPrivilege);
  EXPECT_EQ(world.types_since(start), "EncryptionRequested PrivilegeChecked EncryptionRefused");
  expect_free("vm-1");
}

TEST_F(ActionsTest, EncryptVmNeedsRegisterHostIfTheHostIsNotSafe) {
  world.tell(world.admin(7), CreateRole{"Encryptor", {"Cryptographer.Encrypt"}, ""});
  world.tell(world.admin(8), SetPermission{"", Principal{"bob", false}, "Encryptor", true});
  auto events = world.tell(world.user("bob", 10), EncryptVm{"vm-1", ""});
  expect_refused<EncryptionRefused>(events, Refusal::kNoPrivilege);
  world.make_safe("host-1", 9);
  events = world.tell(world.user("bob", 11), EncryptVm{"vm-1", ""});
  EXPECT_TRUE(std::holds_alternative<KeyRequested>(events.back()));
}

TEST_F(ActionsTest, ASecondActionOnABusyVmIsRefusedOnItsOwnStream) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  const std::uint64_t version = world.version("vcenter/vc-1/vm/vm-1");
  const auto events = world.tell(world.admin(11), DecryptVm{"vm-1"});
  expect_refused<DecryptionRefused>(events, Refusal::kBusy);
  EXPECT_EQ(world.version("vcenter/vc-1/vm/vm-1"), version);
  EXPECT_EQ(world.state.vms["vm-1"].holder, action_id(10));
}

TEST_F(ActionsTest, AnUnknownVmIsRefusedWithoutAStreamOfItsOwn) {
  const auto events = world.tell(world.admin(10), EncryptVm{"vm-9", ""});
  expect_refused<EncryptionRefused>(events, Refusal::kNotFound);
  EXPECT_EQ(world.version("vcenter/vc-1/vm/vm-9"), 0U);
  EXPECT_FALSE(world.state.vms.contains("vm-9"));
}

TEST_F(ActionsTest, EncryptVmIsRefusedInTheWrongState) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  expect_refused<EncryptionRefused>(world.tell(world.admin(11), EncryptVm{"vm-1", ""}),
                                    Refusal::kWrongState);
  world.create_vm("vm-2", "host-1", 12);
  world.host_says("host-1", "vm/vm-2", esxi::GuestStarted{"vm-2", "boot-a"});
  expect_refused<EncryptionRefused>(world.tell(world.admin(13), EncryptVm{"vm-2", ""}),
                                    Refusal::kWrongState);
  expect_refused<EncryptionRefused>(world.tell(world.admin(14), EncryptVm{"vm-2", "nowhere"}),
                                    Refusal::kWrongState);
}

TEST_F(ActionsTest, WithoutAKeyProviderNothingIsEncrypted) {
  World bare;
  bare.found();
  bare.create_vm("vm-1", "host-1", 5);
  expect_refused<EncryptionRefused>(bare.tell(bare.admin(10), EncryptVm{"vm-1", ""}),
                                    Refusal::kNoKeyProvider);
}

TEST_F(ActionsTest, AKeyServerThatRefusesEndsTheAction) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  const auto events = world.tell(caller_of(world.state.actions.at(action_id(10))),
                                 FailKey{KeyPurpose::kVm, "no server answers"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<KeyRefused>(events[0]));
  expect_refused<EncryptionRefused>(events, Refusal::kKeyRefused);
  expect_free("vm-1");
}

TEST_F(ActionsTest, AKeyWhoseIdIsNoStreamIsRefusedAndTheVmGivenBack) {
  std::uint8_t n = 10;
  for (const std::string& id : {std::string(200, 'k'), std::string(60, 'K'), std::string()}) {
    const Caller admin = world.admin(n++);
    world.tell(admin, EncryptVm{"vm-1", ""});
    const auto events = world.tell(admin, ConcludeKey{KeyPurpose::kVm, {"prod", id}, ""});
    expect_refused<EncryptionRefused>(events, Refusal::kKeyRefused);
    expect_free("vm-1");
  }
}

TEST_F(ActionsTest, AKeyThatIsInUseAlreadyIsRefusedAndWhatSaysSoIsGuarded) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  const KeyId key = world.state.vms["vm-1"].key;
  world.tell(world.admin(11), RecryptVm{"vm-1", RecryptDepth::kShallow, ""});
  const Decision decision =
      decide(world.state, world.admin(11), ConcludeKey{KeyPurpose::kVm, key, "kms-1"});
  const std::pair<std::string, std::uint64_t> guard{key_stream(world.state, key), 1};
  EXPECT_EQ(std::count(decision.guards.begin(), decision.guards.end(), guard), 1);
  ASSERT_TRUE(world.append("vcenter/vc-1", decision));
  expect_free("vm-1");
}

TEST_F(ActionsTest, WhatAKeyServerSaysIsCutToFitAFact) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  const std::string letter = "\xc3\xa4";  // of two bytes: never cut in the middle
  std::string rant = "x";
  for (int i = 0; i < 50'000; ++i) rant += letter;
  const auto events = world.tell(world.admin(10), FailKey{KeyPurpose::kVm, rant});
  const std::string detail = std::get<EncryptionRefused>(events.back()).detail;
  EXPECT_LE(detail.size(), kQuotedBytesMax);
  EXPECT_EQ(detail.substr(detail.size() - 6), letter + " ...");
}

TEST_F(ActionsTest, WhatAHostSaysIsCutToFitAFact) {
  world.tell(world.admin(10), PowerVm{"vm-1", PowerState::kOn});
  world.advance();
  esxi::OrderRefused refused{.vm = "vm-1"};
  refused.detail = std::string(65'000, 'x');
  world.claim("host-1", 10, refused);
  const Decision decision = decide(world.state, world.admin(10), Advance{action_id(10)});
  const auto& event = std::get<vcenter::Event>(decision.facts.back().event);
  EXPECT_LE(std::get<PowerRefused>(event).detail.size(), kQuotedBytesMax + 20);
}

TEST_F(ActionsTest, APowerStateThatADecisionReadIsGuarded) {
  world.host_says("host-1", "vm/vm-1", esxi::GuestStarted{"vm-1", "boot-a"});
  const Decision refusal = decide(world.state, world.admin(10), EncryptVm{"vm-1", ""});
  world.host_says("host-1", "vm/vm-1", esxi::GuestStopped{.vm = "vm-1"});
  EXPECT_FALSE(world.append("vcenter/vc-1", refusal)) << "it says that the VM is powered on";
  const auto events = world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  EXPECT_TRUE(std::holds_alternative<KeyRequested>(events.back()));
}

TEST_F(ActionsTest, ANameFitsEveryStreamThatItIsAPieceOf) {
  EXPECT_EQ(name_fault(std::string(80, 'a')), "");
  EXPECT_NE(name_fault(std::string(81, 'a')), "");
  EXPECT_EQ(name_fault(std::string(40, 'A')), "");
  EXPECT_NE(name_fault(std::string(80, 'A')), "");
}

TEST_F(ActionsTest, AKeyThatIsMadeTwiceIsObtainedOnce) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  const Caller caller = caller_of(world.state.actions.at(action_id(10)));
  const ConcludeKey made{KeyPurpose::kVm, KeyId{"prod", "k"}, "kms-1"};
  const Decision late = decide(world.state, caller, made);
  world.tell(caller, made);
  EXPECT_TRUE(decide(world.state, caller, made).facts.empty());
  EXPECT_FALSE(world.append("vcenter/vc-1", late));
}

TEST_F(ActionsTest, AHostThatDoesNotTakeTheOrderLosesItToExpiry) {
  world.make_safe("host-1", 9);
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.receive("host-1", world.state.actions.at(action_id(10)).key);
  world.advance();
  EXPECT_TRUE(next(world.state, world.now + kPatience).empty());
  start = world.log.size();
  world.now += kPatience + 1;
  world.advance();
  EXPECT_EQ(world.types_since(start), "OrderExpired EncryptionRefused");
  expect_free("vm-1");
}

TEST_F(ActionsTest, ClaimAndExpiryExcludeEachOther) {
  world.make_safe("host-1", 9);
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.receive("host-1", world.state.actions.at(action_id(10)).key);
  world.advance();
  world.now += kPatience + 1;
  const Decision expiry =
      decide(world.state, caller_of(world.state.actions.at(action_id(10))), Expire{action_id(10)});
  ASSERT_EQ(expiry.facts.size(), 2U);
  world.claim("host-1", 10, esxi::EncryptionStarted{"vm-1", 0});
  EXPECT_FALSE(world.append("vcenter/vc-1", expiry));
  world.now += 100 * kPatience;
  EXPECT_TRUE(next(world.state, world.now).empty()) << "a claimed order never expires";
}

TEST_F(ActionsTest, AHostThatNeverBecomesSafeEndsTheAction) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.advance();
  world.make_keys();
  world.advance();
  world.now += kPatience + 1;
  world.advance();
  const auto& last = std::get<vcenter::Event>(world.log.back().body.event);
  EXPECT_EQ(std::get<EncryptionRefused>(last).reason, Refusal::kExpired);
  expect_free("vm-1");
}

TEST_F(ActionsTest, WhatTheHostRefusesIsRefusedInItsWords) {
  world.make_safe("host-1", 9);
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.receive("host-1", world.state.actions.at(action_id(10)).key);
  world.advance();
  world.claim(
      "host-1", 10,
      esxi::OrderRefused{.vm = "vm-1", .reason = Refusal::kWrongState, .detail = "no space"});
  world.advance();
  const auto& last = std::get<vcenter::Event>(world.log.back().body.event);
  EXPECT_EQ(std::get<EncryptionRefused>(last).reason, Refusal::kHostRefused);
  EXPECT_EQ(std::get<EncryptionRefused>(last).detail, "host-1: no space");
}

TEST_F(ActionsTest, AnotherHostsFactsDoNotCount) {
  world.make_safe("host-1", 9);
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.receive("host-1", world.state.actions.at(action_id(10)).key);
  world.advance();
  world.claim("host-2", 10, esxi::EncryptionStarted{"vm-1", 0});
  world.host_says("host-2", "disk/d", esxi::DiskEncrypted{.vm = "vm-1"}, action_id(10));
  EXPECT_EQ(world.state.actions.at(action_id(10)).phase, Phase::kOrdered);
}

TEST_F(ActionsTest, ARestartInTheMiddleOwesTheSame) {
  world.tell(world.admin(10), EncryptVm{"vm-1", ""});
  world.make_keys();
  world.advance();
  for (std::size_t length = 1; length <= world.log.size(); ++length) {
    State restarted;
    restarted.vcenter = "vc-1";
    for (std::size_t i = 0; i < length; ++i) {
      if (effect_of(world.log[i].body.event) == Effect::kChange) evolve(restarted, world.log[i]);
    }
    if (length == world.log.size()) {
      EXPECT_EQ(restarted, world.state);
      EXPECT_EQ(next(restarted, world.now), next(world.state, world.now));
      EXPECT_TRUE(std::holds_alternative<MakeKey>(next(restarted, world.now).at(0)));
    }
  }
}

TEST_F(ActionsTest, DecryptVmOrdersWithTheKeyThatTheDiskHas) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  const KeyId key = world.state.vms["vm-1"].key;
  world.tell(world.admin(11), DecryptVm{"vm-1"});
  world.advance();
  const auto& ordered = std::get<vcenter::Event>(world.log.back().body.event);
  EXPECT_EQ(std::get<DecryptionOrdered>(ordered).key, key);
  world.claim("host-1", 11, esxi::DecryptionStarted{"vm-1", 0});
  world.host_says("host-1", "disk/d", esxi::DiskDecrypted{.vm = "vm-1"}, action_id(11));
  world.advance();
  EXPECT_TRUE(world.state.vms["vm-1"].key.is_none());
  expect_free("vm-1");
}

TEST_F(ActionsTest, ANoCryptographyAdministratorMayPowerOnButNotDecrypt) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  world.tell(world.admin(11), AddGroup{"operators"});
  world.tell(world.admin(12), JoinGroup{"operators", "bob"});
  world.tell(world.admin(13),
             SetPermission{"dc-1", Principal{"operators", true}, "NoCryptoAdmin", true});
  auto events = world.tell(world.user("bob", 14), DecryptVm{"vm-1"});
  expect_refused<DecryptionRefused>(events, Refusal::kNoPrivilege);
  const auto& checked = std::get<PrivilegeChecked>(events.at(1));
  EXPECT_EQ(checked.privilege, "Cryptographer.Decrypt");
  EXPECT_EQ(checked.role, "NoCryptoAdmin");
  EXPECT_EQ(checked.principal, "operators");
  EXPECT_EQ(checked.inherited_from, "dc-1");
  world.tell(world.user("bob", 15), PowerVm{"vm-1", PowerState::kOn});
  world.advance();
  EXPECT_EQ(world.state.actions.at(action_id(15)).phase, Phase::kOrdered);
}

TEST_F(ActionsTest, RecryptKeepsBothKeysUntilTheHostIsDone) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  const KeyId old_key = world.state.vms["vm-1"].key;
  world.tell(world.admin(11), RecryptVm{"vm-1", RecryptDepth::kDeep, ""});
  world.make_keys();
  const KeyId new_key = world.state.actions.at(action_id(11)).key;
  EXPECT_TRUE(may_have(world.state, "host-1", old_key));
  EXPECT_TRUE(may_have(world.state, "host-1", new_key));
  world.receive("host-1", new_key);
  world.advance();
  const auto ordered =
      std::get<RecryptOrdered>(std::get<vcenter::Event>(world.log.back().body.event));
  EXPECT_EQ(ordered.old_key, old_key);
  EXPECT_EQ(ordered.new_key, new_key);
  world.claim("host-1", 11, esxi::RecryptStarted{"vm-1", 0});
  world.host_says("host-1", "disk/d", esxi::DiskRecrypted{.vm = "vm-1"}, action_id(11));
  world.advance();
  EXPECT_EQ(world.state.vms["vm-1"].key, new_key);
  EXPECT_FALSE(may_have(world.state, "host-1", old_key));
}

TEST_F(ActionsTest, AfterAHostsRestartPowerOnWaitsForTheKey) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  world.start_host("host-1", "boot-b");
  world.tell(world.admin(11), PowerVm{"vm-1", PowerState::kOn});
  EXPECT_TRUE(next(world.state, world.now).empty());
  world.receive("host-1", world.state.vms["vm-1"].key);
  world.advance();
  EXPECT_EQ(world.state.actions.at(action_id(11)).phase, Phase::kOrdered);
  world.claim("host-1", 11, esxi::PowerChangeStarted{"vm-1", 0, PowerState::kOn});
  world.host_says("host-1", "vm/vm-1", esxi::GuestStarted{"vm-1", "boot-b"}, action_id(11));
  world.advance();
  EXPECT_EQ(world.state.vms["vm-1"].power, PowerState::kOn);
  expect_free("vm-1");
}

TEST_F(ActionsTest, AGuestThatStopsByItselfFulfilsAnOrderToPowerOff) {
  world.host_says("host-1", "vm/vm-1", esxi::GuestStarted{"vm-1", "boot-a"});
  world.tell(world.admin(10), PowerVm{"vm-1", PowerState::kOff});
  world.advance();
  world.host_says("host-1", "vm/vm-1", esxi::GuestStopped{.vm = "vm-1"});
  world.advance();
  const auto& last = std::get<vcenter::Event>(world.log.back().body.event);
  EXPECT_TRUE(std::holds_alternative<PowerCompleted>(last));
  expect_free("vm-1");
}

TEST_F(ActionsTest, UnlockIsDoneWhenTheHostHasTheKeyAgain) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  const KeyId key = world.state.vms["vm-1"].key;
  world.start_host("host-1", "boot-b");
  world.host_says("host-1", "vm/vm-1", esxi::VmLocked{"vm-1", key});
  EXPECT_TRUE(world.state.vms["vm-1"].locked);
  world.tell(world.admin(11), UnlockVm{"vm-1"});
  world.advance();
  EXPECT_TRUE(world.state.vms["vm-1"].holder.has_value());
  world.receive("host-1", key);
  world.host_says("host-1", "vm/vm-1", esxi::VmUnlocked{"vm-1", key});
  world.advance();
  EXPECT_FALSE(world.state.vms["vm-1"].locked);
  expect_free("vm-1");
}

TEST_F(ActionsTest, CreateVmTakesItsNameAtOnceAndGivesItBackWhenRefused) {
  world.tell(world.admin(10), CreateVm{.vm = "vm-2", .host = "host-1", .disk_bytes = 4096});
  expect_refused<VmCreationRefused>(
      world.tell(world.admin(11), CreateVm{.vm = "vm-2", .disk_bytes = 4096}),
      Refusal::kAlreadyExists);
  world.advance();
  world.claim("host-1", 10, esxi::OrderRefused{.vm = "vm-2", .detail = "full"});
  world.advance();
  EXPECT_FALSE(world.state.vms.contains("vm-2"));
  world.create_vm("vm-2", "host-2", 12);
  EXPECT_TRUE(world.state.vms.at("vm-2").created);
  EXPECT_TRUE(is_of_kind(world.state, "vm-2", EntityKind::kVm));
}

TEST_F(ActionsTest, CreateVmEncryptedNeedsEncryptNewOnTheFolder) {
  world.tell(world.admin(7), CreateRole{"Maker", {"VirtualMachine.Inventory.Create"}, ""});
  world.tell(world.admin(8), SetPermission{"", Principal{"bob", false}, "Maker", true});
  const auto events = world.tell(world.user("bob", 10),
                                 CreateVm{.vm = "vm-2", .disk_bytes = 4096, .encrypted = true});
  expect_refused<VmCreationRefused>(events, Refusal::kNoPrivilege);
}

TEST_F(ActionsTest, CreateVmRefusesPathsAndOddDisks) {
  const auto refused = [&](CreateVm command) {
    const auto events = world.tell(world.admin(10), command);
    return std::holds_alternative<VmCreationRefused>(events.back());
  };
  EXPECT_TRUE(refused({.vm = "../vm", .disk_bytes = 4096}));
  EXPECT_TRUE(refused({.vm = "vm-2"}));
  EXPECT_TRUE(refused({.vm = "vm-2", .disk_bytes = 4097}));
  EXPECT_TRUE(refused({.vm = "vm-2", .disk_bytes = 4096, .sector_bytes = 1024}));
  EXPECT_TRUE(refused({.vm = "vm-2", .import = "../../etc/shadow"}));
  EXPECT_TRUE(refused({.vm = "vm-2",
                       .disk_bytes = 4096,
                       .guest = {.kernel = "/boot/vmlinuz", .initrd = "initrd"}}));
  EXPECT_TRUE(refused({.vm = "vm-2", .disk_bytes = 4096, .guest = {.kernel = "vmlinuz"}}));
  EXPECT_TRUE(refused({.vm = "vm-2", .host = "host-9", .disk_bytes = 4096}));
  EXPECT_FALSE(refused(
      {.vm = "vm-2", .disk_bytes = 4096, .guest = {.kernel = "vmlinuz", .initrd = "initrd"}}));
}

TEST_F(ActionsTest, AnOrderOfAModeThatWasReplacedLeavesNothingBehind) {
  for (const auto n : {std::uint8_t{10}, std::uint8_t{11}}) {
    world.tell(world.admin(n), EnableHost{"host-1", ""});
    world.make_keys();
    world.advance();
  }
  EXPECT_FALSE(world.state.actions.contains(action_id(10)));
  EXPECT_FALSE(world.state.versions.contains(action_stream(world.state, action_id(10))));
  EXPECT_TRUE(world.state.versions.contains(action_stream(world.state, action_id(11))));
}

TEST_F(ActionsTest, HostsAreEnabledAndRekeyedByOrderOnly) {
  world.make_safe("host-1", 9);
  EXPECT_TRUE(world.state.actions.empty());
  const KeyId first = world.state.hosts["host-1"].key;
  world.tell(world.admin(10), RekeyHost{"host-1", ""});
  world.make_keys();
  world.advance();
  EXPECT_EQ(world.state.hosts["host-1"].key, first) << "only the host's fact is the mode";
  const KeyId second = world.state.hosts["host-1"].ordered->key;
  EXPECT_TRUE(may_have(world.state, "host-1", second));
  EXPECT_FALSE(may_have(world.state, "host-2", second));
  world.host_says("host-1", "mode", esxi::HostModeChanged{HostMode::kSafe, second}, action_id(10));
  EXPECT_EQ(world.state.hosts["host-1"].key, second);
  EXPECT_TRUE(world.state.actions.empty());
  expect_refused<CommandRefused>(world.tell(world.admin(11), EnableHost{"host-1", ""}),
                                 Refusal::kWrongState);
  expect_refused<CommandRefused>(world.tell(world.user("bob", 12), PrepareHost{"host-2"}),
                                 Refusal::kNoPrivilege);
}

TEST_F(ActionsTest, AKeyGoesOnlyToSafeHostsOfTheClusterInTheirPresentBoot) {
  world.make_safe("host-1", 9);
  world.encrypt("vm-1", "host-1", 10);
  const KeyId key = world.state.vms["vm-1"].key;
  EXPECT_FALSE(may_have(world.state, "host-2", key)) << "it is not safe";
  world.make_safe("host-2", 11);
  EXPECT_TRUE(may_have(world.state, "host-2", key));
  const Caller vcenter{.action = action_id(12), .user = "vcenter/vc-1"};
  EXPECT_TRUE(
      decide(world.state, vcenter, RecordPush{"host-2", "boot-z", key, "kms-1"}).facts.empty());
  const Decision push = decide(world.state, vcenter, RecordPush{"host-2", "boot-a", key, "kms-1"});
  ASSERT_EQ(push.facts.size(), 1U);
  world.start_host("host-2", "boot-b");
  EXPECT_FALSE(world.append("vcenter/vc-1", push)) << "sealed to a boot that has ended";
  EXPECT_FALSE(may_have(world.state, "host-1", KeyId{"prod", "nobody's"}));
}

}  // namespace
}  // namespace keytrail::vcenter::test
