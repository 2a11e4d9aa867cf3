#include "bus/proof/note.h"

#include <gtest/gtest.h>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"

namespace keytrail::proof {
namespace {

// The example of Go's golang.org/x/mod/sumdb/note.
constexpr std::string_view kVkey =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kNote =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n";

using What = SignatureFound::What;

SecretBytes seed() { return OsRandom().secret(kEd25519SeedBytes); }

TEST(NoteTest, AnExampleOfOthersIsReadCheckedAndWrittenTheSame) {
  const NoteKey key = from_vkey(kVkey).value();
  EXPECT_EQ(key.name, "PeterNeumann");
  EXPECT_EQ(to_vkey(key), kVkey);
  const Note note = parse_note(kNote).value();
  EXPECT_EQ(find_signature(note, key).what, What::kHolds);
  EXPECT_EQ(format_note(note), kNote);
}

TEST(NoteTest, AChangedTextBreaksTheSignatureAndAStrangersIsPassedOver) {
  Note note = parse_note(kNote).value();
  note.text[0] = 'i';
  EXPECT_EQ(find_signature(note, from_vkey(kVkey).value()).what, What::kBroken);
  const NoteKey other{"PeterNeumann", NoteAlgorithm::kEd25519, ed25519_public_key(seed())};
  EXPECT_EQ(find_signature(note, other).what, What::kAbsent);
}

TEST(NoteTest, ACosignatureTellsItsTimeAndIsNoOtherKindOfSignature) {
  const SecretBytes key = seed();
  const Bytes public_key = ed25519_public_key(key);
  Note note{.text = "log\n1\n", .signatures = {}};
  note.signatures.push_back(cosign_note("kms-1", key, note.text, 1'679'315'147));
  note = parse_note(format_note(note)).value();
  const SignatureFound found =
      find_signature(note, {"kms-1", NoteAlgorithm::kCosignature, public_key});
  EXPECT_EQ(found.what, What::kHolds);
  EXPECT_EQ(found.posix_seconds, 1'679'315'147u);
  EXPECT_EQ(find_signature(note, {"kms-1", NoteAlgorithm::kEd25519, public_key}).what,
            What::kAbsent);
}

TEST(NoteTest, OfSeveralCosignaturesTheNewestCountsAndABrokenOneIsTold) {
  const SecretBytes key = seed();
  const NoteKey witness{"w", NoteAlgorithm::kCosignature, ed25519_public_key(key)};
  Note note{.text = "log\n1\n", .signatures = {}};
  for (const std::uint64_t time : {5, 9, 7}) {
    note.signatures.push_back(cosign_note("w", key, note.text, time));
  }
  EXPECT_EQ(find_signature(note, witness).posix_seconds, 9u);
  note.signatures[2].signature.back() ^= 1;
  EXPECT_EQ(find_signature(note, witness).what, What::kBroken);
}

TEST(NoteTest, EveryCutIsRefusedOrIsANoteStill) {
  for (std::size_t size = 0; size < kNote.size(); ++size) {
    EXPECT_FALSE(parse_note(kNote.substr(0, size)).ok()) << size;
  }
}

TEST(NoteTest, WhatIsNoNoteIsRefused) {
  const std::string dash = "\xe2\x80\x94 ";
  for (const std::string& bad :
       {std::string("text\n\n"), "text\n\n" + dash + "name AAAA\n",
        "text\n\n" + dash + "AAAAAAA=\n", "text\n\n" + dash + "na+me AAAAAAA=\n",
        "te\rxt\n\n" + dash + "name AAAAAAA=\n", std::string("text\n\nname AAAAAAA=\n"),
        std::string(kNoteBytesMax + 1, 'x')}) {
    EXPECT_FALSE(parse_note(bad).ok()) << bad.substr(0, 40);
  }
  std::string many = "text\n\n";
  for (std::size_t i = 0; i <= kNoteSignaturesMax; ++i) many += dash + "name AAAAAAA=\n";
  EXPECT_FALSE(parse_note(many).ok());
}

TEST(NoteTest, AKeyWhoseIdIsNotItsOwnIsRefused) {
  for (const std::string& bad :
       {std::string("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string("PeterNeumann+c74f20a3"), std::string("+c74f20a3+AAAA"), std::string(),
        std::string("a+00000000+BQ==")}) {
    EXPECT_FALSE(from_vkey(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keytrail::proof
