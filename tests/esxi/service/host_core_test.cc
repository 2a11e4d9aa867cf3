#include "esxi/service/host_core.h"

#include <gmock/gmock.h>

#include <functional>

#include "tests/esxi/host_log.h"

namespace keytrail::esxi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kVcenter = "vcenter/vc-1";
const KeyId kHostKey{"prod", "host-key"};
const KeyId kVmKey{"prod", "vm-key"};

// The core on a log that takes its units at once, as long as their guards hold.
class HostCoreTest : public testing::Test {
 protected:
  HostCoreTest() : core_({.self = {"host-1", "vc-1"}}) {
    vcenter("vcenter/vc-1/host/host-1", action(1),
            vcenter::HostRegistered{"host-1", "cluster-1", "k"});
    core_.tick(kSecond);
    core_.start("b1", Hash{1});
    settle();
  }

  template <class Event>
  void vcenter(std::string stream, ActionId id, Event event) {
    follow({log_.append(kVcenter, vcenter_fact(std::move(stream), id, std::move(event)))});
  }

  // Changes only: a host does not subscribe to notes.
  void follow(const std::vector<Fact>& facts) {
    for (const Fact& fact : facts) {
      if (effect_of(fact.body.event) == Effect::kChange) core_.on_followed(fact);
    }
    core_.on_followed_through(log_.head());
  }

  // Appends what the core submits and gives it back, until it submits no more.
  void settle() {
    for (HostCore::Outputs outputs = core_.take_outputs();; outputs = core_.take_outputs()) {
      for (Duty& duty : outputs.perform) duties_.push_back(std::move(duty));
      if (outputs.submit.empty()) return;
      for (const auto& [id, decision] : outputs.submit) append(id, decision);
    }
  }
  void append(protocol::TransactionId id, const protocol::Decision& decision) {
    const std::vector<Fact> facts = append_to_log(decision);
    if (facts.empty()) {
      core_.on_decide_again(id);
      return;
    }
    core_.on_accepted(id, facts.front().stamp.position, static_cast<std::uint32_t>(facts.size()));
    follow(facts);
  }

  // Appends what the core submits, but the answers stay on their way: the facts come back first, as
  // they do when the live socket is faster than the append socket. Gives the answers.
  std::vector<std::function<void()>> settle_without_answers() {
    std::vector<std::function<void()>> answers;
    for (HostCore::Outputs outputs = core_.take_outputs();; outputs = core_.take_outputs()) {
      for (Duty& duty : outputs.perform) duties_.push_back(std::move(duty));
      if (outputs.submit.empty()) return answers;
      for (const auto& [id, decision] : outputs.submit) {
        const auto facts = append_to_log(decision);
        if (facts.empty()) {
          core_.on_decide_again(id);
          continue;
        }
        follow(facts);
        answers.emplace_back([this, id = id, first = facts.front().stamp.position,
                              count = static_cast<std::uint32_t>(facts.size())] {
          core_.on_accepted(id, first, count);
        });
      }
    }
  }
  std::vector<Fact> append_to_log(const protocol::Decision& decision) {
    Decision own{.facts = decision.facts};
    for (const protocol::Guard& guard : decision.guards)
      own.guards.emplace_back(guard.stream, guard.version);
    std::vector<Fact> facts = log_.append("esxi/host-1", own);
    for (const Fact& fact : facts) appended_.push_back(std::string(type_of(fact.body.event)));
    return facts;
  }

  static Body own_fact(std::string stream, Event event) {
    Body body;
    body.stream = std::move(stream);
    body.event = std::move(event);
    return body;
  }

  template <class Kind>
  std::vector<Kind> performed() {
    std::vector<Kind> found;
    for (const Duty& duty : duties_) {
      if (const auto* kind = std::get_if<Kind>(&duty)) found.push_back(*kind);
    }
    return found;
  }
  void make_safe() {
    vcenter("vcenter/vc-1/host/host-1", action(1),
            vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
    core_.on_keys({{kHostKey, true, ""}});
    settle();
  }
  void make_vm() {
    vcenter("vcenter/vc-1/vm/vm-1", action(2),
            vcenter::VmCreationRequested{.vm = "vm-1", .host = "host-1"});
    vcenter("vcenter/vc-1/vm/vm-1", action(2),
            vcenter::VmCreationOrdered{.vm = "vm-1", .host = "host-1"});
    settle();
    core_.on_order_done(action(2), OrderOutcome{.disk = {{.disk = "d1"}, {}}});
    settle();
  }
  void order_encryption() {
    vcenter("vcenter/vc-1/key/prod.vm-key", action(3),
            vcenter::KeyObtained{kVmKey, "kms-1", vcenter::KeyPurpose::kVm, "vm-1"});
    settle();
    core_.on_keys({{kVmKey, true, ""}});
    settle();
    vcenter("vcenter/vc-1/vm/vm-1", action(3),
            vcenter::EncryptionOrdered{"vm-1", "host-1", kVmKey});
    settle();
  }

  static constexpr TimeNs kSecond = 1'000'000'000;
  HostLog log_;
  HostCore core_;
  std::vector<Duty> duties_;
  std::vector<std::string> appended_;
};

TEST_F(HostCoreTest, StatesItsBootBeforeAnythingElse) {
  EXPECT_THAT(appended_, ElementsAre("HostStarted"));
}

TEST_F(HostCoreTest, AsksForAKeyAtOnceAndAgainOnlyAfterTheInterval) {
  vcenter("vcenter/vc-1/host/host-1", action(1),
          vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
  settle();
  EXPECT_THAT(performed<AskForKeys>(), ElementsAre(AskForKeys{{kHostKey}}));
  core_.tick(kSecond + kSecond / 2);
  settle();
  EXPECT_THAT(performed<AskForKeys>(), SizeIs(1));
  core_.tick(2 * kSecond);
  settle();
  EXPECT_THAT(performed<AskForKeys>(), SizeIs(2));
}

TEST_F(HostCoreTest, AKeyIsAdoptedOnlyOnceItsReceiptIsDurable) {
  vcenter("vcenter/vc-1/host/host-1", action(1),
          vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
  core_.on_keys({{kHostKey, true, ""}});
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  for (const Duty& duty : outputs.perform) EXPECT_FALSE(std::holds_alternative<AdoptKeys>(duty));
  append(outputs.submit[0].first, outputs.submit[0].second);
  settle();
  EXPECT_THAT(performed<AdoptKeys>(), ElementsAre(AdoptKeys{{kHostKey}}));
  EXPECT_EQ(core_.state().mode, HostMode::kSafe);
}

TEST_F(HostCoreTest, AKeyIsAdoptedWhenItsReceiptComesBackBeforeItsAcknowledgement) {
  vcenter("vcenter/vc-1/host/host-1", action(1),
          vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
  core_.on_keys({{kHostKey, true, ""}});
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  follow(append_to_log(outputs.submit[0].second));
  settle();
  EXPECT_THAT(performed<AdoptKeys>(), ElementsAre(AdoptKeys{{kHostKey}}));
}

TEST_F(HostCoreTest, AKeyThatIsNotNeededAnyMoreWhenItComesIsDropped) {
  const KeyId other{"prod", "other"};
  vcenter("vcenter/vc-1/host/host-1", action(1),
          vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
  core_.on_keys({{kHostKey, true, ""}, {other, true, ""}});
  settle();
  EXPECT_THAT(performed<AdoptKeys>(), ElementsAre(AdoptKeys{{kHostKey}}));
  EXPECT_THAT(performed<DropKeys>(), ElementsAre(DropKeys{{other}}));
}

TEST_F(HostCoreTest, AKeyWhoseReceiptCannotBeRecordedIsDropped) {
  vcenter("vcenter/vc-1/host/host-1", action(1),
          vcenter::HostModeOrdered{"host-1", HostMode::kSafe, kHostKey});
  (void)core_.take_outputs();
  core_.on_keys({{kHostKey, true, ""}});
  HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  core_.on_failed(outputs.submit[0].first, Error{ErrorCode::kConflict, ""});
  settle();
  EXPECT_THAT(performed<DropKeys>(), ElementsAre(DropKeys{{kHostKey}}));
}

TEST_F(HostCoreTest, WhatNeedNotBeSaidAnyMoreGivesItsTransactionBack) {
  make_vm();
  vcenter("vcenter/vc-1/vm/vm-1", action(5),
          vcenter::PowerOrdered{"vm-1", "host-1", PowerState::kOn, {}});
  const HostCore::Outputs claim = core_.take_outputs();
  ASSERT_THAT(claim.submit, SizeIs(1));
  vcenter("vcenter/vc-1/vm/vm-1", action(5), vcenter::OrderExpired{"vm-1", "host-1", 9});
  core_.on_decide_again(claim.submit[0].first);
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  EXPECT_EQ(outputs.submit[0].first, claim.submit[0].first);
  EXPECT_THAT(outputs.submit[0].second.facts, IsEmpty());
}

TEST_F(HostCoreTest, AnOrderIsClaimedThenPerformedOnceThenToldThenRetired) {
  make_safe();
  make_vm();
  appended_.clear();
  duties_.clear();
  order_encryption();
  EXPECT_THAT(appended_, ElementsAre("KeyReceived", "EncryptionStarted"));
  ASSERT_THAT(performed<PerformOrder>(), SizeIs(1));
  core_.tick(5 * kSecond);
  settle();
  ASSERT_THAT(performed<PerformOrder>(), SizeIs(1)) << "performed twice at once";
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  settle();
  EXPECT_EQ(appended_.back(), "DiskEncrypted");
  ASSERT_THAT(performed<RetireFiles>(), SizeIs(1));
  EXPECT_EQ(performed<RetireFiles>().back().vm, "vm-1");
  EXPECT_EQ(performed<RetireFiles>().back().known.key, kVmKey) << "as the log has it afterwards";
  EXPECT_TRUE(core_.is_idle());
}

TEST_F(HostCoreTest, TheOldFileIsNotRetiredBeforeTheOutcomeIsDurable) {
  make_safe();
  make_vm();
  order_encryption();
  duties_.clear();
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  for (const Duty& duty : outputs.perform) EXPECT_FALSE(std::holds_alternative<RetireFiles>(duty));
}

// The fact ends the order in the state, and with it all that named the VM, before the answer comes.
TEST_F(HostCoreTest, TheOldFileIsRetiredAlsoWhenTheFactComesBeforeItsAnswer) {
  make_safe();
  make_vm();
  order_encryption();
  duties_.clear();
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  const auto answers = settle_without_answers();
  EXPECT_EQ(appended_.back(), "DiskEncrypted");
  EXPECT_THAT(core_.state().orders, IsEmpty());
  EXPECT_THAT(performed<RetireFiles>(), IsEmpty()) << "not acknowledged as durable yet";
  ASSERT_THAT(answers, SizeIs(1));
  answers[0]();
  settle();
  ASSERT_THAT(performed<RetireFiles>(), SizeIs(1));
  EXPECT_EQ(performed<RetireFiles>().back().vm, "vm-1");
  EXPECT_TRUE(core_.is_idle());
}

TEST_F(HostCoreTest, AnOrderFindsItsKeyAndIsPerformedOnceThoughTheAnswersAreLate) {
  make_safe();
  make_vm();
  vcenter("vcenter/vc-1/key/prod.vm-key", action(3),
          vcenter::KeyObtained{kVmKey, "kms-1", vcenter::KeyPurpose::kVm, "vm-1"});
  settle();
  appended_.clear();
  duties_.clear();
  core_.on_keys({{kVmKey, true, ""}});
  auto answers = settle_without_answers();
  vcenter("vcenter/vc-1/vm/vm-1", action(3), vcenter::EncryptionOrdered{"vm-1", "host-1", kVmKey});
  for (auto& answer : settle_without_answers()) answers.push_back(std::move(answer));
  EXPECT_THAT(appended_, ElementsAre("KeyReceived", "EncryptionStarted"));
  ASSERT_THAT(duties_, SizeIs(2)) << "the key must be there when the order is performed";
  EXPECT_EQ(duties_[0], Duty(AdoptKeys{{kVmKey}}));
  EXPECT_TRUE(std::holds_alternative<PerformOrder>(duties_[1]));
  core_.tick(5 * kSecond);
  EXPECT_THAT(settle_without_answers(), IsEmpty());
  for (const auto& answer : answers) answer();
  settle();
  EXPECT_THAT(appended_, ElementsAre("KeyReceived", "EncryptionStarted"));
  EXPECT_THAT(performed<PerformOrder>(), SizeIs(1));
  EXPECT_THAT(performed<AdoptKeys>(), ElementsAre(AdoptKeys{{kVmKey}}));
  EXPECT_TRUE(core_.is_idle());
}

TEST_F(HostCoreTest, WhatFailsIsRefusedWithItsSentence) {
  make_safe();
  make_vm();
  order_encryption();
  core_.on_order_done(action(3), Error{ErrorCode::kRefused, "the datastore is full"});
  settle();
  EXPECT_EQ(appended_.back(), "OrderRefused");
  EXPECT_THAT(core_.state().orders, IsEmpty());
}

TEST_F(HostCoreTest, WhatCannotBeToldYetIsPerformedAgainAfterAPauseAndNeverRefused) {
  make_safe();
  make_vm();
  order_encryption();
  TimeNs now = kSecond;
  for (const TimeNs pause : {1, 2, 4, 8, 16, 30, 30}) {
    duties_.clear();
    core_.on_order_done(action(3), Error{ErrorCode::kUnavailable, "the datastore is away"});
    now += pause * kSecond;
    core_.tick(now - 1);
    settle();
    EXPECT_THAT(performed<PerformOrder>(), IsEmpty()) << "after less than " << pause << " s";
    core_.tick(now);
    settle();
    EXPECT_THAT(performed<PerformOrder>(), SizeIs(1)) << "after " << pause << " s";
  }
  EXPECT_EQ(appended_.back(), "EncryptionStarted");
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  settle();
  EXPECT_EQ(appended_.back(), "DiskEncrypted");
}

TEST_F(HostCoreTest, AnOutcomeThatCouldNotBeRecordedIsToldAgain) {
  make_safe();
  make_vm();
  order_encryption();
  for (const bool refuses : {false, true}) {
    SCOPED_TRACE(refuses);
    Result<OrderOutcome> outcome = OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}};
    if (refuses) {
      vcenter("vcenter/vc-1/vm/vm-1", action(4),
              vcenter::DecryptionOrdered{"vm-1", "host-1", kVmKey});
      settle();
      outcome = Error{ErrorCode::kRefused, "it would not"};
    }
    core_.on_order_done(action(refuses ? 4 : 3), outcome);
    const HostCore::Outputs outputs = core_.take_outputs();
    ASSERT_THAT(outputs.submit, SizeIs(1));
    core_.on_failed(outputs.submit[0].first, Error{ErrorCode::kConflict, "too many retries"});
    settle();
    EXPECT_FALSE(core_.is_idle()) << "it is owed";
    core_.tick((refuses ? 30 : 10) * kSecond);
    settle();
    EXPECT_EQ(appended_.back(), refuses ? "OrderRefused" : "DiskEncrypted");
    EXPECT_TRUE(core_.is_idle());
  }
}

TEST_F(HostCoreTest, AGuestsEndThatCouldNotBeRecordedIsToldAgain) {
  make_vm();
  vcenter("vcenter/vc-1/vm/vm-1", action(5),
          vcenter::PowerOrdered{"vm-1", "host-1", PowerState::kOn, {}});
  settle();
  core_.on_order_done(action(5), OrderOutcome{});
  settle();
  core_.on_guest_ended({.vm = "vm-1", .reason = StopReason::kGuestPoweredOff});
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1));
  core_.on_failed(outputs.submit[0].first, Error{ErrorCode::kConflict, "too many retries"});
  core_.tick(10 * kSecond);
  settle();
  EXPECT_EQ(appended_.back(), "GuestStopped");
  EXPECT_EQ(core_.state().vms.at("vm-1").power, PowerState::kOff);
}

TEST_F(HostCoreTest, UsageAddsUpWhileTheLogIsAwayAndIsANote) {
  make_vm();
  const DiskUsage some{.vm = "vm-1", .disk = "d1", .read_bytes = 1, .written_bytes = 2, .reads = 3};
  core_.on_usage({some});
  const HostCore::Outputs first = core_.take_outputs();
  ASSERT_THAT(first.submit, SizeIs(1));
  core_.on_usage({some});
  core_.on_usage({some});
  EXPECT_THAT(core_.take_outputs().submit, IsEmpty()) << "one at a time";
  append(first.submit[0].first, first.submit[0].second);
  const HostCore::Outputs second = core_.take_outputs();
  ASSERT_THAT(second.submit, SizeIs(1));
  const Body& told = second.submit[0].second.facts.at(0);
  EXPECT_EQ(effect_of(told.event), Effect::kNote);
  EXPECT_EQ(std::get<DiskUsage>(std::get<esxi::Event>(told.event)).written_bytes, 4U);
}

TEST_F(HostCoreTest, KeysThatArriveOneByOneAreStatedTogether) {
  make_safe();
  make_vm();
  std::vector<KeyId> keys;
  for (int i = 0; i < 300; ++i) {
    keys.push_back({"prod", "k" + std::to_string(i)});
    vcenter("vcenter/vc-1/key/prod." + keys.back().id, action(6),
            vcenter::KeyObtained{keys.back(), "kms-1", vcenter::KeyPurpose::kVm, "vm-1"});
  }
  settle();
  duties_.clear();
  for (const KeyId& key : keys) core_.on_keys({{key, true, ""}});
  const HostCore::Outputs outputs = core_.take_outputs();
  ASSERT_THAT(outputs.submit, SizeIs(1)) << "one unit at a time: they share a stream";
  append(outputs.submit[0].first, outputs.submit[0].second);
  settle();
  std::size_t adopted = 0;
  for (const AdoptKeys& adopt : performed<AdoptKeys>()) adopted += adopt.keys.size();
  EXPECT_EQ(adopted, keys.size());
}

// Each question ends the life of an older one's nonce, with which answers are still on their way.
TEST_F(HostCoreTest, KeysThatArriveAreNoReasonToAskForTheOthersAgain) {
  make_safe();
  make_vm();
  for (const char* id : {"k1", "k2", "k3"}) {
    vcenter("vcenter/vc-1/key/prod." + std::string(id), action(6),
            vcenter::KeyObtained{{"prod", id}, "kms-1", vcenter::KeyPurpose::kVm, "vm-1"});
  }
  settle();
  const std::size_t asked = performed<AskForKeys>().size();
  core_.on_keys({{{"prod", "k1"}, true, ""}});
  settle();
  EXPECT_THAT(performed<AskForKeys>(), SizeIs(asked));
  core_.tick(5 * kSecond);
  settle();
  ASSERT_THAT(performed<AskForKeys>(), SizeIs(asked + 1)) << "in time, for the two that lack";
  EXPECT_THAT(performed<AskForKeys>().back().keys, SizeIs(2));
}

TEST_F(HostCoreTest, AKeyThatCannotBeHadIsOneThingToSayHoweverOftenItIsHeard) {
  make_safe();
  make_vm();
  order_encryption();
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  settle();
  core_.on_followed(
      log_.append("esxi/host-1", own_fact("esxi/host-1/boot", HostStarted{"b1", Hash{1}})));
  core_.on_followed_through(log_.head());
  settle();
  core_.on_keys({{kVmKey, false, "away"}});
  EXPECT_THAT(core_.take_outputs().submit, SizeIs(1));
  core_.on_keys({{kVmKey, false, "away"}});  // The log has not taken the first yet.
  EXPECT_THAT(core_.take_outputs().submit, IsEmpty());
}

TEST_F(HostCoreTest, AGuestThatEndsBeforeItsStartIsToldIsToldInOrder) {
  make_vm();
  vcenter("vcenter/vc-1/vm/vm-1", action(5),
          vcenter::PowerOrdered{"vm-1", "host-1", PowerState::kOn, {}});
  settle();
  core_.on_guest_ended({.vm = "vm-1", .reason = StopReason::kGuestPoweredOff});
  core_.on_order_done(action(5), OrderOutcome{});
  settle();
  ASSERT_GE(appended_.size(), 2U);
  EXPECT_EQ(appended_[appended_.size() - 2], "GuestStarted");
  EXPECT_EQ(appended_.back(), "GuestStopped");
  EXPECT_TRUE(core_.is_idle());
}

TEST_F(HostCoreTest, AnUnlockRequestAsksAtOnce) {
  make_safe();
  make_vm();
  order_encryption();
  core_.on_order_done(action(3), OrderOutcome{.disk = {{.disk = "d1"}, Bytes(16)}});
  settle();
  duties_.clear();
  // vm-2's key is owed but vCenter cannot get it; a user asks for it.
  vcenter("vcenter/vc-1/key/prod.k2", action(6),
          vcenter::KeyObtained{{"prod", "k2"}, "kms-1", vcenter::KeyPurpose::kVm, "vm-1"});
  settle();
  const std::size_t asked = performed<AskForKeys>().size();
  vcenter("vcenter/vc-1/vm/vm-1", action(7), vcenter::UnlockRequested{"vm-1", {"prod", "k2"}});
  settle();
  EXPECT_EQ(performed<AskForKeys>().size(), asked + 1);
}

}  // namespace
}  // namespace keytrail::esxi
