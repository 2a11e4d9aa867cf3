// That a destroyed key is gone is said only once every replica that ever had the keyring has said
// so: those that are away or retired, too.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "tests/installation/installation_under_test.h"

namespace keytrail::testing {
namespace {

using ::testing::HasSubstr;

class ShreddingTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(installation_.start(), ""); }

  std::string make_key() {
    const ProgramEnd made = installation_.run({"--json", "kmip", "create"});
    EXPECT_EQ(made.status, 0) << made.output;
    return made.status == 0 ? boost::json::parse(made.output).at("id").as_string().c_str() : "";
  }
  void destroy(const std::string& key) {
    const ProgramEnd destroyed = installation_.run({"kmip", "destroy", key});
    EXPECT_EQ(destroyed.status, 0) << destroyed.output;
  }
  // 0 as the exit code: no replica may hold it.
  ProgramEnd shredded(const std::string& key) {
    return installation_.run({"kms", "shredded", key, "--wait", "--timeout", "30"});
  }

  InstallationUnderTest installation_{{.replicas = 3, .hosts = 1}};
};

TEST_F(ShreddingTest, AReplicaThatIsAwayMayHoldTheKeyUntilItIsBack) {
  const std::string key = make_key();
  ASSERT_EQ(installation_.run({"part", "kill", "kms-3"}).status, 0);
  destroy(key);
  const ProgramEnd early =
      installation_.run({"kms", "shredded", key, "--wait", "--timeout", "1"});
  EXPECT_EQ(early.status, 1) << early.output;
  EXPECT_THAT(early.output, HasSubstr("kms-3"));

  ASSERT_EQ(installation_.run({"part", "start", "kms-3"}).status, 0);
  const ProgramEnd whole = shredded(key);
  EXPECT_EQ(whole.status, 0) << whole.output;
  for (const std::string replica : {"kms-1", "kms-2", "kms-3"}) {
    EXPECT_THAT(whole.output, HasSubstr(replica));
  }
}

TEST_F(ShreddingTest, ARetiredReplicaForgetsWhatIsDestroyedAfterwards) {
  const std::string key = make_key();
  const ProgramEnd retired = installation_.run({"kms", "retire", "kms-2"});
  ASSERT_EQ(retired.status, 0) << retired.output;
  destroy(key);
  const ProgramEnd whole = shredded(key);
  EXPECT_EQ(whole.status, 0) << whole.output;
  EXPECT_THAT(whole.output, HasSubstr("kms-2"));
}

}  // namespace
}  // namespace keytrail::testing
