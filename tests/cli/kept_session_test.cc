#include "cli/kept_session.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "bus/events/clock.h"
#include "tests/support/temp_folder.h"

namespace keytrail::cli {
namespace {

namespace fs = std::filesystem;

constexpr TimeNs kHour = TimeNs{3600} * 1'000'000'000;

// Commands come an hour after the password was written: what changed just now is another test.
class KeptSessionTest : public ::testing::Test {
 protected:
  KeptSessionTest() { write_password("right"); }

  void write_password(const std::string& password) const {
    std::ofstream(password_file_, std::ios::trunc) << password;
  }
  // Until the kernel's clock has gone on, as it has between two commands.
  void change_password(const std::string& password) const {
    const timespec before = changed();
    do write_password(password);
    while (changed().tv_sec == before.tv_sec && changed().tv_nsec == before.tv_nsec);
  }
  [[nodiscard]] timespec changed() const {
    struct stat seen {};
    EXPECT_EQ(::stat(password_file_.c_str(), &seen), 0);
    return seen.st_ctim;
  }
  // As the next command makes it.
  [[nodiscard]] KeptSession kept(const KeptSession::MadeWith& made_with,
                                 TimeNs later = kHour) const {
    return KeptSession(session_file_, made_with, clock_.now() + later);
  }
  [[nodiscard]] KeptSession kept(TimeNs later = kHour) const {
    return kept({"alice", "key", password_file_}, later);
  }
  void keep_one() const { kept().keep(SecretBytes::copy_of(as_bytes("token")), kHour); }
  [[nodiscard]] std::string content() const {
    std::ifstream file(session_file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  SystemClock clock_;
  keytrail::testing::TempFolder folder_;
  const std::string session_file_ = folder_.file("session-alice");
  const std::string password_file_ = folder_.file("password");
};

TEST_F(KeptSessionTest, TheNextCommandFindsWhatTheLastOneKept) {
  EXPECT_FALSE(kept().find().has_value());
  keep_one();
  const auto found = kept().find();
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->equals(as_bytes("token")));
}

TEST_F(KeptSessionTest, ItIsReadableByItsOwnerAlone) {
  keep_one();
  EXPECT_EQ(fs::status(session_file_).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(KeptSessionTest, AFileThatOthersCanReadIsNone) {
  keep_one();
  fs::permissions(session_file_, fs::perms::group_read, fs::perm_options::add);
  EXPECT_FALSE(kept().find().has_value());
}

TEST_F(KeptSessionTest, ALinkToAFileIsNone) {
  keep_one();
  fs::rename(session_file_, folder_.file("elsewhere"));
  fs::create_symlink(folder_.file("elsewhere"), session_file_);
  EXPECT_FALSE(kept().find().has_value());
}

TEST_F(KeptSessionTest, ItEndsWhenVcenterSaidSo) {
  keep_one();
  EXPECT_TRUE(kept(2 * kHour - kHour / 60).find().has_value());
  EXPECT_FALSE(kept(2 * kHour + kHour / 60).find().has_value());
}

TEST_F(KeptSessionTest, AnotherUserOrAnotherVcenterFindsNone) {
  keep_one();
  EXPECT_FALSE(kept({"bob", "key", password_file_}).find().has_value());
  EXPECT_FALSE(kept({"alice", "another", password_file_}).find().has_value());
}

TEST_F(KeptSessionTest, APasswordThatIsStillChangingKeepsAndFindsNone) {
  KeptSession(session_file_, {"alice", "key", password_file_}, clock_.now())
      .keep(SecretBytes::copy_of(as_bytes("token")), kHour);
  EXPECT_FALSE(fs::exists(session_file_));
  keep_one();
  EXPECT_FALSE(kept(0).find().has_value());
}

TEST_F(KeptSessionTest, APasswordThatWasChangedFindsNone) {
  keep_one();
  change_password("wrong");  // as many letters: only the times tell
  EXPECT_FALSE(kept().find().has_value());
}

TEST_F(KeptSessionTest, AnOldTimeOnAChangedPasswordDoesNotHideTheChange) {
  const auto before = fs::last_write_time(password_file_);
  keep_one();
  change_password("wrong");
  fs::last_write_time(password_file_, before);
  EXPECT_FALSE(kept().find().has_value());
}

TEST_F(KeptSessionTest, AnotherFileUnderThePasswordsNameFindsNone) {
  keep_one();
  std::ofstream(folder_.file("new")) << "right";
  fs::rename(folder_.file("new"), password_file_);
  EXPECT_FALSE(kept().find().has_value());
}

TEST_F(KeptSessionTest, WithoutThePasswordFileNothingIsKept) {
  fs::remove(password_file_);
  keep_one();
  EXPECT_FALSE(fs::exists(session_file_));
}

TEST_F(KeptSessionTest, AFileOfAnythingElseIsNone) {
  keep_one();
  const std::string whole = content();
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(4096, 'x'), std::string(1 << 20, '\xff'),
        whole.substr(0, whole.size() / 2)}) {
    std::ofstream(session_file_, std::ios::trunc | std::ios::binary) << text;
    EXPECT_FALSE(kept().find().has_value()) << text.size() << " bytes";
  }
}

TEST_F(KeptSessionTest, ThePasswordIsNotInTheFile) {
  keep_one();
  EXPECT_THAT(content(), ::testing::HasSubstr("token"));
  EXPECT_THAT(content(), ::testing::Not(::testing::HasSubstr("right")));
}

}  // namespace
}  // namespace keytrail::cli
