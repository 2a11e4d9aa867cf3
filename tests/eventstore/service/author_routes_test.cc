#include "eventstore/service/author_routes.h"

#include <gtest/gtest.h>

namespace keytrail::eventstore {
namespace {

TEST(AuthorRoutesTest, TheProcessOfEachEpochIsFound) {
  AuthorRoutes routes;
  routes.learn("kms/kms-1", 4, {4});
  routes.learn("kms/kms-1", 5, {5});
  routes.learn("kms/kms-1", 5, {6});  // Connected anew.
  ASSERT_NE(routes.find("kms/kms-1", 4), nullptr);
  EXPECT_EQ(*routes.find("kms/kms-1", 4), Bytes{4});
  EXPECT_EQ(*routes.find("kms/kms-1", 5), Bytes{6});
  EXPECT_EQ(routes.find("kms/kms-1", 6), nullptr);
  EXPECT_EQ(routes.find("kms/kms-2", 4), nullptr);
}

TEST(AuthorRoutesTest, AnAuthorOfManyEpochsCostsNobodyElseTheirRoute) {
  AuthorRoutes routes;
  routes.learn("kms/kms-2", 1, {2});
  for (std::uint64_t epoch = 1; epoch <= 10'000; ++epoch) routes.learn("esxi/bad", epoch, {1});
  EXPECT_NE(routes.find("kms/kms-2", 1), nullptr);
  EXPECT_EQ(routes.find("esxi/bad", 10'000 - kRoutesPerAuthorMax), nullptr);
  EXPECT_NE(routes.find("esxi/bad", 10'000), nullptr);
}

TEST(AuthorRoutesTest, WhoIsOffTheListIsForgotten) {
  AuthorRoutes routes;
  routes.learn("kms/kms-1", 1, {1});
  routes.learn("kms/kms-2", 1, {2});
  Identities identities;
  identities.entries["kms/kms-2"] = {};
  routes.keep(identities);
  EXPECT_EQ(routes.find("kms/kms-1", 1), nullptr);
  EXPECT_NE(routes.find("kms/kms-2", 1), nullptr);
}

}  // namespace
}  // namespace keytrail::eventstore
