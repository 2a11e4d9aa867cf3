#include <gmock/gmock.h>

#include "kms/model/admit_replica.h"
#include "kms/model/enrol_client.h"
#include "kms/model/keyring_duties.h"
#include "tests/kms/model/given.h"

namespace keytrail::kms::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EnrolClientTest, PinsASecondCertificateForRenewal) {
  Given given;
  Draft draft = given.draft();
  ASSERT_EQ(refusal_in(decide(draft, EnrolClient{.client = "vc-1", .fingerprint = Given::hash(9)})),
            nullptr);
  const auto& enrolled = std::get<ClientEnrolled>(draft.recorded().at(0).event);
  EXPECT_THAT(enrolled.certificates, ElementsAre(Given::hash(1), Given::hash(9)));
  EXPECT_EQ(enrolled.group, "vcenter");
  EXPECT_THAT(draft.reads(), Contains(given.read("kms/c/client/vc-1")));
}

TEST(EnrolClientTest, RefusesACertificateThatIsAnothers) {
  Given given;
  Draft draft = given.draft();
  EXPECT_NE(refusal_in(decide(draft, EnrolClient{.client = "new", .fingerprint = Given::hash(1)})),
            nullptr);
}

TEST(EnrolClientTest, RefusesNamesThatAreNone) {
  Given given;
  Draft draft = given.draft();
  for (const std::string name : {"", "a/b", "a b", "\xff"}) {
    EXPECT_NE(refusal_in(decide(draft, EnrolClient{.client = name})), nullptr) << name;
  }
}

TEST(EnrolClientTest, DoesNothingTwice) {
  Given given;
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, EnrolClient{.client = "db", .fingerprint = Given::hash(3)})),
            nullptr);
  EXPECT_THAT(draft.recorded(), IsEmpty());
}

TEST(RemoveClientTest, UnpinsItsCertificates) {
  Given given;
  ASSERT_NE(given.state.client_with(Given::hash(3)), nullptr);
  given.fact(ClientRemoved{"db"});
  EXPECT_EQ(given.state.client_with(Given::hash(3)), nullptr);
  given.fact(ClientEnrolled{.client = "db2", .group = "", .certificates = {Given::hash(3)}});
  EXPECT_EQ(given.state.client_with(Given::hash(3))->name, "db2");
}

TEST(AdmitReplicaTest, LetsInOnceAndGuardsTheMembers) {
  Given given;
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, AdmitReplica{"kms-2", Given::hash(2)})), nullptr);
  EXPECT_THAT(draft.reads(), ElementsAre(given.read("kms/c/members")));
  given.fact(ReplicaAdmitted{"kms-2", Given::hash(2)});
  Draft again = given.draft();
  EXPECT_EQ(refusal_in(decide(again, AdmitReplica{"kms-2", Given::hash(2)})), nullptr);
  EXPECT_THAT(again.recorded(), IsEmpty());
  EXPECT_NE(refusal_in(decide(again, AdmitReplica{"kms-2", Given::hash(5)})), nullptr);
}

TEST(GrantKeyringTest, GrantsToAnAdmittedCertificateOnly) {
  Given given;
  given.fact(ReplicaAdmitted{"kms-2", Given::hash(2)});
  Draft draft = given.draft();
  EXPECT_NE(refusal_in(decide(draft, GrantKeyring{.certificate = Given::hash(8)})), nullptr);
  EXPECT_EQ(refusal_in(decide(draft, GrantKeyring{.certificate = Given::hash(2)})), nullptr);
  given.fact(ReplicaRetired{"kms-2"});
  Draft later = given.draft();
  EXPECT_NE(refusal_in(decide(later, GrantKeyring{.certificate = Given::hash(2)})), nullptr);
}

TEST(RetireReplicaTest, DoesNotRetireTheLastOneThatHasTheKeyring) {
  Given given;
  given.fact(ReplicaAdmitted{"kms-2", Given::hash(2)});
  Draft early = given.draft();
  EXPECT_NE(refusal_in(decide(early, RetireReplica{"kms-1"})), nullptr)
      << "kms-2 has no keyring yet";
  given.fact(KeyringGranted{.to = "kms-2", .by = "kms-1"});
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, RetireReplica{"kms-1"})), nullptr);
  given.fact(ReplicaRetired{"kms-1"});
  Draft again = given.draft();
  EXPECT_EQ(refusal_in(decide(again, RetireReplica{"kms-1"})), nullptr);
  EXPECT_NE(refusal_in(decide(again, RetireReplica{"kms-2"})), nullptr);
  EXPECT_THAT(again.recorded(), IsEmpty());
}

TEST(LeaseLeavesTest, GivesEachBlockOnce) {
  Given given;
  Draft draft = given.draft();
  EXPECT_EQ(decide(draft, LeaseLeaves{}), 0U);
  EXPECT_THAT(draft.reads(), ElementsAre(Read{"kms/c/leases", 0}));
  given.fact(LeafBlockLeased{.block = 0, .replica = "kms-1"});
  Draft next = given.draft();
  EXPECT_EQ(decide(next, LeaseLeaves{}), 1U);
}

TEST(ShreddingTest, ListsWhoHasNotSaidThatTheKeyIsGone) {
  Given given;
  given.fact(ReplicaAdmitted{"kms-2", Given::hash(2)});
  given.fact(KeyringGranted{.to = "kms-2", .by = "kms-1"});
  given.fact(ReplicaAdmitted{"kms-3", Given::hash(4)});  // It never got a keyring.
  given.key("k").fact(KeyDestroyed{.object = "k", .leaf = 0});
  const Position destroyed = given.position;
  EXPECT_THAT(shredding_of(given.state, *given.state.object("k")).may_hold,
              ElementsAre("kms-1", "kms-2"));
  given.fact(ShreddedThrough{.replica = "kms-1", .through = destroyed, .leaves = 1});
  given.fact(ShreddedThrough{.replica = "kms-2", .through = destroyed, .provable = false});
  const Shredding shredding = shredding_of(given.state, *given.state.object("k"));
  EXPECT_THAT(shredding.may_hold, IsEmpty());
  EXPECT_THAT(shredding.gone, ElementsAre("kms-1"));
  EXPECT_THAT(shredding.not_provable, ElementsAre("kms-2"));
}

TEST(ShreddingTest, AKeyringThatIsGrantedAnewHoldsWhatItsGranterHeld) {
  Given given;
  given.fact(ReplicaAdmitted{"kms-2", Given::hash(2)});
  given.fact(KeyringGranted{.to = "kms-2", .by = "kms-1", .as_of = 0});
  given.key("k").fact(KeyDestroyed{.object = "k", .leaf = 0});
  const Position destroyed = given.position;
  given.fact(ShreddedThrough{.replica = "kms-2", .through = destroyed, .leaves = 1});
  given.fact(ReplicaRetired{"kms-2"}).fact(ReplicaAdmitted{"kms-2", Given::hash(5)});
  given.fact(KeyringGranted{.to = "kms-2", .by = "kms-1", .as_of = destroyed - 1});
  EXPECT_THAT(shredding_of(given.state, *given.state.object("k")).may_hold,
              ElementsAre("kms-1", "kms-2"));
  given.fact(KeyringGranted{.to = "kms-2", .by = "kms-1", .as_of = destroyed});
  EXPECT_THAT(shredding_of(given.state, *given.state.object("k")).may_hold, ElementsAre("kms-1"));
}

TEST(OwedPuncturesTest, ListsWhatWasDestroyedLater) {
  Given given;
  given.key("a").key("b").fact(KeyDestroyed{.object = "a", .leaf = 0});
  const Position first = given.position;
  given.fact(KeyDestroyed{.object = "b", .leaf = 1});
  EXPECT_EQ(owed_punctures(given.state, 0).size(), 2U);
  ASSERT_EQ(owed_punctures(given.state, first).size(), 1U);
  EXPECT_EQ(owed_punctures(given.state, first)[0].leaf, 1U);
}

TEST(StreamsTest, TheLongestNamesStillFit) {
  const Scope scope{.cluster = std::string(21, 'c'), .replica = std::string(21, 'r')};
  const std::string client(48, 'A');
  ASSERT_TRUE(is_client_name(client));
  EXPECT_FALSE(is_client_name(client + 'A'));
  EXPECT_LE(client_stream(scope, client).size(), kStreamBytesMax);
  EXPECT_LE(object_stream(scope, std::string(kObjectIdBytesMax, '\x01')).size(), kStreamBytesMax);
  EXPECT_LE(name_stream(scope, client, std::string(1000, 'n')).size(), kStreamBytesMax);
}

TEST(ConcernsTest, KnowsItsOwnClusterFromOthers) {
  Fact fact;
  const auto concerned = [&](const std::string& stream) {
    fact.body.stream = stream;
    return concerns("c", fact);
  };
  EXPECT_TRUE(concerned("kms/c/object/k"));
  EXPECT_TRUE(concerned("kms/kms-1/epoch"));
  EXPECT_FALSE(concerned("kms/other/object/k"));
  EXPECT_FALSE(concerned("kms/other/object/epoch"));
  EXPECT_FALSE(concerned("vcenter/c/vm/k"));
  EXPECT_FALSE(concerned("kms/"));
}

TEST(ConcernsTest, AReplicasOwnStreamIsForWhatItSaysOfItsKeyringAlone) {
  const auto concerned = [](Event event) {
    Fact fact;
    fact.body.stream = "kms/kms-9/shred";
    fact.body.event = std::move(event);
    return concerns("c", fact);
  };
  EXPECT_TRUE(concerned(ShreddedThrough{.replica = "kms-9"}));
  EXPECT_TRUE(concerned(KeyringRestored{.replica = "kms-9"}));
  EXPECT_FALSE(concerned(ShreddedThrough{.replica = "kms-1"}));
  EXPECT_FALSE(concerned(KeyringRestored{.replica = "kms-1"}));
  EXPECT_FALSE(concerned(ClientEnrolled{.client = "stranger"}));
  EXPECT_FALSE(concerned(KeyringGranted{.to = "kms-9", .by = "kms-1"}));
}

}  // namespace
}  // namespace keytrail::kms::test
