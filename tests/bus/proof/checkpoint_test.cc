#include "bus/proof/checkpoint.h"

#include <gtest/gtest.h>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"

namespace keytrail::proof {
namespace {

Checkpoint example() {
  return {.log_id = {1, 2, 3}, .generation = 2, .size = 103, .root = {9, 8, 7}};
}

TEST(CheckpointTest, ASignedNoteIsReadBackAndChecked) {
  OsRandom random;
  const SecretBytes key = random.secret(kEd25519SeedBytes);
  const std::string note = sign_checkpoint(example(), key);
  EXPECT_TRUE(note.starts_with("keytrail/01020300000000000000000000000000\n103\n")) << note;
  EXPECT_NE(note.find("\n\n\xe2\x80\x94 keytrail/0102"), std::string::npos) << note;
  EXPECT_EQ(parse_checkpoint(note, ed25519_public_key(key)).value(), example());
  EXPECT_EQ(parse_checkpoint(note, std::nullopt).value(), example());
}

TEST(CheckpointTest, AChangedNumberIsNotSigned) {
  OsRandom random;
  const SecretBytes key = random.secret(kEd25519SeedBytes);
  std::string note = sign_checkpoint(example(), key);
  note.replace(note.find("\n103\n"), 5, "\n102\n");
  EXPECT_EQ(parse_checkpoint(note, ed25519_public_key(key)).error().code, ErrorCode::kCorrupt);
}

TEST(CheckpointTest, AnotherKeysSignatureIsNone) {
  OsRandom random;
  const std::string note = sign_checkpoint(example(), random.secret(kEd25519SeedBytes));
  EXPECT_FALSE(parse_checkpoint(note, ed25519_public_key(random.secret(kEd25519SeedBytes))).ok());
}

TEST(CheckpointTest, EveryCutOfANoteIsRefusedNeverACrash) {
  OsRandom random;
  const SecretBytes key = random.secret(kEd25519SeedBytes);
  const std::string note = sign_checkpoint(example(), key);
  for (std::size_t size = 0; size + 1 < note.size(); ++size) {
    EXPECT_FALSE(parse_checkpoint(note.substr(0, size), ed25519_public_key(key)).ok()) << size;
  }
  for (const char* text :
       {"keytrail/\n\n\n\n\n", "keytrail/zz\n1\nAA==\ngeneration 1\n\n", "\n\n"}) {
    EXPECT_FALSE(parse_checkpoint(text, std::nullopt).ok()) << text;
  }
}

}  // namespace
}  // namespace keytrail::proof
