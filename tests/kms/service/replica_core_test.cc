#include "tests/kms/service/replica_fixture.h"

namespace keytrail::kms::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ReplicaCoreTest : public ReplicaFixture {};

// How many each fact about refusals of strangers counts, oldest first.
std::vector<std::uint64_t> stated_refusals(const LogTwin& log) {
  std::vector<std::uint64_t> counts;
  for (Position p = 1; p <= log.head(); ++p) {
    const auto* event = std::get_if<part::Event>(&log.at(p).fact.body.event);
    if (event == nullptr) continue;
    if (const auto* refusals = std::get_if<part::RefusalsRepeated>(event)) {
      counts.push_back(refusals->count);
    }
  }
  return counts;
}

TEST_F(ReplicaCoreTest, TheFirstReplicaFoundsTheClusterAndServes) {
  EXPECT_EQ(a.core->phase(), Phase::kServing);
  EXPECT_EQ(a.listener, ListenerOrder::kOpen);
  ASSERT_THAT(log.all<ClusterCreated>(), SizeIs(1));
  EXPECT_EQ(log.all<ClusterCreated>()[0].keyring_fingerprint,
            keyring_fingerprint(*a.keyring).value());
  EXPECT_THAT(log.all<LeafBlockLeased>(), SizeIs(1));
}

TEST(ReplicaCoreAtStartTest, AsksForItsKeyringThoughMoreIsFollowedBeforeItIsHeard) {
  ReplicaCore core({.cluster = "c", .name = "kms-1", .founds = true});
  core.on(wire::FollowStateChanged{protocol::FollowState::kLive});
  core.on(wire::FollowedThrough{3});
  EXPECT_TRUE(core.take_outputs().make_keyring);
  core.on(wire::FollowedThrough{4});
  EXPECT_FALSE(core.take_outputs().make_keyring);  // Once.
}

TEST_F(ReplicaCoreTest, AKeyThatOneReplicaMadeIsGotFromAnotherAtOnce) {
  const auto b = second();
  const std::string id = created(a);
  const auto from_a = call<kmip::GetResponse>(a, kmip::GetRequest{.id = id});
  const auto from_b = call<kmip::GetResponse>(*b, kmip::GetRequest{.id = id});
  ASSERT_TRUE(from_a && from_b);
  EXPECT_EQ(kmip::material_of(from_a->object).size(), 32U);
  EXPECT_TRUE(kmip::material_of(from_a->object).equals(kmip::material_of(from_b->object)));
  EXPECT_THAT(log.all<KeyReleased>(), SizeIs(2));
}

TEST_F(ReplicaCoreTest, RevealsNothingBeforeTheReleaseIsRecorded) {
  const std::string id = created(a);
  a.holds_submissions = true;
  a.ask(5, one(kmip::GetRequest{.id = id}), kVc);
  a.settle();
  EXPECT_FALSE(a.answered(5));
  ASSERT_THAT(a.held, SizeIs(1));
  const auto outcome = log.append("kms/kms-1", a.held[0].decision);
  a.core->on(wire::TransactionAccepted{a.held[0].id, outcome.first, outcome.count});
  a.carry_out();
  EXPECT_TRUE(a.answered(5));
}

TEST_F(ReplicaCoreTest, AReplicaThatLagsMeetsAConflictAndRefusesWithWhatItThenKnows) {
  const auto b = second();
  const std::string id = created(a);
  b->settle();
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = id}));
  b->ask(5, one(kmip::GetRequest{.id = id}), kVc);  // b has not followed the destruction.
  b->carry_out();
  b->carry_out();
  b->carry_out();
  ASSERT_TRUE(b->answered(5));
  EXPECT_TRUE(std::holds_alternative<kmip::Failure>(b->answer(5).items[0].outcome));
  EXPECT_THAT(log.all<KeyReleased>(), IsEmpty());
  EXPECT_THAT(log.all<OperationRefused>(), SizeIs(1));
}

TEST_F(ReplicaCoreTest, NoReleaseStandsAfterTheClientsRemoval) {
  const auto b = second();
  const std::string id = created(a);
  b->settle();
  a.command(RemoveClient{"vc-1"});
  b->ask(5, one(kmip::GetRequest{.id = id}), kVc);
  b->settle();
  const auto answer = b->answer(5);
  EXPECT_EQ(std::get<kmip::Failure>(answer.items[0].outcome).reason,
            kmip::ResultReason::kAuthenticationNotSuccessful);
  EXPECT_THAT(log.all<KeyReleased>(), IsEmpty());
}

TEST_F(ReplicaCoreTest, DecidedAgainItKeepsIdentifierMaterialAndLeaf) {
  const auto b = second();
  b->settle();
  b->holds_submissions = true;
  b->ask(5, one(aes256("n")), kVc);
  b->carry_out();
  ASSERT_THAT(b->held, SizeIs(1));
  const protocol::Decision first = b->held[0].decision;
  enrol("vc-1", "vcenter", 9);  // A renewal: the client's stream changes.
  b->follow();
  b->core->on(wire::TransactionDecideAgain{b->held[0].id});
  b->carry_out();
  ASSERT_THAT(b->held, SizeIs(2));
  const protocol::Decision second_time = b->held[1].decision;
  EXPECT_EQ(first.attachments, second_time.attachments);
  ASSERT_EQ(first.facts.size(), second_time.facts.size());
  for (std::size_t i = 0; i < first.facts.size(); ++i) {
    EXPECT_EQ(first.facts[i].event, second_time.facts[i].event);
    EXPECT_EQ(first.facts[i].action, second_time.facts[i].action);
  }
  EXPECT_NE(first.guards, second_time.guards);
}

TEST_F(ReplicaCoreTest, AnsweredWithoutAFactTheSecondTimeItGivesItsTransactionBack) {
  const auto b = second();
  b->holds_submissions = true;
  b->core->on(CommandGiven{9, "operator/cli", "127.0.0.1:2", RemoveClient{"db"}, {}});
  b->carry_out();
  ASSERT_THAT(b->held, SizeIs(1));
  a.command(RemoveClient{"db"});
  b->follow();
  b->core->on(wire::TransactionDecideAgain{b->held[0].id});
  b->carry_out();  // It asks for the head before it says that nothing is to be done.
  b->carry_out();
  EXPECT_TRUE(b->command_answers.contains(9));
  ASSERT_THAT(b->held, SizeIs(2));
  EXPECT_EQ(b->held[1].id, b->held[0].id);
  EXPECT_THAT(b->held[1].decision.facts, IsEmpty());
}

TEST_F(ReplicaCoreTest, ARefusalIsAFactAndIsGuardedByTheAbsenceItSaw) {
  EXPECT_FALSE(call<kmip::GetResponse>(a, kmip::GetRequest{.id = "nothing"}));
  EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kItemNotFound);
  ASSERT_THAT(log.all<OperationRefused>(), SizeIs(1));
  EXPECT_EQ(log.all<OperationRefused>()[0].client, "vc-1");
  EXPECT_EQ(log.at(log.head()).fact.body.stream, "kms/c/object/nothing");
}

TEST_F(ReplicaCoreTest, AStrangerIsRefusedAndCountedNotRecordedEachTime) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(call<kmip::QueryResponse>(a, kmip::QueryRequest{}, 200));
    EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kAuthenticationNotSuccessful);
  }
  EXPECT_THAT(stated_refusals(log), ElementsAre(1));
}

TEST_F(ReplicaCoreTest, WhatIsCountedAndNotDueYetIsStatedAtAnOrderlyStop) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(call<kmip::QueryResponse>(a, kmip::QueryRequest{}, 200));
  a.core->on(StrangerTurnedAway{"keyring", "it showed no certificate", "127.0.0.1:9"});
  ASSERT_THAT(stated_refusals(log), ElementsAre(1));
  a.core->stop();
  a.carry_out();
  EXPECT_THAT(stated_refusals(log), UnorderedElementsAre(1, 4, 1));
  EXPECT_EQ(a.ended, "");
}

TEST_F(ReplicaCoreTest, WhatIsNotBegunHasNothingToStateAtItsStop) {
  Rig b(log, "kms-2", false);  // It has not caught up: its epoch is not begun.
  b.core->on(StrangerTurnedAway{"command", "its key is not on the list", "127.0.0.1:9"});
  b.core->stop();
  EXPECT_THAT(b.core->take_outputs().submit, IsEmpty());
}

TEST_F(ReplicaCoreTest, AClientReadsItsOwnWritesThroughAReplicaThatHasNotFollowedThem) {
  const std::string id = created(a);
  a.ask(5, one(kmip::ActivateRequest{.id = id}), kVc);
  a.carry_out();  // Accepted and answered; not followed.
  a.carry_out();
  ASSERT_TRUE(a.answered(5));
  a.ask(5, one(kmip::GetAttributesRequest{.id = id, .names = {"State"}}), kVc);
  EXPECT_THAT(a.core->take_outputs().ask_head, IsEmpty());  // It waits for its floor.
  a.follow();
  a.settle();
  const auto answer = a.answer(5);
  const auto& payload = std::get<kmip::ResponsePayload>(answer.items[0].outcome);
  const auto& attributes = std::get<kmip::GetAttributesResponse>(payload).attributes;
  ASSERT_THAT(attributes, SizeIs(1));
  EXPECT_EQ(std::get<kmip::ttlv::Enumeration>(attributes[0].value).number, 2U);
}

TEST_F(ReplicaCoreTest, ClosesItsListenerAndEndsRequestsWhenTheLogIsLost) {
  const std::string id = created(a);
  a.holds_submissions = true;
  a.ask(5, one(kmip::GetRequest{.id = id}), kVc);
  a.carry_out();
  a.log_is(protocol::FollowState::kLost);
  a.carry_out();
  EXPECT_EQ(a.listener, ListenerOrder::kClose);
  EXPECT_TRUE(std::holds_alternative<kmip::Failure>(a.answer(5).items[0].outcome));
  // Recorded later all the same: nothing is revealed by it any more.
  a.answers.clear();
  const auto outcome = log.append("kms/kms-1", a.held.at(0).decision);
  a.core->on(wire::TransactionAccepted{a.held[0].id, outcome.first, outcome.count});
  a.log_is(protocol::FollowState::kLive);
  a.carry_out();
  EXPECT_FALSE(a.answered(5));
  EXPECT_EQ(a.listener, ListenerOrder::kOpen);
}

TEST_F(ReplicaCoreTest, SaysOfWhatIsUnderWayThatItsOutcomeIsNotKnown) {
  const std::string id = created(a);
  a.holds_submissions = true;
  a.ask(5, one(kmip::DestroyRequest{.id = id}), kVc);
  a.ask(6, one(kmip::GetAttributesRequest{.id = id}), kVc);  // Waits for the head.
  ActionId action;
  action.bytes[0] = 7;
  a.core->on(CommandGiven{900, "operator/cli", "127.0.0.1:2", RemoveClient{"db"}, action});
  a.core->on(CommandGiven{901, "operator/cli", "127.0.0.1:2", ListClients{}, action});
  a.log_is(protocol::FollowState::kLost);
  Outputs outputs = a.core->take_outputs();
  ASSERT_THAT(outputs.respond, SizeIs(2));
  ASSERT_THAT(outputs.answer, SizeIs(2));
  const auto told = [&](std::size_t i) {
    const auto answer =
        kmip::decode_response(outputs.respond[i].bytes.read(SecretAccess())).value();
    return std::get<kmip::Failure>(answer.items.at(0).outcome).message;
  };
  EXPECT_THAT(told(0), HasSubstr("not known yet"));
  EXPECT_THAT(told(1), HasSubstr("Nothing was done"));
  EXPECT_THAT(std::get<FailedAnswer>(outputs.answer[0].answer).message, HasSubstr("not known yet"));
  EXPECT_THAT(std::get<FailedAnswer>(outputs.answer[1].answer).message,
              HasSubstr("Nothing was done"));
  // What the log took nevertheless is not answered a second time.
  for (const Submission& submission : outputs.submit) {
    const auto outcome = log.append("kms/kms-1", submission.decision);
    a.core->on(wire::TransactionAccepted{submission.id, outcome.first, outcome.count});
  }
  EXPECT_THAT(log.all<KeyDestroyed>(), SizeIs(1));
  outputs = a.core->take_outputs();
  EXPECT_THAT(outputs.respond, IsEmpty());
  EXPECT_THAT(outputs.answer, IsEmpty());
}

TEST_F(ReplicaCoreTest, DoesNotOpenItsListenerWhileTheLogIsAway) {
  const std::string id = created(a);
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = id}));
  Rig again(log, "kms-1", true);  // Restarted, it has to forget that key before it serves.
  again.keyring =
      keyring::Keyring::create(
          {again.files, again.random, "/d/keyring", "keytrail/keyring/1", again.unlock}, "c")
          .value();
  again.holds_punctures = true;
  again.core->use(*again.keyring);
  again.settle();
  ASSERT_EQ(again.core->phase(), Phase::kPuncturing);
  again.log_is(protocol::FollowState::kLost);
  again.puncture();
  again.carry_out();
  EXPECT_EQ(again.core->phase(), Phase::kAway);
  EXPECT_EQ(again.listener, std::nullopt);
  again.log_is(protocol::FollowState::kLive);
  again.carry_out();
  EXPECT_EQ(again.listener, ListenerOrder::kOpen);
}

TEST_F(ReplicaCoreTest, EveryReplicaForgetsADestroyedKeyAndSaysSo) {
  const auto b = second();
  const std::string id = created(a);
  b->settle();
  const std::uint64_t leaf = a.core->state().object(id)->leaf;
  ASSERT_TRUE(call<kmip::DestroyResponse>(*b, kmip::DestroyRequest{.id = id}));
  log.now += 2'000'000'000;
  a.settle();
  b->settle();
  EXPECT_FALSE(a.keyring->seal_key(leaf).ok());
  EXPECT_FALSE(b->keyring->seal_key(leaf).ok());
  const Answer answer = a.command(AskShredded{id});
  EXPECT_THAT(std::get<ShreddedAnswer>(answer).shredding.gone, ElementsAre("kms-1", "kms-2"));
  EXPECT_FALSE(call<kmip::GetResponse>(a, kmip::GetRequest{.id = id}));
}

TEST_F(ReplicaCoreTest, AMediumThatCopiesOnWriteForgetsAndSaysThatNobodyCanProveIt) {
  a.forgets = false;
  const std::string id = created(a);
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = id}));
  log.now += 2'000'000'000;
  a.settle();
  ASSERT_THAT(log.all<ShreddedThrough>(), SizeIs(1));
  EXPECT_FALSE(log.all<ShreddedThrough>()[0].provable);
  const Answer answer = a.command(AskShredded{id});
  const Shredding& shredding = std::get<ShreddedAnswer>(answer).shredding;
  EXPECT_THAT(shredding.not_provable, ElementsAre("kms-1"));
  EXPECT_THAT(shredding.gone, IsEmpty());
  EXPECT_THAT(shredding.may_hold, IsEmpty());
}

TEST_F(ReplicaCoreTest, AnOldKeyringFileIsPuncturedAgainBeforeServing) {
  const std::string id = created(a);
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = id}));
  log.now += 2'000'000'000;
  a.settle();
  ASSERT_THAT(log.all<ShreddedThrough>(), SizeIs(1));
  const std::uint64_t leaf = a.core->state().object(id)->leaf;
  // The same replica again, with the keyring as it was before: the twin's seed gives the same root.
  Rig old(log, "kms-1", true);
  old.keyring = keyring::Keyring::create(
                    {old.files, old.random, "/d/keyring", "keytrail/keyring/1", old.unlock}, "c")
                    .value();
  ASSERT_TRUE(old.keyring->seal_key(leaf).ok());
  old.core->use(*old.keyring);
  old.settle();
  EXPECT_EQ(old.core->phase(), Phase::kServing);
  EXPECT_FALSE(old.keyring->seal_key(leaf).ok());
  ASSERT_THAT(log.all<KeyringRestored>(), SizeIs(1));
  EXPECT_EQ(log.all<KeyringRestored>()[0].found, 0U);
}

TEST_F(ReplicaCoreTest, AnotherClustersKeyringIsNotServedFrom) {
  Rig other(log, "kms-1", true);
  other.random = keytrail::test::SeededRandom(99);
  other.keyring =
      keyring::Keyring::create(
          {other.files, other.random, "/d/keyring", "keytrail/keyring/1", other.unlock}, "c")
          .value();
  other.core->use(*other.keyring);
  other.settle();
  EXPECT_TRUE(other.ended.has_value());
  EXPECT_NE(other.core->phase(), Phase::kServing);
}

TEST_F(ReplicaCoreTest, WhoLostTheFoundingTakesTheClustersKeyringForItsOwn) {
  Rig late(log, "kms-2", true);
  late.keyring =
      keyring::Keyring::create(
          {late.files, late.random, "/d/keyring", "keytrail/keyring/1", late.unlock}, "c")
          .value();
  late.core->use(*late.keyring);  // The one that it made to found the cluster with.
  late.settle();
  EXPECT_EQ(late.core->phase(), Phase::kUnadmitted);
  Hash certificate{};
  certificate.fill(static_cast<std::uint8_t>(100 + '2'));
  a.command(AdmitReplica{"kms-2", certificate});
  late.settle();
  EXPECT_EQ(late.ended, std::nullopt);
  EXPECT_TRUE(late.wants_keyring);
  late.keyring = keyring::Keyring::join(
                     {late.files, late.random, "/d/keyring-2", "keytrail/keyring/1", late.unlock},
                     "c", a.keyring->grant().value())
                     .value();
  late.core->use(*late.keyring);
  late.settle();
  EXPECT_EQ(late.core->phase(), Phase::kServing);
}

TEST_F(ReplicaCoreTest, ARetiredReplicaServesNobodyAndWaitsForNothing) {
  const auto b = second();
  a.command(RetireReplica{"kms-2"});
  b->settle();
  EXPECT_EQ(b->listener, ListenerOrder::kClose);
  EXPECT_EQ(b->core->phase(), Phase::kRetired);
  Hash certificate{};
  certificate.fill(static_cast<std::uint8_t>(100 + '2'));
  a.command(AdmitReplica{"kms-2", certificate});  // Only an operator's word brings it back.
  b->settle();
  EXPECT_EQ(b->core->phase(), Phase::kServing);
}

// It has the keyring still: that it cannot derive a key any more is waited for like anybody's word.
TEST_F(ReplicaCoreTest, ARetiredReplicaGoesOnForgetting) {
  const auto b = second();
  const std::string id = created(a);
  b->settle();
  const std::uint64_t leaf = a.core->state().object(id)->leaf;
  a.command(RetireReplica{"kms-2"});
  b->settle();
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = id}));
  log.now += 2'000'000'000;
  a.settle();
  b->settle();
  a.settle();
  EXPECT_EQ(b->core->phase(), Phase::kRetired);
  EXPECT_FALSE(b->keyring->seal_key(leaf).ok());
  const Answer answer = a.command(AskShredded{id});
  EXPECT_THAT(std::get<ShreddedAnswer>(answer).shredding.gone, ElementsAre("kms-1", "kms-2"));
}

TEST_F(ReplicaCoreTest, OnlyTheOperatorCommands) {
  EXPECT_EQ(std::get<FailedAnswer>(a.command(ListKeys{}, "esxi/host-1")).code, "refused");
  EXPECT_THAT(std::get<ClientsAnswer>(a.command(ListClients{})).clients, SizeIs(2));
}

TEST_F(ReplicaCoreTest, ARefusedCommandIsRecordedThenTold) {
  const std::pair<Command, std::string> refused[] = {
      {EnrolClient{"no such name!", "", {}, {}}, "operator/cli"},
      {RetireReplica{"kms-1"}, "operator/cli"},
      {RetireReplica{std::string(100'000, 'x')}, "operator/cli"},
      {ListClients{}, "esxi/host-1"}};
  CommandToken token = 1'000;
  for (const auto& [command, identity] : refused) {
    const std::size_t before = stated_refusals(log).size();
    a.holds_submissions = true;
    a.core->on(CommandGiven{++token, identity, "127.0.0.1:2", command, {}});
    a.settle();
    EXPECT_FALSE(a.command_answers.contains(token));
    ASSERT_THAT(a.held, SizeIs(1));
    const auto outcome = log.append("kms/kms-1", a.held[0].decision);
    a.core->on(wire::TransactionAccepted{a.held[0].id, outcome.first, outcome.count});
    a.held.clear();
    a.holds_submissions = false;
    a.settle();
    EXPECT_TRUE(std::holds_alternative<FailedAnswer>(a.command_answers.at(token)));
    EXPECT_THAT(stated_refusals(log), SizeIs(before + 1));
  }
  // Again within the minute: counted.
  a.command(RetireReplica{"kms-1"});
  EXPECT_THAT(stated_refusals(log), SizeIs(std::size(refused)));
}

TEST_F(ReplicaCoreTest, NobodyWaitsForARefusalThatCannotBeRecordedNow) {
  a.log_is(protocol::FollowState::kLost);
  a.core->on(CommandGiven{1'000, "esxi/host-1", "127.0.0.1:2", ListClients{}, {}});
  a.carry_out();
  EXPECT_EQ(std::get<FailedAnswer>(a.command_answers.at(1'000)).code, "refused");
  EXPECT_THAT(stated_refusals(log), IsEmpty());
}

TEST_F(ReplicaCoreTest, WhoIsEnrolledIsToldToWhoeverHoldsTheConnections) {
  const auto hash = [](std::uint8_t mark) {
    Hash certificate{};
    certificate.fill(mark);
    return certificate;
  };
  EXPECT_THAT(a.clients, ElementsAre(hash(kVc), hash(kDb)));
  const auto b = second();  // It follows what was enrolled before it served.
  EXPECT_EQ(b->clients, a.clients);
  a.command(RemoveClient{"vc-1"});
  b->settle();
  EXPECT_THAT(b->clients, ElementsAre(hash(kDb)));
}

}  // namespace
}  // namespace keytrail::kms::test
