#include "bus/secret/sealed_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bus/secret/aead.h"
#include "bus/secret/kdf.h"
#include "bus/secret/secret_codec.h"
#include "tests/support/memory_file_system.h"

namespace keytrail {
namespace {

using test::MemoryFileSystem;
using test::SeededRandom;

constexpr const char* kPath = "d/keyring";
constexpr const char* kPurpose = "keytrail/test/1";

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }
std::string text_of(const SecretBytes& bytes) {
  return std::string(as_text(bytes.read(SecretAccess{})));
}

class SealedFileTest : public testing::Test {
 protected:
  SealedFile::Place place() { return {files_, random_, kPath, kPurpose, unlock_}; }

  static SealedFile::Changes first_changes() {
    SealedFile::Changes changes;
    changes.put.emplace(1, secret("one"));
    changes.put.emplace(2, secret("two"));
    changes.summary = secret("first");
    return changes;
  }
  static SealedFile::Changes second_changes() {
    SealedFile::Changes changes;
    changes.put.emplace(2, secret("TWO"));
    changes.put.emplace(3, secret("three"));
    changes.remove.insert(1);
    changes.summary = secret("second");
    return changes;
  }

  // All that a reader of the file can tell.
  static std::string state_of(const SealedFile& file) {
    std::string state = text_of(file.summary()) + ":";
    for (const auto id : file.pages()) {
      state.append(" ").append(std::to_string(id)).append("=");
      state.append(text_of(file.read(id).value()));
    }
    return state;
  }
  std::string state_on_disk() {
    const auto file = SealedFile::open(place());
    return file ? state_of(**file) : "error: " + file.error().detail;
  }

  // From a fresh file: how many changing operations the second commit takes.
  std::size_t operations_of_the_second_commit() {
    files_ = MemoryFileSystem();
    const auto file = SealedFile::create(place(), first_changes()).value();
    const std::size_t before = files_.operations();
    EXPECT_TRUE(file->commit(second_changes()).ok());
    return files_.operations() - before;
  }
  // The second commit on a fresh file, cut and restarted. Tells whether the caller was told of
  // success.
  bool commit_with_the_power_cut(std::size_t cut, std::uint64_t seed) {
    files_ = MemoryFileSystem();
    (void)SealedFile::create(place(), first_changes()).value();
    bool committed = false;
    {
      const auto file = SealedFile::open(place()).value();
      files_.cut_power_at(cut);
      committed = file->commit(second_changes()).ok();
    }
    files_.restart(seed);
    return committed;
  }

  MemoryFileSystem files_;
  SeededRandom random_{1};
  UnlockSecret unlock_{UnlockForm::kKey, SeededRandom(7).secret(32)};
};

constexpr const char* kFirst = "first: 1=one 2=two";
constexpr const char* kSecond = "second: 2=TWO 3=three";

TEST_F(SealedFileTest, KeepsPagesAndSummaryAcrossReopening) {
  {
    const auto file = SealedFile::create(place(), first_changes()).value();
    EXPECT_EQ(state_of(*file), kFirst);
    ASSERT_TRUE(file->commit(second_changes()).ok());
    EXPECT_EQ(state_of(*file), kSecond);
    EXPECT_EQ(file->read(1).error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(state_on_disk(), kSecond);
  EXPECT_EQ(SealedFile::create(place(), {}).error().code, ErrorCode::kConflict);
}

TEST_F(SealedFileTest, CommitsTheStateBeforeOrAfterWhereverThePowerFails) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::size_t cut = 0; cut < operations_of_the_second_commit(); ++cut) {
      SCOPED_TRACE("cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      const bool committed = commit_with_the_power_cut(cut, seed);
      const std::string state = state_on_disk();
      EXPECT_TRUE(state == kSecond || (!committed && state == kFirst)) << state;
      seen.insert(state + (committed ? " (told)" : ""));

      files_.restart(seed + 1);  // What was opened once is what it stays.
      EXPECT_EQ(state_on_disk(), state);
      ASSERT_TRUE(SealedFile::open(place()).value()->commit(second_changes()).ok());
      EXPECT_EQ(state_on_disk(), kSecond);
    }
  }
  EXPECT_EQ(seen.size(), 3U);  // Old, new, and new with the caller's knowledge.
}

TEST_F(SealedFileTest, IsMadeWholeOrNotAtAllWhereverThePowerFails) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    bool created = false;
    for (std::size_t cut = 0; !created; ++cut) {
      SCOPED_TRACE("cut at " + std::to_string(cut) + ", seed " + std::to_string(seed));
      files_ = MemoryFileSystem();
      files_.cut_power_at(cut);
      created = SealedFile::create(place(), first_changes()).ok();
      files_.restart(seed);
      const auto file = SealedFile::open(place());
      if (!file) {
        EXPECT_FALSE(created);
        EXPECT_EQ(file.error().code, ErrorCode::kNotFound) << file.error().detail;
        EXPECT_TRUE(SealedFile::create(place(), first_changes()).ok());
      }
      EXPECT_EQ(state_on_disk(), kFirst);
    }
  }
}

TEST_F(SealedFileTest, StaysAsItWasWhenPagesCannotBeWritten) {
  const auto file = SealedFile::create(place(), first_changes()).value();
  files_.fail_once_at(1);
  EXPECT_EQ(file->commit(second_changes()).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(state_of(*file), kFirst);
  EXPECT_TRUE(file->commit(second_changes()).ok());
  EXPECT_EQ(state_of(*file), kSecond);
}

TEST_F(SealedFileTest, IsInDoubtUntilSettledWhenASlotCannotBeWritten) {
  for (const std::size_t before_the_end : {8U, 7U, 6U, 5U}) {  // Two slots, written and synced.
    files_ = MemoryFileSystem();
    const std::size_t step = operations_of_the_second_commit() - before_the_end + 1;
    files_ = MemoryFileSystem();
    const auto file = SealedFile::create(place(), first_changes()).value();
    files_.fail_once_at(step);
    ASSERT_FALSE(file->commit(second_changes()).ok());
    EXPECT_EQ(file->commit(second_changes()).error().code, ErrorCode::kUnavailable);
    files_.fail_once_at(1);
    EXPECT_FALSE(file->settle().ok());
    ASSERT_TRUE(file->settle().ok());
    const std::string state = state_of(*file);
    EXPECT_TRUE(state == kFirst || state == kSecond) << state;
    EXPECT_EQ(state_on_disk(), state);
    EXPECT_TRUE(file->commit(second_changes()).ok());
    EXPECT_EQ(state_of(*file), kSecond);
    EXPECT_EQ(state_on_disk(), kSecond);
  }
}

// --- What the disk gives away --------------------------------------------------------------------

// An attacker with the unlock secret, the current slots, and every page and table that ever was on
// the disk.
class Attacker {
 public:
  void collect(const MemoryFileSystem& files) {
    for (const auto& [path, bytes] : files.contents()) {
      if (path != kPath) blobs_[path] = bytes;
    }
  }

  // Everything that can be opened with these slots, written here after the format's description
  // alone.
  [[nodiscard]] std::set<std::string> open_all(ByteView slots, const UnlockSecret& unlock) const {
    std::set<std::string> found;
    for (const std::size_t at : {std::size_t{0}, kSealedSlotBytes}) {
      const ByteView slot = slots.subspan(at, kSealedSlotBytes);
      const SecretBytes file_key = hkdf(unlock.bytes, slot.subspan(16, 32), kPurpose);
      AeadNonce nonce;
      std::ranges::copy(slot.subspan(56, 12), nonce.begin());
      const auto root = aead_open(file_key, nonce, slot.first(56), slot.subspan(68, 48));
      if (root) open_tables(*root, found);
    }
    return found;
  }

 private:
  void open_tables(const SecretBytes& root, std::set<std::string>& found) const {
    for (const auto& [path, bytes] : blobs_) {
      for (std::uint64_t generation = 1; generation < 8; ++generation) {
        const auto table = aead_open(root, {}, label("keytrail/table/1", {generation}), bytes);
        if (!table) continue;
        SecretReader reader(*table);
        found.insert(text_of(reader.sized().value()));
        for (std::uint32_t count = reader.u32().value(); count > 0; --count) {
          const std::uint64_t id = reader.u64().value();
          const std::uint64_t written = reader.u64().value();
          (void)reader.u32().value();
          open_pages(reader.raw(32).value(), label("keytrail/page/1", {id, written}), found);
        }
      }
    }
  }
  void open_pages(const SecretBytes& key, const Bytes& associated,
                  std::set<std::string>& found) const {
    for (const auto& [path, bytes] : blobs_) {
      if (const auto page = aead_open(key, {}, associated, bytes)) found.insert(text_of(*page));
    }
  }
  static Bytes label(std::string_view name, std::initializer_list<std::uint64_t> numbers) {
    Bytes bytes = to_bytes(as_bytes(name));
    for (const std::uint64_t number : numbers) {
      for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    }
    return bytes;
  }

  std::map<std::string, Bytes> blobs_;
};

TEST_F(SealedFileTest, ForgetsWhatWasReplacedOrRemovedEvenIfOldPagesSurvive) {
  const auto file = SealedFile::create(place(), first_changes()).value();
  Attacker attacker;
  attacker.collect(files_);
  const Bytes old_slots = files_.contents().at(kPath);
  using Found = std::set<std::string>;
  EXPECT_EQ(attacker.open_all(old_slots, unlock_), (Found{"first", "one", "two"}));

  ASSERT_TRUE(file->commit(second_changes()).ok());
  attacker.collect(files_);
  EXPECT_EQ(attacker.open_all(files_.contents().at(kPath), unlock_),
            (Found{"second", "TWO", "three"}));
  // The control: with the four kilobytes that had to be forgotten, all is there again.
  EXPECT_EQ(attacker.open_all(old_slots, unlock_), (Found{"first", "one", "two"}));
}

TEST_F(SealedFileTest, ForgetsAlsoAfterACrashOnceItWasOpenedAgain) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::size_t cut = 0; cut < operations_of_the_second_commit(); ++cut) {
      (void)commit_with_the_power_cut(cut, seed);
      Attacker attacker;
      attacker.collect(files_);
      const bool second = state_on_disk() == kSecond;
      attacker.collect(files_);
      const auto found = attacker.open_all(files_.contents().at(kPath), unlock_);
      EXPECT_EQ(found.contains("one"), !second) << "cut at " << cut << ", seed " << seed;
      EXPECT_EQ(files_.contents().size(), 4U) << "slots, table, two pages; nothing left behind";
    }
  }
}

TEST_F(SealedFileTest, SaysWhetherItsMediumCanForget) {
  const auto file = SealedFile::create(place(), first_changes()).value();
  EXPECT_TRUE(file->medium_forgets().value());
  files_.set_overwrites_in_place(false);
  EXPECT_FALSE(file->medium_forgets().value());
}

// --- Damage and wrong secrets --------------------------------------------------------------------

TEST_F(SealedFileTest, RefusesAnotherUnlockSecretPurposeOrForm) {
  (void)SealedFile::create(place(), first_changes()).value();
  const UnlockSecret other{UnlockForm::kKey, SeededRandom(8).secret(32)};
  EXPECT_EQ(SealedFile::open({files_, random_, kPath, kPurpose, other}).error().code,
            ErrorCode::kRefused);
  EXPECT_EQ(SealedFile::open({files_, random_, kPath, "other", unlock_}).error().code,
            ErrorCode::kRefused);
  const UnlockSecret passphrase{UnlockForm::kPassphrase, unlock_.bytes.clone()};
  EXPECT_EQ(SealedFile::open({files_, random_, kPath, kPurpose, passphrase}).error().code,
            ErrorCode::kRefused);
  EXPECT_EQ(state_on_disk(), kFirst);
}

TEST_F(SealedFileTest, OpensWithAPassphraseToo) {
  const UnlockSecret passphrase{UnlockForm::kPassphrase, secret("correct horse")};
  const SealedFile::Place here{files_, random_, kPath, kPurpose, passphrase};
  (void)SealedFile::create(here, first_changes()).value();
  EXPECT_EQ(state_of(*SealedFile::open(here).value()), kFirst);
  EXPECT_EQ(SealedFile::open(place()).error().code, ErrorCode::kRefused);
}

TEST_F(SealedFileTest, SurvivesTheLossOfEitherSlotAndRepairsIt) {
  (void)SealedFile::create(place(), first_changes()).value();
  const Bytes good = files_.contents().at(kPath);
  for (const std::size_t slot : {0U, 1U}) {
    for (const std::size_t damage : {0U, 8U, 12U, 20U, 50U, 60U, 70U, 110U}) {
      Bytes damaged = good;
      damaged[slot * kSealedSlotBytes + damage] ^= 1;
      files_.plant(kPath, damaged);
      EXPECT_EQ(state_on_disk(), kFirst) << slot << ", " << damage;
      EXPECT_EQ(files_.contents().at(kPath), good) << slot << ", " << damage;
    }
  }
}

TEST_F(SealedFileTest, TellsDamageAndNeverGivesOutAnythingElse) {
  (void)SealedFile::create(place(), first_changes()).value();
  const auto good = files_.contents();
  for (const auto& [path, content] : good) {
    for (std::size_t at = 0; at < std::min<std::size_t>(content.size(), 160); at += 3) {
      Bytes damaged = content;
      damaged[at] ^= 1;
      if (path == kPath && at < 4096) damaged[kSealedSlotBytes + at] ^= 1;
      files_.plant(path, damaged);
      const auto file = SealedFile::open(place());
      if (path == std::string(kPath) + ".pages/page-1-1") {
        EXPECT_EQ(file.value()->read(1).error().code, ErrorCode::kCorrupt);
        EXPECT_TRUE(file.value()->read(2).ok());
      } else if (path.find("page-2") == std::string::npos && !(path == kPath && at >= 116)) {
        EXPECT_FALSE(file.ok()) << path << " at " << at;
      }
      files_.plant(path, content);
    }
    if (path != kPath) {
      ASSERT_TRUE(files_.unlink(path).ok());
      const auto file = SealedFile::open(place());
      const auto result =
          file ? (*file)->read(path.find("page-1") == std::string::npos ? 2 : 1).error()
               : file.error();
      EXPECT_EQ(result.code, ErrorCode::kCorrupt) << path;
      files_.plant(path, content);
    }
  }
}

TEST_F(SealedFileTest, RefusesAFileThatIsNoneOrTooShort) {
  EXPECT_EQ(SealedFile::open(place()).error().code, ErrorCode::kNotFound);
  files_.plant(kPath, Bytes(100));
  EXPECT_EQ(SealedFile::open(place()).error().code, ErrorCode::kCorrupt);
  files_.plant(kPath, Bytes(8192));
  EXPECT_EQ(SealedFile::open(place()).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace keytrail
