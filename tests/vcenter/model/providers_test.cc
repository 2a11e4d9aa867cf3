#include <gtest/gtest.h>

#include "tests/vcenter/model/world.h"

namespace keytrail::vcenter::test {
namespace {

class ProvidersTest : public testing::Test {
 protected:
  void SetUp() override { world.found(); }
  World world;
  const std::vector<KmipServer> servers{{"a", "127.0.0.1", 5696}};
};

TEST_F(ProvidersTest, TheFirstProviderBecomesTheDefaultAndTheSecondDoesNot) {
  world.add_provider("prod", 1);
  EXPECT_EQ(world.state.default_provider, "prod");
  EXPECT_TRUE(std::get<DefaultProviderSet>(std::get<vcenter::Event>(world.log.back().body.event))
                  .automatic);
  world.add_provider("lab", 3);
  EXPECT_EQ(world.state.default_provider, "prod");
  world.tell(world.admin(5), SetDefaultProvider{"lab"});
  EXPECT_EQ(world.state.default_provider, "lab");
}

TEST_F(ProvidersTest, ThePrivilegeIsCheckedBeforeACertificateIsMade) {
  EXPECT_TRUE(
      decide(world.state, world.admin(1), AddProvider{"prod", servers, "", {}, {}}).facts.empty());
  const Decision refused =
      decide(world.state, world.user("bob", 1), AddProvider{"prod", servers, "", {}, {}});
  ASSERT_EQ(refused.facts.size(), 2U);
}

TEST_F(ProvidersTest, TheCertificateIsAttachedToTheFactThatAddsTheProvider) {
  const Decision decision =
      decide(world.state, world.admin(1), AddProvider{"prod", servers, "c", Hash{7}, Bytes{9}});
  ASSERT_EQ(decision.attachments.size(), 1U);
  EXPECT_EQ(decision.attachments[0].kind, AttachmentKind::kClear);
  ASSERT_EQ(decision.facts.back().attachments.size(), 1U);
}

TEST_F(ProvidersTest, EveryServerMustBeAccepted) {
  world.tell(world.admin(1),
             AddProvider{"prod", {{"a", "h", 1}, {"b", "h", 2}}, "c", Hash{7}, Bytes{9}});
  const auto events = world.tell(world.admin(2), TrustServers{"prod", {{"a", Hash{1}}}, {}});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
}

TEST_F(ProvidersTest, AProbeIsOwedUntilItSucceedsAlsoAfterARestart) {
  world.tell(world.admin(1), AddProvider{"prod", servers, "c", Hash{7}, Bytes{9}});
  world.tell(world.admin(2), TrustServers{"prod", {{"a", Hash{1}}}, {}});
  State restarted;
  restarted.vcenter = "vc-1";
  for (const Fact& fact : world.log) {
    if (effect_of(fact.body.event) == Effect::kChange) evolve(restarted, fact);
  }
  EXPECT_EQ(restarted, world.state);
  const auto duties = next(restarted, world.now);
  ASSERT_EQ(duties.size(), 1U);
  EXPECT_EQ(std::get<ProbeProvider>(duties[0]).provider, "prod");
  world.tell(world.admin(2), ConcludeProbe{"prod", "Keytrail", "k"});
  EXPECT_TRUE(next(world.state, world.now).empty());
}

TEST_F(ProvidersTest, ANewCertificateMeansANewProbe) {
  world.add_provider("prod", 1);
  world.tell(world.admin(5), TrustServers{"prod", {{"prod-a", Hash{3}}, {"prod-b", Hash{99}}}, {}});
  EXPECT_FALSE(world.state.providers["prod"].ready);
  EXPECT_EQ(next(world.state, world.now).size(), 1U);
}

TEST_F(ProvidersTest, AProviderWhoseKeysAreInUseIsNotRemoved) {
  world.add_provider("prod", 1);
  world.make_safe("host-1", 5);
  auto events = world.tell(world.admin(6), RemoveProvider{"prod"});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
  world.add_provider("lab", 7);
  events = world.tell(world.admin(9), RemoveProvider{"lab"});
  EXPECT_TRUE(std::holds_alternative<ProviderRemoved>(events.back()));
}

TEST_F(ProvidersTest, OtherServersTakeThePlaceOfThoseThatNobodyTrustedYetAndOfNoOthers) {
  const std::vector<KmipServer> mistyped{{"a", "127.0.0.1", 1}};
  world.tell(world.admin(1), AddProvider{"prod", mistyped, "c-1", Hash{7}, Bytes{9}});
  world.tell(world.admin(2), AddProvider{"prod", servers, "c-2", Hash{8}, Bytes{9}});
  EXPECT_EQ(world.state.providers.at("prod").servers, servers);
  EXPECT_EQ(world.state.providers.at("prod").credential, "c-2");
  world.tell(world.admin(3), TrustServers{"prod", {{"a", Hash{1}}}, {}});
  const auto events =
      world.tell(world.admin(4), AddProvider{"prod", mistyped, "c-3", Hash{9}, Bytes{9}});
  EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
  EXPECT_EQ(world.state.providers.at("prod").servers, servers);
}

TEST_F(ProvidersTest, OddServersAreRefused) {
  for (const auto& odd : std::vector<std::vector<KmipServer>>{{},
                                                              {{"a", "", 1}},
                                                              {{"a", "h", 0}},
                                                              {{"a", "h", 1}, {"a", "h", 2}},
                                                              {{"a", "h", 1}, {"b", "h", 1}}}) {
    const auto events = world.tell(world.admin(1), AddProvider{"prod", odd, "c", {}, {}});
    EXPECT_TRUE(std::holds_alternative<CommandRefused>(events.back()));
  }
}

}  // namespace
}  // namespace keytrail::vcenter::test
