#include "cli/config.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace keytrail::cli {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    char name[] = "/tmp/keytrail-config.XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string file = folder_ + "/part.toml";
    std::ofstream(file) << text;
    return file;
  }
  std::string folder_;
};

KmsConfig kms_config() {
  return {.part = {"kms-1", "/d/kms-1", "file:/d/unlock/kms-1"},
          .log = {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3", "key"},
          .cluster = "cluster-1",
          .kmip_address = "127.0.0.1",
          .kmip_port = 5696,
          .keyring = "tcp://127.0.0.1:4",
          .command = "tcp://127.0.0.1:5",
          .operators = {{"operator/cli", "public"}},
          .peers = {{"kms-2", "tcp://127.0.0.1:6"}},
          .host_names = {"kms-1"}};
}

TEST_F(ConfigTest, AReplicasConfigurationReadsBackAsItWasWritten) {
  const Result<KmsConfig> read = read_kms_config(write(to_toml(kms_config())));
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(to_toml(*read), to_toml(kms_config()));
  EXPECT_EQ(read->kmip_port, 5696);
  ASSERT_EQ(read->peers.size(), 1U);
  EXPECT_EQ(read->peers[0].keyring, "tcp://127.0.0.1:6");
}

TEST_F(ConfigTest, AnEventStoresConfigurationReadsBackAsItWasWritten) {
  const EventstoreConfig config{
      .part = {"store-1", "/d/eventstore", "prompt"},
      .append = "a",
      .live = "l",
      .read = "r",
      .command = "c",
      .identities = {{"kms/kms-1", "key", {"kms/kms-1"}, {"kms.change"}, {"append"}}}};
  const Result<EventstoreConfig> read = read_eventstore_config(write(to_toml(config)));
  ASSERT_TRUE(read.ok()) << read.error().detail;
  EXPECT_EQ(to_toml(*read), to_toml(config));
}

TEST_F(ConfigTest, AMissingKeyIsNamedWithTheFile) {
  const Result<UpConfig> read = read_up_config(write("port_base = 5690\nhosts = 2\n"));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("part.toml"));
  EXPECT_THAT(read.error().detail, HasSubstr("'replicas' must be a number"));
}

TEST_F(ConfigTest, APortOutOfRangeIsRefused) {
  const Result<UpConfig> read =
      read_up_config(write("port_base = 70000\nreplicas = 1\nhosts = 1\n"));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("1 to 65535"));
}

TEST_F(ConfigTest, AShapeThatNoInstallationHasIsRefused) {
  for (const std::string shape : {"replicas = 0\nhosts = 1\n", "replicas = 7\nhosts = 1\n"}) {
    const Result<UpConfig> read = read_up_config(write("port_base = 5690\n" + shape));
    ASSERT_FALSE(read.ok()) << shape;
    EXPECT_THAT(read.error().detail, HasSubstr("'replicas' must be a number from 1 to 6"));
  }
  EXPECT_FALSE(read_up_config(write("port_base = 5690\nreplicas = 1\nhosts = 65\n")).ok());
}

TEST_F(ConfigTest, ATableWhereAListOfTablesBelongsIsNotAnEmptyList) {
  std::string text = to_toml(kms_config());
  const std::size_t at = text.find("[[peer]]");
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, 8, "[peer]");
  const Result<KmsConfig> read = read_kms_config(write(text));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("'peer' must be a list of tables"));
}

TEST_F(ConfigTest, MalformedTomlNamesTheLine) {
  const Result<UpConfig> read = read_up_config(write("port_base = 5690\nreplicas = = 3\n"));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("line 2"));
}

TEST_F(ConfigTest, AnErrorInsideAListSaysWhichItem) {
  std::string text = to_toml(kms_config());
  const std::size_t at = text.find("keyring = 'tcp://127.0.0.1:6'");
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, 29, "keyring = 7");
  const Result<KmsConfig> read = read_kms_config(write(text));
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().detail, HasSubstr("peer 1: 'keyring' must be a text"));
}

}  // namespace
}  // namespace keytrail::cli
