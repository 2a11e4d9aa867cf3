#include "bus/secret/secret_file.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/memory_file_system.h"

namespace keytrail {
namespace {

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

class SecretFileTest : public testing::Test {
 protected:
  std::unique_ptr<SecretFile> opened(const std::string& part = "kms/kms-1") {
    return SecretFile::open(files_, random_, "d/secrets", part, unlock_).value();
  }
  static std::string read(const SecretFile& file, const std::string& name) {
    const SecretBytes* const entry = file.find(name);
    return entry == nullptr ? "none" : std::string(as_text(entry->read(SecretAccess{})));
  }

  test::MemoryFileSystem files_;
  test::SeededRandom random_{1};
  UnlockSecret unlock_{UnlockForm::kKey, test::SeededRandom(7).secret(32)};
};

TEST_F(SecretFileTest, IsMadeEmptyAndKeepsWhatIsPut) {
  const auto file = opened();
  EXPECT_TRUE(file->names().empty());
  ASSERT_TRUE(file->put("tls", secret("key one")).ok());
  ASSERT_TRUE(file->put("curve", secret("key two")).ok());
  ASSERT_TRUE(file->put("tls", secret("key three")).ok());
  EXPECT_EQ(read(*file, "tls"), "key three");
  EXPECT_EQ(read(*opened(), "tls"), "key three");
  EXPECT_EQ(read(*opened(), "curve"), "key two");
  EXPECT_EQ(read(*opened(), "other"), "none");
  EXPECT_EQ(opened()->names(), (std::set<std::string>{"curve", "tls"}));
}

// Only what it says is pinned, not its bytes: in which order a commit asks for random bytes is its
// own affair.
TEST_F(SecretFileTest, OpensAFileOfTheFirstVersionForEver) {
  ASSERT_TRUE(opened()->put("tls", secret("key one")).ok());
  ASSERT_TRUE(opened()->put("curve", secret("key two")).ok());
  test::MemoryFileSystem kept;
  ASSERT_TRUE(kept.make_folder("d").ok());
  ASSERT_TRUE(kept.make_folder("d/secrets.pages").ok());
  for (const auto& [path, written] : files_.contents()) {
    kept.plant(path, test::golden("files/secrets_v1/" + path.substr(2), written));
  }
  const auto file = SecretFile::open(kept, random_, "d/secrets", "kms/kms-1", unlock_).value();
  EXPECT_EQ(read(*file, "tls"), "key one");
  EXPECT_EQ(read(*file, "curve"), "key two");
  EXPECT_EQ(file->names(), (std::set<std::string>{"curve", "tls"}));
}

TEST_F(SecretFileTest, WipesWhatIsRemovedAndWhatNoFactNames) {
  const auto file = opened();
  for (const char* const name : {"a", "b", "c"}) ASSERT_TRUE(file->put(name, secret(name)).ok());
  ASSERT_TRUE(file->remove("b").ok());
  ASSERT_TRUE(file->remove("never there").ok());
  EXPECT_EQ(opened()->names(), (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(file->keep_only({"c", "d"}).value(), (std::set<std::string>{"a"}));
  EXPECT_EQ(opened()->names(), (std::set<std::string>{"c"}));
}

TEST_F(SecretFileTest, HasAnEntryWholeOrNotAtAllWhereverThePowerFails) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    bool told = false;
    for (std::size_t cut = 0; !told; ++cut) {
      files_ = test::MemoryFileSystem();
      {
        const auto file = opened();
        ASSERT_TRUE(file->put("old", secret("one")).ok());
        files_.cut_power_at(cut);
        told = file->put("new", secret("two")).ok();
      }
      files_.restart(seed);
      const auto file = opened();
      EXPECT_EQ(read(*file, "old"), "one");
      EXPECT_TRUE(read(*file, "new") == "two" || (!told && read(*file, "new") == "none"));
    }
  }
}

TEST_F(SecretFileTest, StaysAsItWasAfterAnError) {
  const auto file = opened();
  ASSERT_TRUE(file->put("a", secret("one")).ok());
  files_.fail_once_at(0);
  EXPECT_FALSE(file->put("a", secret("two")).ok());
  EXPECT_EQ(read(*file, "a"), "one");
  EXPECT_TRUE(file->put("a", secret("two")).ok());
}

TEST_F(SecretFileTest, TakesTheNextEntryWhereverTheDiskFailedOnce) {
  const auto file = opened();
  for (std::size_t step = 0;; ++step) {
    SCOPED_TRACE("the disk fails at " + std::to_string(step));
    files_.fail_once_at(step);
    if (file->put("lost", secret("x")).ok()) break;
    ASSERT_TRUE(file->put("kept", secret(std::to_string(step))).ok());
    EXPECT_EQ(opened()->names(), (std::set<std::string>{"kept"}));
  }
  EXPECT_EQ(opened()->names(), (std::set<std::string>{"kept", "lost"}));
}

TEST_F(SecretFileTest, OpensForItsOwnPartOnly) {
  (void)opened();
  EXPECT_EQ(SecretFile::open(files_, random_, "d/secrets", "kms/kms-2", unlock_).error().code,
            ErrorCode::kRefused);
}

TEST_F(SecretFileTest, RefusesWhatIsTooLong) {
  const auto file = opened();
  EXPECT_EQ(file->put("", secret("x")).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(file->put(std::string(kSecretNameBytesMax + 1, 'n'), secret("x")).ok());
  EXPECT_FALSE(file->put("n", SecretBytes(kSecretEntryBytesMax + 1)).ok());
  // Until the page is full; what was there before stays.
  int entries = 0;
  while (file->put(std::to_string(entries), SecretBytes(kSecretEntryBytesMax)).ok()) ++entries;
  EXPECT_EQ(entries, 63);
  EXPECT_EQ(opened()->names().size(), 63U);
}

}  // namespace
}  // namespace keytrail
