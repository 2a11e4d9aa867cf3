#include "eventstore/log/checkpoint_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"
#include "tests/support/golden.h"
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

// Ed25519 is deterministic, so a signed checkpoint has one form.
TEST(CheckpointFileTest, OneOfAnEarlierVersionIsRead) {
  const testing::TempFolder folder;
  const SecretBytes key = SecretBytes::copy_of(Bytes(kEd25519SeedBytes, 0x55));
  proof::Checkpoint example{.log_id = {}, .generation = 2, .size = 413, .root = {}};
  example.log_id.fill(0x0a);
  example.root.fill(0xcd);
  const std::string written = proof::sign_checkpoint(example, key);
  const Bytes kept = test::golden("files/checkpoint_v1", as_bytes(written));
  EXPECT_EQ(as_text(kept), written);
  const std::string file = folder.file("checkpoint");
  ASSERT_TRUE(write_checkpoint_file(file, std::string(as_text(kept))).ok());
  std::ifstream stored(file, std::ios::binary);
  EXPECT_EQ((Bytes{std::istreambuf_iterator<char>(stored), {}}), kept) << "the note and no more";
  EXPECT_EQ(read_checkpoint_file(file, ed25519_public_key(key)).value(), example);
}

}  // namespace
}  // namespace keytrail::eventstore
