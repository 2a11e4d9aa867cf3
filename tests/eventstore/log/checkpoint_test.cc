#include "eventstore/log/checkpoint.h"

#include <gtest/gtest.h>

#include <fstream>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"
#include "tests/support/temp_folder.h"

namespace keytrail::eventstore {
namespace {

Checkpoint example() {
  return {.log_id = {1, 2, 3}, .generation = 2, .size = 103, .root = {9, 8, 7}};
}

// RFC 8032, section 7.1, TEST 2.
TEST(Ed25519Test, SignsAsTheStandardSays) {
  const SecretBytes seed = SecretBytes::copy_of(
      from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value());
  EXPECT_EQ(to_hex(ed25519_public_key(seed)),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message{0x72};
  const Bytes signature = ed25519_sign(seed, message);
  EXPECT_EQ(to_hex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(ed25519_verify(ed25519_public_key(seed), message, signature));
  EXPECT_FALSE(ed25519_verify(ed25519_public_key(seed), Bytes{0x73}, signature));
  EXPECT_FALSE(ed25519_verify(Bytes(31), message, signature));
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

TEST(CheckpointTest, TheFileIsReplacedAsAWhole) {
  const testing::TempFolder folder;
  OsRandom random;
  const SecretBytes key = random.secret(kEd25519SeedBytes);
  const std::string file = folder.file("checkpoint");
  EXPECT_EQ(read_checkpoint_file(file, std::nullopt).value(), std::nullopt);
  ASSERT_TRUE(write_checkpoint_file(file, sign_checkpoint(example(), key)).ok());
  EXPECT_EQ(read_checkpoint_file(file, ed25519_public_key(key)).value(), example());
  std::ofstream(file) << "half a no";
  EXPECT_EQ(read_checkpoint_file(file, std::nullopt).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail::eventstore
