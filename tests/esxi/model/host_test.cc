#include "esxi/model/host.h"

#include <gmock/gmock.h>

#include "esxi/model/disks.h"
#include "esxi/model/guests.h"
#include "esxi/model/keys.h"
#include "esxi/model/mode.h"
#include "esxi/model/orders.h"
#include "tests/esxi/host_log.h"

namespace keytrail::esxi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kVcenter = "vcenter/vc-1";
const KeyId kHostKey{"prod", "host-key"};
const KeyId kVmKey{"prod", "vm-key"};

// host-1 of cluster-1, in boot "b1", as far as the test's story goes.
class HostModelTest : public testing::Test {
 protected:
  HostModelTest() {
    given(kVcenter, vcenter_fact("vcenter/vc-1/host/host-1", {},
                                 vcenter::HostRegistered{"host-1", "cluster-1", "k"}));
    given(kVcenter, vcenter_fact("vcenter/vc-1/host/host-2", {},
                                 vcenter::HostRegistered{"host-2", "cluster-1", "k"}));
    when(decide_start(state_, self_, "b1", Hash{1}));
  }

  void given(const std::string& author, Body body) { follow(log_.append(author, std::move(body))); }
  // Appends the host's own decision, which must hold.
  void when(const Decision& decision) {
    const std::vector<Fact> facts = log_.append("esxi/host-1", decision);
    ASSERT_THAT(facts, SizeIs(decision.facts.size())) << "a guard does not hold";
    for (const Fact& fact : facts) follow(fact);
  }
  // A host follows changes only.
  void follow(const Fact& fact) {
    if (effect_of(fact.body.event) == Effect::kChange) evolve(state_, self_, fact);
  }
  void given_safe() {
    given(kVcenter, vcenter_fact("vcenter/vc-1/host/host-1", action(1),
                                 vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey}));
    when(decide_received(state_, self_, {kHostKey}));
    when(decide_mode(state_, self_));
  }
  // One of many VMs, made by an action of its own.
  void given_created(const std::string& name, int number, const KeyId& key = {}) {
    ActionId id = action(200);
    id.bytes[1] = static_cast<std::uint8_t>(number);
    id.bytes[2] = static_cast<std::uint8_t>(number >> 8);
    given(kVcenter, vcenter_fact("vcenter/vc-1/vm/" + name, id,
                                 vcenter::VmCreationRequested{
                                     .vm = name, .host = "host-1", .disk_bytes = 4096}));
    Body created{.stream = "esxi/host-1/disk/" + name, .action = id};
    created.event = esxi::Event(DiskCreated{.vm = name, .disk = {.disk = name}, .key = key});
    given("esxi/host-1", created);
  }
  void given_vm(const std::string& host = "host-1") {
    given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(2),
                                 vcenter::VmCreationRequested{
                                     .vm = "vm-1", .host = host, .disk_bytes = 4096}));
    given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(2),
                                 vcenter::VmCreationOrdered{.vm = "vm-1", .host = host}));
    if (host != "host-1") {
      Body created{.stream = "esxi/" + host + "/disk/d1", .action = action(2)};
      created.event = esxi::Event(DiskCreated{.vm = "vm-1", .disk = {.disk = "d1"}});
      given("esxi/" + host, created);
      return;
    }
    when(decide_claim(state_, self_, action(2)));
    when(decide_disk_done(state_, self_, action(2),
                          {{.disk = "d1", .bytes = 4096, .sector_bytes = 4096}, {}}));
    given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(2),
                                 vcenter::VmCreated{.vm = "vm-1", .host = host}));
  }
  void given_key_obtained(const std::string& vm = "vm-1") {
    given(kVcenter,
          vcenter_fact("vcenter/vc-1/key/prod.vm-key", action(3),
                       vcenter::KeyObtained{kVmKey, "kms-1", vcenter::KeyPurpose::kVm, vm}));
  }
  void given_encryption_ordered() {
    given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(3),
                                 vcenter::EncryptionOrdered{"vm-1", "host-1", kVmKey}));
  }

  const Identity self_{"host-1", "vc-1"};
  HostLog log_;
  State state_;
};

TEST_F(HostModelTest, AHostThatIsNotSafeWantsNoKeyOfAVm) {
  given_vm();
  given_key_obtained();
  EXPECT_THAT(keys_owed(state_), IsEmpty());
}

TEST_F(HostModelTest, AnOrderedSafeModeIsStatedOnlyOnceTheHostKeyIsHeld) {
  given(kVcenter, vcenter_fact("vcenter/vc-1/host/host-1", action(1),
                               vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey}));
  EXPECT_FALSE(mode_is_due(state_));
  EXPECT_THAT(keys_owed(state_), ElementsAre(kHostKey));
  when(decide_received(state_, self_, {kHostKey}));
  ASSERT_TRUE(mode_is_due(state_));
  when(decide_mode(state_, self_));
  EXPECT_EQ(state_.mode, HostMode::kSafe);
  EXPECT_FALSE(mode_is_due(state_));
}

TEST_F(HostModelTest, ASafeHostWantsTheKeysOfItsClustersVms) {
  given_safe();
  given_vm("host-2");  // another host's VM, same cluster: any host may have to run it
  given_key_obtained();
  EXPECT_THAT(keys_owed(state_), ElementsAre(kVmKey));
}

TEST_F(HostModelTest, ARestartForgetsEveryKey) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  EXPECT_THAT(keys_owed(state_), IsEmpty());
  when(decide_start(state_, self_, "b2", Hash{2}));
  EXPECT_THAT(state_.held, IsEmpty());
  EXPECT_THAT(keys_owed(state_), ElementsAre(kHostKey, kVmKey));
}

TEST_F(HostModelTest, AKeyThatNobodyNeedsAnyMoreIsErased) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given(kVcenter,
        vcenter_fact("vcenter/vc-1/vm/vm-1", action(3), vcenter::EncryptionRefused{.vm = "vm-1"}));
  EXPECT_THAT(keys_to_erase(state_), ElementsAre(kVmKey));
  when(decide_erased(state_, self_, {kVmKey}));
  EXPECT_THAT(state_.held, ElementsAre(kHostKey));
}

TEST_F(HostModelTest, AnOrderIsClaimedOnlyOnceItsKeyIsHeld) {
  given_safe();
  given_vm();
  given_key_obtained();
  given_encryption_ordered();
  EXPECT_THAT(orders_to_claim(state_), IsEmpty());
  when(decide_received(state_, self_, {kVmKey}));
  EXPECT_THAT(orders_to_claim(state_), ElementsAre(action(3)));
  when(decide_claim(state_, self_, action(3)));
  EXPECT_THAT(orders_to_claim(state_), IsEmpty());
  EXPECT_THAT(orders_to_perform(state_), ElementsAre(action(3)));
}

TEST_F(HostModelTest, AnOrderThatEndedLeavesNoVersionBehind) {
  given_vm();
  for (const auto& [stream, version] : state_.versions) {
    EXPECT_FALSE(stream.starts_with("esxi/host-1/action/")) << stream;
  }
}

TEST_F(HostModelTest, AnExpiredOrderCannotBeClaimed) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given_encryption_ordered();
  const Decision claim = decide_claim(state_, self_, action(3));
  given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(3),
                               vcenter::OrderExpired{"vm-1", "host-1", 9}));
  EXPECT_THAT(log_.append("esxi/host-1", claim), IsEmpty()) << "the claim's guard must fail";
  EXPECT_THAT(decide_claim(state_, self_, action(3)).facts, IsEmpty());
}

TEST_F(HostModelTest, AClaimedOrderIsPerformedAgainAfterARestartOnceItsKeyIsBack) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given_encryption_ordered();
  when(decide_claim(state_, self_, action(3)));
  when(decide_start(state_, self_, "b2", Hash{2}));
  EXPECT_THAT(orders_to_perform(state_), IsEmpty());
  when(decide_received(state_, self_, {kHostKey, kVmKey}));
  EXPECT_THAT(orders_to_perform(state_), ElementsAre(action(3)));
}

TEST_F(HostModelTest, AnOutcomeFromBeforeTheRestartDoesNotStand) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given_encryption_ordered();
  when(decide_claim(state_, self_, action(3)));
  const Decision outcome = decide_disk_done(state_, self_, action(3), {{.disk = "d1"}, Bytes(16)});
  when(decide_start(state_, self_, "b2", Hash{2}));
  EXPECT_THAT(log_.append("esxi/host-1", outcome), IsEmpty());
}

TEST_F(HostModelTest, ADoneEncryptionEndsTheOrderAndNamesTheKey) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given_encryption_ordered();
  when(decide_claim(state_, self_, action(3)));
  when(decide_disk_done(state_, self_, action(3), {{.disk = "d1", .generation = 2}, Bytes(16, 7)}));
  EXPECT_THAT(state_.orders, IsEmpty());
  EXPECT_EQ(state_.vms.at("vm-1").key, kVmKey);
  EXPECT_EQ(state_.vms.at("vm-1").dek_fingerprint, Bytes(16, 7));
  EXPECT_THAT(decide_disk_done(state_, self_, action(3), {}).facts, IsEmpty());
}

TEST_F(HostModelTest, ARefusedOrderIsOver) {
  given_vm();
  given_encryption_ordered();
  when(decide_refuse(state_, self_, action(3), Refusal::kHostRefused, "the disk is full"));
  EXPECT_THAT(state_.orders, IsEmpty());
}

TEST_F(HostModelTest, AGuestThatRanWhenTheHostDiedIsToldStoppedAtTheNextStart) {
  given_vm();
  given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(4),
                               vcenter::PowerOrdered{"vm-1", "host-1", PowerState::kOn, {}}));
  when(decide_claim(state_, self_, action(4)));
  when(decide_guest_started(state_, self_, action(4)));
  EXPECT_EQ(state_.vms.at("vm-1").power, PowerState::kOn);
  when(decide_start(state_, self_, "b2", Hash{2}));
  EXPECT_EQ(state_.vms.at("vm-1").power, PowerState::kOff);
}

TEST_F(HostModelTest, APowerOffThatTheGuestDidByItselfIsNoOrderAnyMore) {
  given_vm();
  given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(4),
                               vcenter::PowerOrdered{"vm-1", "host-1", PowerState::kOff, {}}));
  EXPECT_THAT(orders_to_claim(state_), SizeIs(1));
  given(kVcenter, vcenter_fact("vcenter/vc-1/vm/vm-1", action(4),
                               vcenter::PowerCompleted{"vm-1", PowerState::kOff}));
  EXPECT_THAT(orders_to_claim(state_), IsEmpty());
}

// As many as a host may run: more than a unit's 64 guards.
TEST_F(HostModelTest, AHostThatDiesWithAThousandGuestsTellsThemAllInUnitsThatFit) {
  constexpr int kGuests = 1000;
  for (int i = 0; i < kGuests; ++i) {
    const std::string name = "vm-" + std::to_string(i);
    given_created(name, i);
    Body started{.stream = "esxi/host-1/vm/" + name};
    started.event = esxi::Event(GuestStarted{name, "b1"});
    given("esxi/host-1", started);
  }
  Decision decision = decide_start(state_, self_, "b2", Hash{2});
  EXPECT_LE(decision.guards.size(), 60U);
  when(decision);
  int units = 0;
  for (; guests_are_lost(state_, self_); ++units) {
    ASSERT_LT(units, kGuests);
    decision = decide_lost_guests(state_, self_);
    ASSERT_LE(decision.guards.size(), 60U);
    when(decision);
  }
  EXPECT_GT(units, 10);
  for (const auto& [name, vm] : state_.vms) EXPECT_EQ(vm.power, PowerState::kOff) << name;
}

TEST_F(HostModelTest, ManyKeysAndVmsAreToldInUnitsThatFit) {
  given_safe();
  std::vector<KeyId> keys;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "vm-" + std::to_string(i);
    keys.push_back({"prod", name});
    given_created(name, i, kVmKey);
    given(kVcenter,
          vcenter_fact("vcenter/vc-1/key/" + name, action(3),
                       vcenter::KeyObtained{keys[i], "kms-1", vcenter::KeyPurpose::kVm, name}));
  }
  for (int i = 0; i < 300; i += 100) {
    when(decide_received(state_, self_, {keys.begin() + i, keys.begin() + i + 100}));
  }
  int units = 0;
  for (;; ++units) {
    const Decision locked = decide_locked(state_, self_, kVmKey);
    if (locked.facts.empty()) break;
    ASSERT_LE(locked.guards.size(), 60U);
    when(locked);
  }
  EXPECT_EQ(units, 10);
  for (state_.held.insert(kVmKey);; --units) {
    const Decision unlocked = decide_unlocked(state_, self_);
    if (unlocked.facts.empty()) break;
    ASSERT_LE(unlocked.guards.size(), 60U);
    when(unlocked);
  }
  EXPECT_EQ(units, 0);
  const std::set<KeyId> all(keys.begin(), keys.end());
  for (;; ++units) {
    const Decision erased = decide_erased(state_, self_, all);
    if (erased.facts.empty()) break;
    ASSERT_LE(erased.facts.size(), 250U);
    when(erased);
  }
  EXPECT_EQ(units, 3);
}

TEST_F(HostModelTest, AMissingKeyLocksItsVmUntilItIsReceived) {
  given_safe();
  given_vm();
  given_key_obtained();
  when(decide_received(state_, self_, {kVmKey}));
  given_encryption_ordered();
  when(decide_claim(state_, self_, action(3)));
  when(decide_disk_done(state_, self_, action(3), {{.disk = "d1"}, Bytes(16)}));
  when(decide_start(state_, self_, "b2", Hash{2}));
  when(decide_locked(state_, self_, kVmKey));
  EXPECT_TRUE(state_.vms.at("vm-1").locked);
  EXPECT_THAT(decide_locked(state_, self_, kVmKey).facts, IsEmpty());
  when(decide_received(state_, self_, {kVmKey}));
  when(decide_unlocked(state_, self_));
  EXPECT_FALSE(state_.vms.at("vm-1").locked);
}

TEST_F(HostModelTest, NoHostSpeaksForAnothersVms) {
  given_vm();
  const std::map<std::string, Vm> before = state_.vms;
  const esxi::Event claims[] = {
      DiskCreated{.vm = "vm-1", .disk = {.disk = "d9"}},
      DiskCreated{.vm = "vm-2", .disk = {.disk = "d9"}},
      DiskEncrypted{.vm = "vm-1", .disk = {.disk = "d9"}, .key = kVmKey},
      DiskDecrypted{.vm = "vm-1", .disk = {.disk = "d9"}},
      DiskRecrypted{.vm = "vm-1", .disk = {.disk = "d9"}, .new_key = kVmKey},
      GuestStarted{"vm-1", "b9"},
      GuestStopped{.vm = "vm-2"},
      VmLocked{.vm = "vm-1"},
      VmUnlocked{.vm = "vm-2"}};
  for (const esxi::Event& claim : claims) {
    for (const ActionId id : {action(2), action(9)}) {  // of the creation, of nothing
      given("esxi/host-2", {.stream = "esxi/host-2/disk/d9", .action = id, .event = claim});
      EXPECT_EQ(state_.vms, before) << type_of(Event(claim));
    }
  }
}

TEST_F(HostModelTest, AnotherVcentersOrdersAreNotFollowed) {
  given_vm();
  given("vcenter/vc-2", vcenter_fact("vcenter/vc-2/vm/vm-1", action(9),
                                     vcenter::EncryptionOrdered{"vm-1", "host-1", kVmKey}));
  EXPECT_THAT(state_.orders, IsEmpty());
}

}  // namespace
}  // namespace keytrail::esxi
