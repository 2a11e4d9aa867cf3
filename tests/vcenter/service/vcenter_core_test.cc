#include "vcenter/service/vcenter_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vcenter/service/core_world.h"

namespace keytrail::vcenter::test {
namespace {

using testing::HasSubstr;
using Kind = VCenterCore::Answer::Kind;

class VCenterCoreTest : public testing::Test {
 protected:
  void begin() {
    world.found();
    world.add_provider();
    world.create_vm("vm-1", 1);
  }
  std::string types() { return world.world.types_since(0); }
  void expect_error(Token token, const std::string& code) {
    const auto* answer = world.last_answer(token);
    ASSERT_NE(answer, nullptr);
    EXPECT_EQ(answer->kind, Kind::kError);
    EXPECT_EQ(answer->code, code) << answer->message;
  }
  std::string result(Token token) {
    const auto* answer = world.last_answer(token);
    if (answer == nullptr) return "no answer";
    return answer->kind == Kind::kResult ? answer->json : answer->code + ": " + answer->message;
  }
  // host-1 becomes safe with the key that is on order for it.
  void host_obeys(std::uint8_t action) {
    const KeyId key = world.core->state().hosts.at("host-1").ordered->key;
    world.world.receive("host-1", key);
    world.world.host_says("host-1", "mode", esxi::HostModeChanged{HostMode::kSafe, key},
                          action_id(action));
    world.pump();
  }
  // Adds the provider "prod" as far as its probe; gives what was asked.
  AddProviderRequest add_until_probe(Token token, std::uint8_t n) {
    world.found();
    AddProviderRequest request{
        .provider = "prod", .servers = {{"a", "h", 1}}, .accepts = true, .accepted = {Hash{7}}};
    world.ask(token, n, request);
    world.done(world.take_work<MakeCertificate>().first, CertificateMade{"c", "PEM", Hash{6}});
    world.done(world.take_work<LookAtServers>().first,
               ServersSeen{"PEM", {{"a", "PEM", Hash{7}, ""}}});
    return request;
  }
  // Encrypts vm-1 as far as the order; gives the key.
  KeyId encrypt_until_order(Token token, std::uint8_t n) {
    world.ask(token, n, Command(EncryptVm{"vm-1", ""}));
    world.done(world.take_work<CreateKey>().first, KeyCreated{"kek-" + std::to_string(n), "kms-1"});
    if (world.core->state().hosts.at("host-1").mode != HostMode::kSafe) {
      world.done(world.take_work<CreateKey>().first, KeyCreated{"host-key", "kms-1"});
      host_obeys(n);
    }
    const KeyId key{"prod", "kek-" + std::to_string(n)};
    world.world.receive("host-1", key);
    world.pump();
    return key;
  }
  void host_encrypts(std::uint8_t n, const KeyId& key) {
    world.world.claim("host-1", n, esxi::EncryptionStarted{"vm-1", 0});
    world.world.host_says("host-1", "disk/d", esxi::DiskEncrypted{.vm = "vm-1", .key = key},
                          action_id(n));
    world.pump();
  }

  CoreWorld world;
};

TEST_F(VCenterCoreTest, TheFirstStartFoundsTheVCenterAndTheSecondResumes) {
  world.found();
  EXPECT_THAT(types(), HasSubstr("EntityAdded"));
  EXPECT_THAT(types(), HasSubstr("HostRegistered"));
  const std::size_t facts = world.world.log.size();
  world.start();
  EXPECT_TRUE(world.work.empty());
  EXPECT_EQ(world.world.log.size(), facts + 1) << "only PartStarted";
  EXPECT_EQ(world.core->state().epoch, 2U);
}

TEST_F(VCenterCoreTest, CredentialsAreWipedOnlyOnceNoEarlierProcessCanNameThem) {
  begin();
  // The next process is live; what the killed one had sent may still be taken.
  VCenterCore next(VCenterCore::Options{.vcenter = "vc-1", .hosts = {}, .own_action = {}});
  auto follow = [&, followed = std::size_t{0}]() mutable {
    for (; followed < world.world.log.size(); ++followed) next.on_fact(world.world.log[followed]);
    next.on_followed(followed);
  };
  follow();
  next.on_health(LogHealth::kLive);
  EXPECT_FALSE(next.take_outputs().named_credentials.has_value());
  world.world.tell(world.world.admin(77), AddUser{"late", "credential-late"});
  follow();
  EXPECT_FALSE(next.take_outputs().named_credentials.has_value());
  world.claim(2);
  follow();
  const auto named = next.take_outputs().named_credentials;
  ASSERT_TRUE(named.has_value());
  EXPECT_TRUE(named->contains("credential-late"));
  EXPECT_TRUE(named->contains("credential-1")) << "of the provider";
  follow();
  EXPECT_FALSE(next.take_outputs().named_credentials.has_value()) << "once";
}

TEST_F(VCenterCoreTest, NothingIsDoneForWhoeverIsNotLoggedIn) {
  world.found();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}), Hash{1});
  expect_error(1, "unauthorized");
}

TEST_F(VCenterCoreTest, ALoginIsRecordedBeforeItsSessionIsOpen) {
  world.found();
  ASSERT_EQ(world.sessions.size(), 1U);
  EXPECT_THAT(types(), HasSubstr("LoggedIn"));
}

TEST_F(VCenterCoreTest, AWrongPasswordIsRecordedAndFiveLockOut) {
  world.found();
  for (int i = 0; i < 5; ++i) {
    world.ask(10, 20, Login{kAdministrator, Hash{1}}, Hash{});
    world.done(world.take_work<VerifyPassword>().first, Verified{false});
    expect_error(10, "unauthorized");
  }
  world.ask(11, 21, Login{kAdministrator, Hash{1}}, Hash{});
  EXPECT_TRUE(world.work.empty()) << "no password is looked at while locked out";
  expect_error(11, "unauthorized");
  const auto& last = std::get<vcenter::Event>(world.world.log.back().body.event);
  EXPECT_THAT(std::get<LoginRefused>(last).reason, HasSubstr("locked out"));
  world.now += 61'000'000'000;
  world.ask(12, 22, Login{kAdministrator, Hash{2}}, Hash{});
  world.done(world.take_work<VerifyPassword>().first, Verified{true});
  EXPECT_EQ(world.sessions.back().token, 12U);
}

TEST_F(VCenterCoreTest, GuessesThatAreUnderWayTogetherCountOneAfterTheOther) {
  world.found();
  for (Token token = 30; token < 36; ++token) {
    world.ask(token, static_cast<std::uint8_t>(token), Login{kAdministrator, Hash{1}}, Hash{});
  }
  for (int i = 0; i < 5; ++i) {
    world.done(world.take_work<VerifyPassword>().first, Verified{false});
  }
  world.done(world.take_work<VerifyPassword>().first, Verified{true});
  expect_error(35, "unauthorized");
}

TEST_F(VCenterCoreTest, ASessionEndsAfterAnIdleHour) {
  world.found();
  world.now += Sessions::kIdle + 1;
  world.ask(1, 10, Question{Question::About::kVms, ""});
  expect_error(1, "unauthorized");
}

TEST_F(VCenterCoreTest, AProviderIsAddedInTwoCallsAndBecomesTheDefault) {
  world.found();
  const std::vector<KmipServer> servers{{"kms-1", "127.0.0.1", 5696}};
  world.ask(1, 10, AddProviderRequest{.provider = "prod", .servers = servers});
  world.done(world.take_work<MakeCertificate>().first, CertificateMade{"c", "CLIENT PEM", Hash{6}});
  world.done(world.take_work<LookAtServers>().first,
             ServersSeen{"CLIENT PEM", {{"kms-1", "SERVER PEM", Hash{7}, ""}}});
  EXPECT_THAT(result(1), HasSubstr("CLIENT PEM"));
  EXPECT_THAT(result(1), HasSubstr(to_hex(Hash{7})));

  AddProviderRequest again{
      .provider = "prod", .servers = servers, .accepts = true, .accepted = {Hash{7}}};
  world.ask(2, 11, again);
  world.done(world.take_work<LookAtServers>().first,
             ServersSeen{"CLIENT PEM", {{"kms-1", "SERVER PEM", Hash{7}, ""}}});
  EXPECT_EQ(world.last_answer(2), nullptr) << "it was not probed yet";
  world.done(world.take_work<ProbeServers>().first, ServersProbed{"Keytrail", "k"});
  EXPECT_THAT(result(2), HasSubstr(R"("is_default":true)"));
  EXPECT_EQ(world.core->state().default_provider, "prod");
}

TEST_F(VCenterCoreTest, ACertificateThatWasNotAcceptedIsNotTrusted) {
  world.found();
  world.ask(
      1, 10,
      AddProviderRequest{
          .provider = "prod", .servers = {{"a", "h", 1}}, .accepts = true, .accepted = {Hash{1}}});
  world.done(world.take_work<MakeCertificate>().first, CertificateMade{"c", "PEM", Hash{6}});
  world.done(world.take_work<LookAtServers>().first,
             ServersSeen{"PEM", {{"a", "PEM", Hash{2}, ""}}});
  expect_error(1, "refused");
  EXPECT_TRUE(world.core->state().providers.at("prod").trusted.empty());
  EXPECT_EQ(type_of(world.world.log.back().body.event), "CommandRefused") << "perhaps an attack";
}

TEST_F(VCenterCoreTest, AProbeThatFailsIsToldOnceAndAskedForAgainByTheUser) {
  const AddProviderRequest request = add_until_probe(1, 10);
  world.done(world.take_work<ProbeServers>().first, WorkFailed{"not enrolled", "a"});
  expect_error(1, "unavailable");
  EXPECT_TRUE(world.work.empty());
  world.ask(2, 11, request);
  world.done(world.take_work<LookAtServers>().first,
             ServersSeen{"PEM", {{"a", "PEM", Hash{7}, ""}}});
  world.done(world.take_work<ProbeServers>().first, ServersProbed{"Keytrail", "k"});
  EXPECT_THAT(result(2), HasSubstr("Keytrail"));
}

TEST_F(VCenterCoreTest, WhoeverAddsAProviderThatIsRemovedMeanwhileIsTold) {
  add_until_probe(1, 10);
  world.ask(2, 11, Command(RemoveProvider{"prod"}));
  EXPECT_THAT(result(2), HasSubstr("prod"));
  EXPECT_EQ(world.last_answer(1), nullptr);
  world.done(world.take_work<ProbeServers>().first, ServersProbed{"Keytrail", "k"});
  expect_error(1, "refused");
}

TEST_F(VCenterCoreTest, AProbeWhoseFailureWasNotRecordedIsMadeAgain) {
  add_until_probe(1, 10);
  world.log_says = Error{ErrorCode::kConflict, "eight times in a row"};
  world.done(world.take_work<ProbeServers>().first, WorkFailed{"not enrolled", "a"});
  EXPECT_EQ(world.last_answer(1), nullptr);
  world.done(world.take_work<ProbeServers>().first, ServersProbed{"Keytrail", "k"});
  EXPECT_THAT(result(1), HasSubstr("Keytrail"));
}

TEST_F(VCenterCoreTest, EncryptVmAnswersWhenItEndsAndTellsEachStep) {
  begin();
  world.answers.clear();
  const KeyId key = encrypt_until_order(1, 10);
  EXPECT_EQ(world.last_answer(1), nullptr);
  host_encrypts(10, key);
  EXPECT_THAT(result(1), HasSubstr("kek-10"));
  std::string steps;
  for (const auto& answer : world.answers) steps += answer.json;
  EXPECT_THAT(steps, HasSubstr("KeyObtained"));
  EXPECT_THAT(steps, HasSubstr("EncryptionStarted"));
  EXPECT_EQ(world.core->state().vms.at("vm-1").key, key);
}

TEST_F(VCenterCoreTest, ARefusalIsRecordedThenTold) {
  begin();
  world.ask(1, 10, Command(DecryptVm{"vm-1"}));
  expect_error(1, "refused");
  const auto& last = std::get<vcenter::Event>(world.world.log.back().body.event);
  EXPECT_EQ(std::get<DecryptionRefused>(last).reason, Refusal::kWrongState);
}

TEST_F(VCenterCoreTest, ARestartInTheMiddleOfEncryptVmGoesOnByItself) {
  begin();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  const std::string name = world.take_work<CreateKey>().second.name;
  world.start();  // the key may have been made: it is asked for under the same name
  const auto again = world.take_work<CreateKey>();
  EXPECT_EQ(again.second.name, name);
  world.done(again.first, KeyCreated{"kek", "kms-1"});
  world.start();
  world.done(world.take_work<CreateKey>().first, KeyCreated{"host-key", "kms-1"});
  world.start();
  host_obeys(10);
  world.world.receive("host-1", KeyId{"prod", "kek"});
  world.start();
  EXPECT_EQ(world.core->state().actions.at(action_id(10)).phase, Phase::kOrdered);
  host_encrypts(10, KeyId{"prod", "kek"});
  EXPECT_EQ(world.core->state().vms.at("vm-1").key.id, "kek");
  EXPECT_TRUE(world.core->state().actions.empty());
}

TEST_F(VCenterCoreTest, AStaleDecisionConflictsAndIsDecidedAgain) {
  begin();
  world.lags = true;
  world.core->on_request({1, action_id(10), {}, Hash{9}, Command(EncryptVm{"vm-1", ""})});
  world.world.host_says("host-1", "vm/vm-1", esxi::GuestStarted{"vm-1", "boot-a"});
  world.world.tell(world.world.admin(99), AddGroup{"operators"});
  world.world.tell(world.world.admin(98), CreateRole{"Odd", {}, ""});  // the rights have changed
  world.pump();
  world.lags = false;
  world.pump();
  EXPECT_GT(world.conflicts, 0);
  expect_error(1, "refused");  // decided again: the VM is powered on now
}

TEST_F(VCenterCoreTest, TwoUsersAtOnceGetTheVmOneAfterTheOther) {
  begin();
  world.core->on_request({1, action_id(10), {}, Hash{9}, Command(EncryptVm{"vm-1", ""})});
  world.core->on_request(
      {2, action_id(11), {}, Hash{9}, Command(PowerVm{"vm-1", PowerState::kOn})});
  world.pump();
  EXPECT_EQ(world.last_answer(1), nullptr);
  expect_error(2, "busy");
}

TEST_F(VCenterCoreTest, AKeyServerThatIsAwayIsRecordedAndEndsTheAction) {
  begin();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  world.done(world.take_work<CreateKey>().first, WorkFailed{"no server of prod serves it", ""},
             {{"kms-1", "connection refused"}});
  expect_error(1, "unavailable");
  EXPECT_THAT(types(), HasSubstr("ServerUnreachable"));
  EXPECT_TRUE(world.core->state().actions.empty());
}

TEST_F(VCenterCoreTest, AKeyWhoseIdIsNoStreamEndsItsActionAndGivesTheVmBack) {
  begin();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  world.done(world.take_work<CreateKey>().first, KeyCreated{std::string(300, 'k'), "kms-1"});
  expect_error(1, "unavailable");
  EXPECT_TRUE(world.core->state().actions.empty());
  EXPECT_FALSE(world.core->state().vms.at("vm-1").holder.has_value());
}

TEST_F(VCenterCoreTest, AnOutcomeThatTheLogWillNeverTakeEndsItsAction) {
  begin();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  const auto make = world.take_work<CreateKey>();
  world.log_says = Error{ErrorCode::kInvalid, "the event store refused the facts"};
  world.done(make.first, KeyCreated{"kek", "kms-1"});
  expect_error(1, "unavailable");
  EXPECT_TRUE(world.core->state().actions.empty());
  EXPECT_FALSE(world.core->state().vms.at("vm-1").holder.has_value());
}

TEST_F(VCenterCoreTest, WhatIsOwedStillIsWaitedForStill) {
  begin();
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  const auto make = world.take_work<CreateKey>();
  world.log_says = Error{ErrorCode::kConflict, "eight times in a row"};
  world.done(make.first, KeyCreated{"kek", "kms-1"});
  EXPECT_EQ(world.last_answer(1), nullptr);
  world.done(world.take_work<CreateKey>().first, WorkFailed{"no server of prod serves it", ""});
  expect_error(1, "unavailable");
}

TEST_F(VCenterCoreTest, AHostGetsAKeyOnlyAfterThePushIsRecorded) {
  begin();
  const KeyId key = encrypt_until_order(1, 10);
  world.core->on_want("host-1", "boot-a", Bytes{1}, {key});
  world.pump();
  auto fetch = world.take_work<FetchKey>();
  EXPECT_EQ(fetch.second.boot_key, Hash{1}) << "the key of the host's fact";
  EXPECT_EQ(fetch.second.nonce, Bytes{1});
  EXPECT_TRUE(world.host_answers.empty());
  world.done(fetch.first, KeySealed{Bytes{2}, Bytes{3}, "kms-1"});
  ASSERT_EQ(world.host_answers.size(), 1U);
  EXPECT_EQ(world.host_answers[0].ciphertext, Bytes{3});
  const auto& last = world.world.log.back();
  const auto& pushed = std::get<KeyPushed>(std::get<vcenter::Event>(last.body.event));
  EXPECT_EQ(pushed.host, "host-1");
  EXPECT_EQ(last.body.action, action_id(10)) << "it belongs to the action that needs the key";
}

TEST_F(VCenterCoreTest, AKeySealedToABootThatEndedIsThrownAway) {
  begin();
  const KeyId key = encrypt_until_order(1, 10);
  world.core->on_want("host-1", "boot-a", Bytes{1}, {key});
  world.pump();
  const auto fetch = world.take_work<FetchKey>();
  world.world.start_host("host-1", "boot-b");
  world.done(fetch.first, KeySealed{Bytes{2}, Bytes{3}, "kms-1"});
  EXPECT_TRUE(world.host_answers.empty());
  world.core->on_want("host-1", "boot-b", Bytes{4}, {key});
  world.pump();
  EXPECT_EQ(world.take_work<FetchKey>().second.boot, "boot-b");
}

TEST_F(VCenterCoreTest, AHostIsToldWhatItMayNotHave) {
  begin();
  const KeyId key = encrypt_until_order(1, 10);
  world.core->on_want("host-2", "boot-a", Bytes{1}, {key, KeyId{"prod", "unknown"}});
  world.pump();
  EXPECT_TRUE(world.work.empty());
  ASSERT_EQ(world.host_answers.size(), 2U);
  EXPECT_TRUE(world.host_answers[0].ciphertext.empty());
  EXPECT_FALSE(world.host_answers[0].detail.empty());
  const std::size_t facts = world.world.log.size();
  world.core->on_want("host-2", "boot-a", Bytes{2}, {key});
  world.pump();
  EXPECT_EQ(world.world.log.size(), facts) << "recorded once a minute, answered each time";
  EXPECT_EQ(world.host_answers.size(), 3U);
  world.core->on_want("host-2", "boot-z", Bytes{3}, {key});
  world.pump();
  EXPECT_EQ(world.host_answers.size(), 3U) << "another boot than that of its fact";
}

TEST_F(VCenterCoreTest, AHostThatKnowsMoreOfTheLogIsNotRefusedForOurLag) {
  begin();
  const KeyId key = encrypt_until_order(1, 10);
  world.lags = true;
  world.world.start_host("host-1", "boot-b");
  world.core->on_want("host-1", "boot-b", Bytes{1}, {key});
  world.pump();
  world.lags = false;
  world.pump();
  EXPECT_EQ(world.take_work<FetchKey>().second.boot, "boot-b");
  EXPECT_TRUE(world.host_answers.empty());
}

TEST_F(VCenterCoreTest, WhoeverOrdersAModeOfAHostThatIsAwayIsToldThatTheOrderStands) {
  begin();
  world.ask(1, 10, Command(PrepareHost{"host-2"}));
  EXPECT_EQ(world.last_answer(1), nullptr);
  world.now += kPatience + 1;
  world.pump();
  expect_error(1, "unavailable");
  EXPECT_TRUE(world.core->state().hosts.at("host-2").ordered.has_value());
  world.ask(2, 11, Command(PrepareHost{"host-2"}));
  world.world.host_says("host-2", "mode", esxi::HostModeChanged{HostMode::kPrepared, {}},
                        action_id(11));
  world.pump();
  EXPECT_THAT(result(2), HasSubstr("prepared"));
}

TEST_F(VCenterCoreTest, ANewerOrderOfAModeIsToldToWhoeverGaveTheOlder) {
  begin();
  world.ask(1, 10, Command(PrepareHost{"host-2"}));
  world.ask(2, 11, Command(PrepareHost{"host-2"}));
  expect_error(1, "refused");
  EXPECT_EQ(world.last_answer(2), nullptr);
}

TEST_F(VCenterCoreTest, WithoutTheLogNothingIsDone) {
  begin();
  world.core->on_health(LogHealth::kLost);
  world.ask(1, 10, Command(EncryptVm{"vm-1", ""}));
  expect_error(1, "unavailable");
  EXPECT_TRUE(world.work.empty());
}

TEST_F(VCenterCoreTest, AUserSeesWhatHeMayRead) {
  begin();
  world.ask(1, 10, Command(AddUser{"bob", ""}));
  world.done(world.take_work<StorePassword>().first, Stored{"credential-bob"});
  EXPECT_THAT(result(1), HasSubstr("bob"));
  world.log_in("bob", 11, Hash{8});
  world.ask(2, 12, Question{Question::About::kVms, ""}, Hash{8});
  EXPECT_EQ(result(2), R"({"vms":[]})");
  world.ask(3, 13, Question{Question::About::kProviders, ""}, Hash{8});
  expect_error(3, "refused");
  const auto& last = std::get<vcenter::Event>(world.world.log.back().body.event);
  EXPECT_EQ(std::get<CommandRefused>(last).command, "provider.list") << "a refusal is a fact";
  world.ask(4, 14, Question{Question::About::kVms, ""});
  EXPECT_THAT(result(4), HasSubstr("vm-1"));
}

TEST_F(VCenterCoreTest, PermissionsOfWhatIsNotThereAreNotNone) {
  begin();
  world.ask(1, 10, Question{Question::About::kPermissions, "nowhere"});
  expect_error(1, "not-found");
  world.ask(2, 11, Question{Question::About::kPermissions, "vm-1"});
  EXPECT_EQ(result(2), R"({"permissions":[]})");
}

TEST_F(VCenterCoreTest, AUserWithoutThePrivilegeLeavesNothingInTheSecretFile) {
  begin();
  world.ask(1, 10, Command(AddUser{"bob", ""}));
  world.done(world.take_work<StorePassword>().first, Stored{"credential-bob"});
  world.log_in("bob", 11, Hash{8});
  world.ask(2, 12, Command(AddUser{"eve", ""}), Hash{8});
  expect_error(2, "refused");
  world.ask(3, 13, AddProviderRequest{.provider = "mine", .servers = {{"a", "h", 1}}}, Hash{8});
  expect_error(3, "refused");
  EXPECT_TRUE(world.work.empty());
}

}  // namespace
}  // namespace keytrail::vcenter::test
