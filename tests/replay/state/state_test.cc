#include <gmock/gmock.h>

#include "replay/state/items.h"

namespace keytrail::replay {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ActionId action(std::uint8_t id) {
  ActionId action;
  action.bytes.fill(id);
  return action;
}

// Given facts, one a line.
class Log {
 public:
  Log& kms(kms::Event event, std::string stream = "kms/cluster-1/object/any") {
    return fact("kms/kms-1", std::move(stream), std::move(event), {});
  }
  Log& vcenter(vcenter::Event event, std::uint8_t id = 1) {
    return fact("vcenter/vc-1", "vcenter/vc-1/any", std::move(event), action(id));
  }
  Log& esxi(esxi::Event event, std::string host = "host-1") {
    return fact("esxi/" + host, "esxi/" + host + "/any", std::move(event), action(1));
  }
  [[nodiscard]] const State& state() const { return state_; }

 private:
  Log& fact(std::string author, std::string stream, Event event, ActionId id) {
    ++position_;
    evolve(state_, {Stamp{.position = position_,
                          .time = position_ * 1'000'000'000,
                          .author = std::move(author),
                          .previous = {}},
                    Body{.stream = std::move(stream),
                         .user = {},
                         .origin = {},
                         .action = id,
                         .attachments = {},
                         .event = std::move(event)}});
    return *this;
  }

  State state_;
  Position position_ = 0;
};

const KeyId kKey{"prod", "k-1"};
const KeyId kNewKey{"prod", "k-2"};

TEST(StateTest, ADiskThatWasNeverMadeIsNotThereForBeingRecrypted) {
  Log log;
  log.esxi(esxi::DiskRecrypted{.vm = "vm-1", .disk = {.disk = "d-1"}, .new_key = kNewKey});
  EXPECT_THAT(log.state().disks, IsEmpty());
}

Log with_plain_vm() {
  Log log;
  log.vcenter(vcenter::VmCreationRequested{.vm = "vm-1", .host = "host-1"})
      .vcenter(vcenter::VmCreated{.vm = "vm-1", .host = "host-1"});
  return log;
}

TEST(StateTest, AKeyLivesFromCreationToShredding) {
  Log log;
  log.kms(kms::ClusterCreated{.cluster = "cluster-1", .replica = "kms-1"})
      .kms(kms::ReplicaAdmitted{.replica = "kms-2"})
      .kms(kms::ObjectCreated{.object = "k-1", .length_bits = 256, .owner = "group/vcenter"})
      .kms(kms::KeyActivated{.object = "k-1"})
      .kms(kms::KeyReleased{.object = "k-1", .client = "vc-1"})
      .kms(kms::KeyReleased{.object = "k-1", .client = "vc-1"});
  const KeyObject& key = log.state().clusters.at("cluster-1").keys.at("k-1");
  EXPECT_EQ(key.state, kms::ObjectState::kActive);
  EXPECT_EQ(key.releases.at("vc-1"), 2u);
  log.kms(kms::KeyRevoked{.object = "k-1", .state = kms::ObjectState::kCompromised})
      .kms(kms::KeyDestroyed{.object = "k-1"})
      .kms(kms::ShreddedThrough{.replica = "kms-2", .through = 8}, "kms/kms-2/shred");
  EXPECT_EQ(key.state, kms::ObjectState::kDestroyedCompromised);
  EXPECT_EQ(key.destroyed_at, 8u);
  EXPECT_THAT(state_lines(log.state()),
              Contains(HasSubstr("shredded by kms-2, released to vc-1 2x")));
}

TEST(StateTest, AVmIsEncryptedOnceItsActionIsComplete) {
  Log log = with_plain_vm();
  log.vcenter(vcenter::EncryptionRequested{.vm = "vm-1", .provider = "prod"}, 2);
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").running, "encrypt");
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").key, std::nullopt);
  log.vcenter(vcenter::EncryptionCompleted{.vm = "vm-1", .key = kKey}, 2);
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").running, "");
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").key, kKey);
  log.vcenter(vcenter::RecryptRequested{.vm = "vm-1"}, 3)
      .vcenter(vcenter::RecryptCompleted{.vm = "vm-1", .old_key = kKey, .new_key = kNewKey}, 3);
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").key, kNewKey);
}

TEST(StateTest, TheRefusalOfASecondActionDoesNotGiveTheVmBack) {
  Log log = with_plain_vm();
  log.vcenter(vcenter::EncryptionRequested{.vm = "vm-1", .provider = "prod"}, 2)
      .vcenter(vcenter::DecryptionRefused{.vm = "vm-1", .reason = vcenter::Refusal::kBusy}, 3);
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").running, "encrypt");
  log.vcenter(vcenter::VmCreationRefused{.vm = "vm-1"}, 4);
  EXPECT_TRUE(log.state().vcenters.at("vc-1").vms.contains("vm-1"));
}

TEST(StateTest, ARefusalAboutAnUnknownVmMakesNone) {
  Log log;
  log.vcenter(vcenter::EncryptionRefused{.vm = "no-such", .reason = vcenter::Refusal::kNotFound});
  EXPECT_THAT(log.state().vcenters.at("vc-1").vms, IsEmpty());
}

TEST(StateTest, AHostHoldsAKeyUntilItIsErasedOrTheHostStartsAgain) {
  Log log;
  log.esxi(esxi::HostStarted{.boot = "b1"})
      .esxi(esxi::HostModeChanged{.mode = esxi::HostMode::kSafe, .key = {"prod", "host-key"}})
      .esxi(esxi::KeyReceived{.boot = "b1", .key = kKey})
      .esxi(esxi::KeyReceived{.boot = "b1", .key = kNewKey})
      .esxi(esxi::KeyErased{.boot = "b1", .key = kNewKey});
  EXPECT_THAT(log.state().hosts.at("host-1").held, ElementsAre(testing::Key(kKey)));
  log.esxi(esxi::HostStarted{.boot = "b2"});
  EXPECT_THAT(log.state().hosts.at("host-1").held, IsEmpty());
  EXPECT_EQ(log.state().hosts.at("host-1").mode, esxi::HostMode::kSafe);
}

TEST(StateTest, PowerAndLocksAreTheHostsWord) {
  Log log = with_plain_vm();
  log.esxi(esxi::GuestStarted{.vm = "vm-1"}).esxi(esxi::VmLocked{.vm = "vm-1", .key = kKey});
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").power, vcenter::PowerState::kOn);
  EXPECT_TRUE(log.state().vcenters.at("vc-1").vms.at("vm-1").locked);
  log.esxi(esxi::GuestStopped{.vm = "vm-1"}, "host-2");  // Not its host.
  EXPECT_EQ(log.state().vcenters.at("vc-1").vms.at("vm-1").power, vcenter::PowerState::kOn);
}

TEST(StateTest, RemovingAnEntityTakesItsPermissionsAlong) {
  Log log;
  log.vcenter(vcenter::EntityAdded{.kind = vcenter::EntityKind::kFolder, .entity = "f"})
      .vcenter(vcenter::PermissionSet{.entity = "f", .principal = "bob", .role = "Admin"})
      .vcenter(vcenter::PermissionSet{.entity = "", .principal = "ann", .role = "Admin"})
      .vcenter(vcenter::EntityRemoved{.entity = "f"});
  EXPECT_EQ(log.state().vcenters.at("vc-1").permissions.size(), 1u);
}

TEST(DiffTest, OfAStateWithItselfIsEmpty) {
  const Log log = with_plain_vm();
  EXPECT_THAT(diff(log.state(), log.state()), IsEmpty());
}

TEST(DiffTest, SaysWhatAnEncryptionChanged) {
  Log log = with_plain_vm();
  const State before = log.state();
  log.kms(kms::ObjectCreated{.object = "k-1", .length_bits = 256, .owner = "group/vcenter"})
      .vcenter(vcenter::EncryptionRequested{.vm = "vm-1", .provider = "prod"}, 2)
      .vcenter(vcenter::EncryptionCompleted{.vm = "vm-1", .key = kKey}, 2);
  const auto lines = diff_lines(before, log.state());
  EXPECT_THAT(lines, ElementsAre(testing::StartsWith("+ key k-1 (cluster-1): state pre-active"),
                                 "~ vm vm-1 (vc-1): encryption key: none -> prod/k-1"));
  EXPECT_THAT(diff_jsonl(before, log.state()),
              Contains(R"({"change":"changed","kind":"vm","scope":"vc-1","name":"vm-1",)"
                       R"("property":"encryption key","before":"none","after":"prod/k-1"})"));
}

TEST(DiffTest, BackwardsTurnsAddedIntoRemoved) {
  Log log = with_plain_vm();
  const State before = log.state();
  log.vcenter(vcenter::UserCreated{.user = "bob"});
  ASSERT_EQ(diff(before, log.state()).size(), 1u);
  EXPECT_EQ(diff(before, log.state())[0].kind, ChangeKind::kAdded);
  EXPECT_EQ(diff(log.state(), before)[0].kind, ChangeKind::kRemoved);
  EXPECT_THAT(diff_lines(log.state(), before), ElementsAre("- user bob (vc-1)"));
}

}  // namespace
}  // namespace keytrail::replay
