#include "eventstore/log/checkpoint_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"
#include "tests/support/temp_folder.h"

namespace keytrail::eventstore {
namespace {

TEST(CheckpointFileTest, IsReplacedAsAWhole) {
  const testing::TempFolder folder;
  OsRandom random;
  const SecretBytes key = random.secret(kEd25519SeedBytes);
  const proof::Checkpoint example{
      .log_id = {1, 2, 3}, .generation = 2, .size = 103, .root = {9, 8, 7}};
  const std::string file = folder.file("checkpoint");
  EXPECT_EQ(read_checkpoint_file(file, std::nullopt).value(), std::nullopt);
  ASSERT_TRUE(write_checkpoint_file(file, proof::sign_checkpoint(example, key)).ok());
  EXPECT_EQ(read_checkpoint_file(file, ed25519_public_key(key)).value(), example);
  std::ofstream(file) << "half a no";
  EXPECT_EQ(read_checkpoint_file(file, std::nullopt).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail::eventstore
