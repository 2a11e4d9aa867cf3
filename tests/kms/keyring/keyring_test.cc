#include "kms/keyring/keyring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "bus/secret/sha256.h"
#include "tests/support/memory_file_system.h"

namespace keytrail::keyring {
namespace {

using test::MemoryFileSystem;
using test::SeededRandom;

constexpr const char* kPath = "kms-1/keyring";

class KeyringTest : public testing::Test {
 protected:
  SealedFile::Place place() { return {files_, random_, kPath, "keytrail/keyring/1", unlock_}; }
  std::unique_ptr<Keyring> created() {
    files_ = MemoryFileSystem();
    random_ = SeededRandom(1);  // The same root each time.
    return Keyring::create(place(), "prod").value();
  }
  std::unique_ptr<Keyring> opened() { return Keyring::open(place(), "prod").value(); }

  static std::string key(Keyring& keyring, LeafIndex index) {
    const auto key = keyring.seal_key(index);
    if (key) return to_hex(key->read(SecretAccess{}));
    return key.error().code == ErrorCode::kNotFound ? "gone" : key.error().detail;
  }

  MemoryFileSystem files_;
  SeededRandom random_{1};
  UnlockSecret unlock_{UnlockForm::kKey, SeededRandom(7).secret(32)};
};

TEST_F(KeyringTest, DerivesDistinctKeysThatDependOnRootClusterAndIndex) {
  const auto keyring = created();
  std::set<std::string> keys;
  for (const LeafIndex index :
       {LeafIndex{0}, LeafIndex{1}, first_leaf(1), first_leaf(77) + 4095, kLeafIndexEnd - 1}) {
    EXPECT_TRUE(keys.insert(key(*keyring, index)).second) << index;
    EXPECT_EQ(key(*keyring, index), key(*opened(), index));
  }
  const std::string zero = key(*keyring, 0);
  files_ = MemoryFileSystem();
  random_ = SeededRandom(1);
  EXPECT_NE(key(*Keyring::create(place(), "test").value(), 0), zero) << "another cluster";
}

// 40 HMACs from the root by hand: the derivation is fixed, since what it sealed stays on the log
// for ever.
TEST_F(KeyringTest, FollowsTheFixedDerivation) {
  const auto keyring = created();
  random_ = SeededRandom(1);
  SecretBytes node = random_.secret(kNodeBytes);
  const LeafIndex index = 0x81234567ab & (kLeafIndexEnd - 1);
  for (unsigned bit = 40; bit-- > 0;) {
    const auto side = static_cast<std::uint8_t>(index >> bit & 1);
    node = hmac_sha256_secret(node, {{&side, 1}});
  }
  const Bytes encoded = {0xab, 0x67, 0x45, 0x23, 0x81, 0, 0, 0};
  EXPECT_EQ(key(*keyring, index),
            to_hex(hmac_sha256(node, {as_bytes("key"), as_bytes("prod"), encoded})));
}

TEST_F(KeyringTest, LosesPuncturedLeavesForGoodAndNoOthers) {
  auto keyring = created();
  const std::vector<LeafIndex> all = {
      0, 1, 2, 4095, first_leaf(1), first_leaf(1) + 7, first_leaf(900)};
  std::map<LeafIndex, std::string> before;
  for (const LeafIndex index : all) before[index] = key(*keyring, index);

  const std::vector<LeafIndex> gone = {1, 4095, first_leaf(1) + 7};
  ASSERT_TRUE(keyring->puncture(gone, 42).ok());
  for (int round = 0; round < 2; ++round) {
    for (const LeafIndex index : all) {
      const bool is_gone = std::ranges::find(gone, index) != gone.end();
      EXPECT_EQ(key(*keyring, index), is_gone ? "gone" : before[index]) << index;
    }
    EXPECT_EQ(keyring->punctured_through(), 42U);
    keyring = opened();
  }
}

TEST_F(KeyringTest, RemembersHowFarItFollowedAndNeverGoesBack) {
  const auto keyring = created();
  EXPECT_EQ(keyring->punctured_through(), 0U);
  ASSERT_TRUE(keyring->puncture({}, 9).ok());
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{3}, 5).ok());
  EXPECT_EQ(opened()->punctured_through(), 9U);
  const std::size_t operations = files_.operations();
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{3}, 9).ok());
  EXPECT_EQ(files_.operations(), operations) << "nothing to do, nothing written";
}

TEST_F(KeyringTest, TurnsAFullyPuncturedBlockIntoABit) {
  auto keyring = created();
  std::vector<LeafIndex> block;
  for (LeafIndex index = first_leaf(5); index < first_leaf(6); ++index) block.push_back(index);
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{first_leaf(5) + 1}, 1).ok());
  EXPECT_EQ(files_.contents().size(), 4U) << "slots, table, frontier, block";
  ASSERT_TRUE(keyring->puncture(block, 2).ok());
  EXPECT_EQ(files_.contents().size(), 3U) << "slots, table, frontier";
  keyring = opened();
  EXPECT_EQ(key(*keyring, first_leaf(5)), "gone");
  EXPECT_NE(key(*keyring, first_leaf(4)), "gone");
  EXPECT_NE(key(*keyring, first_leaf(6)), "gone");
  ASSERT_TRUE(keyring->puncture(block, 3).ok()) << "again";
}

// The disk may have taken what it reported as failed. Going on from before it, the next puncture
// would put the first one's block back into the frontier.
TEST_F(KeyringTest, ForgetsAtTheNextTryWhateverAFailedWriteLeft) {
  const std::vector<LeafIndex> first = {7};
  const std::vector<LeafIndex> next = {first_leaf(3) + 1};
  for (std::size_t step = 0;; ++step) {
    SCOPED_TRACE("the disk fails at " + std::to_string(step));
    auto keyring = created();
    files_.fail_once_at(step);
    if (keyring->puncture(first, 10).ok()) break;
    ASSERT_TRUE(keyring->puncture(first, 10).ok());
    ASSERT_TRUE(keyring->puncture(next, 20).ok());
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(key(*keyring, 7), "gone");
      EXPECT_EQ(key(*keyring, first_leaf(3) + 1), "gone");
      EXPECT_NE(key(*keyring, 8), "gone");
      EXPECT_EQ(keyring->punctured_through(), 20U);
      keyring = opened();
    }
  }
}

TEST_F(KeyringTest, TakesTheBlocksRootOutOfTheFrontierAtItsFirstPuncture) {
  const auto keyring = created();
  random_ = SeededRandom(1);
  PuncturedTree frontier(kBlockBits, random_.secret(kNodeBytes));
  const std::string root = to_hex(frontier.puncture(3)->read(SecretAccess{}));
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{first_leaf(3)}, 1).ok());
  // Everything that the keyring holds, as it would give it to a joiner: neither the root of the
  // tree nor that of block 3.
  const SecretBytes everything = keyring->grant().value();
  EXPECT_EQ(to_hex(everything.read(SecretAccess{})).find(root), std::string::npos);
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{first_leaf(3) + 1}, 1).ok());
  EXPECT_EQ(key(*opened(), first_leaf(3)), "gone");
  EXPECT_EQ(key(*opened(), first_leaf(3) + 1), "gone");
}

TEST_F(KeyringTest, IsBeforeOrAfterABatchWhereverThePowerFails) {
  const std::vector<LeafIndex> first = {5, first_leaf(2)};
  const std::vector<LeafIndex> batch = {6, first_leaf(2) + 1, first_leaf(9)};
  const std::vector<LeafIndex> others = {
      0, 4, 7, first_leaf(2) + 2, first_leaf(9) + 1, first_leaf(10)};
  auto keyring = created();
  ASSERT_TRUE(keyring->puncture(first, 10).ok());
  std::map<LeafIndex, std::string> before;
  for (const LeafIndex index : batch) before[index] = key(*keyring, index);
  for (const LeafIndex index : others) before[index] = key(*keyring, index);
  const std::size_t start = files_.operations();
  ASSERT_TRUE(keyring->puncture(batch, 20).ok());
  const std::size_t operations = files_.operations() - start;

  bool seen_old = false;
  bool seen_new_untold = false;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (std::size_t cut = 0; cut < operations; ++cut) {
      SCOPED_TRACE("cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      keyring = created();
      ASSERT_TRUE(keyring->puncture(first, 10).ok());
      files_.cut_power_at(cut);
      const bool told = keyring->puncture(batch, 20).ok();
      keyring.reset();
      files_.restart(seed);

      keyring = opened();
      const bool done = keyring->punctured_through() == 20;
      EXPECT_TRUE(done || !told);
      EXPECT_TRUE(done || keyring->punctured_through() == 10);
      seen_old |= !done;
      seen_new_untold |= done && !told;
      for (const LeafIndex index : first) EXPECT_EQ(key(*keyring, index), "gone");
      for (const LeafIndex index : batch)
        EXPECT_EQ(key(*keyring, index), done ? "gone" : before[index]);
      for (const LeafIndex index : others) EXPECT_EQ(key(*keyring, index), before[index]);
      ASSERT_TRUE(keyring->puncture(batch, 20).ok()) << "again, as a replica does after its start";
      for (const LeafIndex index : batch) EXPECT_EQ(key(*opened(), index), "gone");
    }
  }
  EXPECT_TRUE(seen_old && seen_new_untold);
}

TEST_F(KeyringTest, KeepsWhatItHasWhenTheDiskIsFull) {
  const auto keyring = created();
  const std::string before = key(*keyring, 8);
  files_.fail_once_at(1);
  EXPECT_EQ(keyring->puncture(std::vector<LeafIndex>{8}, 5).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(keyring->punctured_through(), 0U);
  EXPECT_EQ(key(*keyring, 8), before);
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{8}, 5).ok());
  EXPECT_EQ(key(*keyring, 8), "gone");
}

TEST_F(KeyringTest, IsGrantedWithItsPuncturesAndUnderNewFileKeys) {
  const auto keyring = created();
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{1, first_leaf(3) + 5}, 30).ok());
  const SecretBytes grant = keyring->grant().value();
  const SealedFile::Place there{files_, random_, "kms-2/keyring", "keytrail/keyring/1", unlock_};
  EXPECT_EQ(Keyring::join(there, "test", grant).error().code, ErrorCode::kInvalid);
  const auto joined = Keyring::join(there, "prod", grant).value();
  for (const LeafIndex index :
       {LeafIndex{0}, LeafIndex{1}, first_leaf(3) + 5, first_leaf(3) + 6, first_leaf(40)}) {
    EXPECT_EQ(key(*joined, index), key(*keyring, index)) << index;
    EXPECT_EQ(key(*Keyring::open(there, "prod").value(), index), key(*keyring, index)) << index;
  }
  EXPECT_EQ(joined->punctured_through(), 30U);
  const auto contents = files_.contents();
  for (const char* const page : {".pages/page-0-2", ".pages/page-4-2"}) {
    EXPECT_NE(contents.at(std::string("kms-1/keyring") + page),
              contents.at("kms-2/keyring" + std::string(page).substr(0, 13) + "-1"));
  }
}

TEST_F(KeyringTest, RefusesAGrantThatWasCutOrNamesABlockTwice) {
  const auto keyring = created();
  ASSERT_TRUE(keyring->puncture(std::vector<LeafIndex>{1}, 30).ok());
  const SecretBytes grant = keyring->grant().value();
  const SealedFile::Place there{files_, random_, "kms-2/keyring", "keytrail/keyring/1", unlock_};
  for (std::size_t size = 0; size < grant.size(); size += 7) {
    EXPECT_FALSE(Keyring::join(there, "prod", grant.slice(0, size)).ok()) << size;
  }
  SecretWriter longer;
  longer.raw(grant);
  longer.u8(0);
  EXPECT_FALSE(Keyring::join(there, "prod", longer.finish()).ok());

  SecretWriter twice;  // A frontier that still has all blocks, and a page for block 0 beside it.
  twice.u32(1);
  twice.sized(std::string_view("prod"));
  twice.u64(0);
  twice.u32(0);
  PuncturedTree(kBlockBits, SecretBytes(kNodeBytes)).encode(twice);
  twice.u32(1);
  twice.u32(0);
  SecretWriter page;
  PuncturedTree(kLeafBits, SecretBytes(kNodeBytes)).encode(page);
  twice.sized(page.finish());
  EXPECT_EQ(Keyring::join(there, "prod", twice.finish()).error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(Keyring::join(there, "prod", grant).ok());
}

TEST_F(KeyringTest, RefusesAnotherClusterAndIndicesThatDoNotExist) {
  const auto keyring = created();
  EXPECT_EQ(Keyring::open(place(), "test").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(keyring->seal_key(kLeafIndexEnd).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(keyring->puncture(std::vector<LeafIndex>{kLeafIndexEnd}, 1).error().code,
            ErrorCode::kInvalid);
}

TEST_F(KeyringTest, KeepsABoundedNumberOfBlocksAndDerivesTheOthersAgain) {
  const auto keyring = created();
  // 70 blocks of 2,048 nodes each are more than are kept.
  std::vector<LeafIndex> even;
  for (Block block = 0; block < 70; ++block) {
    for (LeafIndex leaf = 0; leaf < kLeavesPerBlock; leaf += 2)
      even.push_back(first_leaf(block) + leaf);
  }
  std::vector<std::string> before;
  for (Block block = 0; block < 70; ++block) before.push_back(key(*keyring, first_leaf(block) + 1));
  ASSERT_TRUE(keyring->puncture(even, 1).ok());
  for (int round = 0; round < 2; ++round) {
    for (Block block = 0; block < 70; ++block) {
      EXPECT_EQ(key(*keyring, first_leaf(block) + 1), before[block]);
      EXPECT_EQ(key(*keyring, first_leaf(block)), "gone");
    }
  }
}

// As the first version wrote it: leaf 3, leaf 1 of block 2 and all of block 1 are punctured.
TEST_F(KeyringTest, OpensAFileOfTheFirstVersionForEver) {
  const std::filesystem::path golden = KEYTRAIL_SOURCE_DIR "/tests/golden/crypto/keyring_v1";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files_.plant("old/" + std::filesystem::relative(entry.path(), golden).string(),
                 Bytes{std::istreambuf_iterator<char>(file), {}});
  }
  const UnlockSecret unlock{UnlockForm::kKey, SecretBytes::copy_of(Bytes(32, 0x55))};
  const auto keyring =
      Keyring::open({files_, random_, "old/keyring", "keytrail/keyring/1kms/kms-1", unlock}, "prod")
          .value();
  EXPECT_EQ(keyring->punctured_through(), 18U);
  EXPECT_EQ(key(*keyring, 2), "96cf1ed4420f9bab30ce628eb8fea737e98dafc9d0044ed76bda8143a6263ad4");
  EXPECT_EQ(key(*keyring, first_leaf(2)),
            "f8d27be1772fb5eb84ddae6f0d54eee30dffd62f8f80bd903ba388a6262c4e9a");
  EXPECT_EQ(key(*keyring, first_leaf(9) + 7),
            "e71898fc56b8005aea51215fa1134d9808222d0c70f20e706bedfabf50c811cb");
  for (const LeafIndex gone : {LeafIndex{3}, first_leaf(2) + 1, first_leaf(1), first_leaf(1) + 9}) {
    EXPECT_EQ(key(*keyring, gone), "gone") << gone;
  }
}

}  // namespace
}  // namespace keytrail::keyring
