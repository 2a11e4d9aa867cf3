#include "eventstore/model/identities.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

Identity replica() {
  return {.name = "kms/kms-1",
          .curve_key = std::string(40, 'a'),
          .prefixes = {"kms/cluster-1"},
          .topics = {"kms.change", "kms.sealed", "head"},
          .sockets = {"append", "live", "read"}};
}
Identity siem() {
  return {.name = "subscriber/siem",
          .curve_key = std::string(40, 'b'),
          .topics = {"kms.change", "kms.note"},
          .sockets = {"live", "read"}};
}

Fact fact_of(Event event, std::uint64_t version) {
  Fact fact;
  fact.stamp.version = version;
  fact.body.event = std::move(event);
  return fact;
}

class IdentitiesTest : public testing::Test {
 protected:
  Identities state_ = bootstrap({replica()}).value();
};

TEST_F(IdentitiesTest, AGrantedIdentityIsOnTheListAndARevokedOneIsNot) {
  const auto granted = decide(state_, "store-1", GrantIdentity{siem()}).value();
  EXPECT_EQ(granted.stream, "eventstore/store-1/identity/subscriber%2fsiem");
  EXPECT_EQ(granted.version, 0U);
  state_ = evolve(state_, fact_of(granted.event, 1));
  ASSERT_NE(state_.find("subscriber/siem"), nullptr);
  EXPECT_EQ(*state_.find("subscriber/siem"), siem());

  const auto revoked = decide(state_, "store-1", RevokeIdentity{"subscriber/siem"}).value();
  EXPECT_EQ(revoked.version, 1U);
  state_ = evolve(state_, fact_of(revoked.event, 2));
  EXPECT_EQ(state_.find("subscriber/siem"), nullptr);
  EXPECT_EQ(decide(state_, "store-1", GrantIdentity{siem()}).value().version, 2U);
}

TEST_F(IdentitiesTest, ABootstrapIdentityIsNotChangedByFacts) {
  EXPECT_EQ(decide(state_, "s", GrantIdentity{replica()}).error().code, ErrorCode::kRefused);
  EXPECT_EQ(decide(state_, "s", RevokeIdentity{"kms/kms-1"}).error().code, ErrorCode::kRefused);
  state_ = evolve(state_, fact_of(IdentityRevoked{"kms/kms-1"}, 1));
  EXPECT_NE(state_.find("kms/kms-1"), nullptr);
}

TEST_F(IdentitiesTest, CommandsAreGrantedToNobody) {
  Identity helper = siem();
  helper.sockets = {"read", "command"};
  EXPECT_EQ(decide(state_, "s", GrantIdentity{helper}).error().code, ErrorCode::kRefused);
}

TEST_F(IdentitiesTest, NobodyIsRevokedWhoIsNotThere) {
  EXPECT_EQ(decide(state_, "s", RevokeIdentity{"kms/kms-9"}).error().code, ErrorCode::kNotFound);
}

TEST_F(IdentitiesTest, AKeyStandsForOneIdentity) {
  Identity twin = siem();
  twin.curve_key = replica().curve_key;
  EXPECT_EQ(decide(state_, "s", GrantIdentity{twin}).error().code, ErrorCode::kRefused);
  EXPECT_FALSE(bootstrap({replica(), twin}).ok());
}

TEST_F(IdentitiesTest, SealedKeysAreForReplicasAlone) {
  Identity curious = siem();
  curious.topics = {"kms.sealed"};
  EXPECT_EQ(decide(state_, "s", GrantIdentity{curious}).error().code, ErrorCode::kRefused);
}

TEST_F(IdentitiesTest, NobodyBecomesAnEventStoreByAGrant) {
  Identity store = siem();
  store.name = "eventstore/other";
  EXPECT_EQ(decide(state_, "s", GrantIdentity{store}).error().code, ErrorCode::kRefused);
  EXPECT_TRUE(bootstrap({replica(), store}).ok()) << "it stands in the configuration";
}

TEST_F(IdentitiesTest, MalformedIdentitiesAreRefused) {
  const auto refused = [&](auto change) {
    Identity identity = siem();
    change(identity);
    const auto decision = decide(state_, "s", GrantIdentity{identity});
    return !decision.ok() && decision.error().code == ErrorCode::kInvalid;
  };
  EXPECT_TRUE(refused([](Identity& i) { i.name = "siem"; }));
  EXPECT_TRUE(refused([](Identity& i) { i.name = "subscriber/"; }));
  EXPECT_TRUE(refused([](Identity& i) { i.name = "subscriber/SIEM"; }));
  EXPECT_TRUE(refused([](Identity& i) { i.name = "subscriber/" + std::string(22, 'a'); }));
  EXPECT_TRUE(refused([](Identity& i) { i.curve_key = "short"; }));
  EXPECT_TRUE(refused([](Identity& i) { i.curve_key[3] = '"'; }));
  EXPECT_TRUE(refused([](Identity& i) { i.topics = {"kms.changes"}; }));
  EXPECT_TRUE(refused([](Identity& i) { i.sockets = {"admin"}; }));
  EXPECT_TRUE(refused([](Identity& i) { i.prefixes = {"kms/cluster-1"}; }));
  EXPECT_TRUE(refused([](Identity& i) { i.prefixes = {"subscriber"}; }));
  EXPECT_TRUE(refused([](Identity& i) { i.sockets = {"append"}; })) << "no part of ours";
  EXPECT_TRUE(refused([](Identity& i) { i.topics.assign(65, "head"); }));
}

TEST_F(IdentitiesTest, PrefixesHoldWholePieces) {
  Identity identity = replica();
  EXPECT_TRUE(may_append(identity, "kms/cluster-1/object/k"));
  EXPECT_TRUE(may_append(identity, "kms/kms-1/epoch")) << "below its own name";
  EXPECT_FALSE(may_append(identity, "kms/cluster-10/object/k"));
  EXPECT_FALSE(may_append(identity, "kms/kms-2/epoch"));
  identity.prefixes = {"kms/cluster-1/"};
  EXPECT_TRUE(may_append(identity, "kms/cluster-1/object/k"));
}

}  // namespace
}  // namespace keytrail::eventstore
