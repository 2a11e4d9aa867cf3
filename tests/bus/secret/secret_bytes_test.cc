#include "bus/secret/secret_bytes.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "bus/secret/random.h"
#include "bus/secret/secret_memory.h"

namespace keytrail {
namespace {

// A secret cannot be an event: these would have to compile for one to leave by accident.
template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::equality_comparable<SecretBytes>);
static_assert(!Printable<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, ByteView>);

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

TEST(SecretBytesTest, StartsWithZeros) {
  const SecretBytes zeros(100);
  EXPECT_TRUE(std::ranges::all_of(zeros.read(SecretAccess{}), [](auto b) { return b == 0; }));
  EXPECT_TRUE(SecretBytes().empty());
  EXPECT_TRUE(SecretBytes(0).empty());
}

TEST(SecretBytesTest, MovesAndLeavesNothingBehind) {
  SecretBytes first = secret("one");
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT: what is tested.
  EXPECT_TRUE(second.equals(as_bytes("one")));
  SecretBytes third = secret("three");
  third = std::move(second);
  EXPECT_TRUE(third.equals(as_bytes("one")));
  SecretBytes& itself = third;
  third = std::move(itself);
  EXPECT_TRUE(third.equals(as_bytes("one")));
}

TEST(SecretBytesTest, WipesItsMemoryWhenItLetsGo) {
  SecretBytes bytes(64);
  std::ranges::fill(bytes.write(SecretAccess{}), std::uint8_t{0xa5});
  bytes.wipe();
  EXPECT_TRUE(bytes.empty());
  // The block that the heap gives next is most likely the same; it must not show the old content
  // before zeroing either, but only the wiping of our own buffers can be seen from here.
  Bytes plain(64, 0xa5);
  wipe(plain);
  EXPECT_EQ(plain, Bytes(64));
  std::string text = "secret";
  wipe(text);
  EXPECT_TRUE(text.empty());
}

TEST(SecretBytesTest, ComparesByContent) {
  EXPECT_TRUE(secret("abc").equals(secret("abc")));
  EXPECT_FALSE(secret("abc").equals(secret("abd")));
  EXPECT_FALSE(secret("abc").equals(secret("ab")));
  EXPECT_TRUE(SecretBytes().equals(SecretBytes()));
  EXPECT_TRUE(secret("abc").clone().equals(as_bytes("abc")));
  EXPECT_TRUE(secret("abcdef").slice(2, 3).equals(as_bytes("cde")));
  EXPECT_TRUE(secret("abc").slice(3, 0).empty());
}

TEST(SecretBytesDeathTest, AbortsOnASliceOutside) {
  EXPECT_DEATH((void)secret("abc").slice(2, 2), "offset");
  EXPECT_DEATH((void)secret("abc").slice(4, 0), "offset");
}

TEST(SecretBytesTest, GoesOnInTheOrdinaryHeapWhenTheLockedOneIsFull) {
  std::vector<SecretBytes> many;
  for (int i = 0; i < 40; ++i) many.emplace_back(std::size_t{1} << 20);
  for (SecretBytes& one : many) {
    one.write(SecretAccess{}).back() = 1;
    EXPECT_EQ(one.read(SecretAccess{}).back(), 1);
  }
}

// An ordinary user who may lock 1 MiB, in a process of its own.
TEST(SecretMemoryDeathTest, LocksAsMuchAsTheLimitsAllowAndCountsWhatDoesNotFit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto try_it = [] {
    const rlimit limit{std::size_t{1} << 20, std::size_t{1} << 20};
    constexpr uid_t kNobody = 65534;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) std::_Exit(1);
    if (geteuid() == 0 && setuid(kNobody) != 0) std::_Exit(2);
    const std::size_t locked_bytes = secret_memory().locked_bytes;
    if (locked_bytes == 0 || locked_bytes > limit.rlim_cur) std::_Exit(3);
    const SecretBytes small(32);
    if (secret_memory().secrets_unlocked != 0) std::_Exit(4);
    const SecretBytes large(std::size_t{2} << 20);
    if (secret_memory().secrets_unlocked != 1) std::_Exit(5);
    std::_Exit(0);
  };
  EXPECT_EXIT(try_it(), testing::ExitedWithCode(0), "");
}

// No core dump, and no other process of the same user that reads its memory.
TEST(HardenProcessDeathTest, LeavesAProcessThatNobodyDumpsOrTraces) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto try_it = [] {
    if (prctl(PR_SET_DUMPABLE, 1) != 0) std::_Exit(1);
    (void)harden_process();  // Whether memory could be locked is the machine's affair.
    if (prctl(PR_GET_DUMPABLE) != 0) std::_Exit(2);
    rlimit core{1, 1};
    if (getrlimit(RLIMIT_CORE, &core) != 0) std::_Exit(3);
    if (core.rlim_cur != 0 || core.rlim_max != 0) std::_Exit(4);  // For good.
    std::_Exit(0);
  };
  EXPECT_EXIT(try_it(), testing::ExitedWithCode(0), "");
}

TEST(RandomTest, GivesFreshSecrets) {
  OsRandom random;
  const SecretBytes first = random.secret(32);
  EXPECT_EQ(first.size(), 32U);
  EXPECT_FALSE(first.equals(random.secret(32)));
}

}  // namespace
}  // namespace keytrail
