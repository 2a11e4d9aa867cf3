#include "cli/endpoints.h"

#include <gmock/gmock.h>

namespace keytrail::cli {
namespace {

using testing::HasSubstr;

Endpoints endpoints() {
  Endpoints x;
  x.data = "/d";
  x.log = {"id", "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3", "tcp://127.0.0.1:4",
           "key"};
  x.operator_identity = {"operator/cli", "/d/client/operator.key"};
  x.kms.push_back({.name = "kms-1", .address = "127.0.0.1", .port = 5696, .pid = 7});
  x.vcenter = {
      .name = "vc-1", .address = "127.0.0.1", .port = 5730, .user = "administrator@vsphere.local"};
  x.hosts.push_back({"host-1", 9});
  x.datastores.push_back({"ds-1", "/d/datastore/ds-1"});
  return x;
}

TEST(EndpointsTest, ReadBackAsTheyWereWritten) {
  const Result<Endpoints> read = parse_endpoints(to_json(endpoints()));
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(to_json(*read), to_json(endpoints()));
}

TEST(EndpointsTest, UnknownMembersAreIgnored) {
  const Result<Endpoints> read = parse_endpoints(R"({"version": 1, "later": [1], "data": "/d"})");
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(read->data, "/d");
}

TEST(EndpointsTest, AnotherVersionIsRefusedByItsNumber) {
  const Result<Endpoints> read = parse_endpoints(R"({"version": 2})");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("version 2"));
}

TEST(EndpointsTest, AFolderWithoutAnInstallationSaysHowToStartOne) {
  const Result<Endpoints> read = read_endpoints("/nonexistent");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(read.error().detail, HasSubstr("keytrail up --data /nonexistent"));
}

}  // namespace
}  // namespace keytrail::cli
