#include "kms/crypto/key_locator.h"

#include <gtest/gtest.h>

namespace keytrail::crypto {
namespace {

SecretBytes counting(std::uint8_t first, std::size_t size) {
  SecretBytes key(size);
  for (std::uint8_t& byte : key.write(SecretAccess{})) byte = first++;
  return key;
}

constexpr std::array<std::uint8_t, 16> kIv = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// A descriptor's key safe as ESXi writes it, published with VMware's own parser (govmomi).
constexpr std::string_view kFromEsxi =
    "vmware:key/list/(pair/(fqid/<VMWARE-NULL>/local/"
    "ASEAAgEAIexBYS7MTFOGo6XyS0PZfQEIAAwAEAAgAAQAQUVTLTI1NgCmT8mZIAuAGqLaFVU3pBlaT7%2fzDJm3%2fy%"
    "2f05"
    "n9y9%2bxv1aVSfBY9e6rBrhvKIkB2G%2fsvF7L%2bLGpoojr136%2bghgEA,HMAC%2dSHA%2d256,"
    "kIc7z%2fJowrpzVUAand6fC4ixT5BY6KwNTbAPFQErmxFRkmhJNOTp1VyQFnkn5kLgvKpt7KJKlm%"
    "2fvLkO6YxkVe61EMdt"
    "dsR2nL9DWMsDWov9syEh%2ftVED%2fzCct1fFpUaqSa29J%2fFk9%2bD22HiA0%"
    "2flumBPwt9M5aW0HB9T9lEMxNEVpSOBP"
    "mOW63DzLzAq1EC7%2fIWuCimTL%2b15%2be4uwDvxEYI5RDofZ2fm9oyM9MLHDTYPo%2fsFo8GU1LK%"
    "2frLsQcj20XijOe%"
    "2bfLnDlbJcH1nCmyoO8tweHwDs%2fmwhbpQudvXbGVM3jboiXoPj9rki%"
    "2boGeE8clTcBUyRxHE6n56MuZ6HmH1GHt9tBLy"
    "AHvk4oj2wNGGc%3d))";

TEST(KeySafeTest, ReadsWhatEsxiWritesAndWritesItTheSameWay) {
  const auto safe = parse_key_safe(kFromEsxi);
  ASSERT_TRUE(safe.ok()) << safe.error().detail;
  ASSERT_EQ(safe->size(), 1U);
  EXPECT_EQ(safe->front().locker.provider, "local");
  EXPECT_TRUE(safe->front().locker.key.starts_with("ASEAAgEAIexBYS7MTFOG"));
  EXPECT_EQ(safe->front().locked.size(), 272U);
  EXPECT_EQ(format_key_safe(*safe), kFromEsxi);
}

TEST(KeySafeTest, KeepsSeveralPairsInTheirOrder) {
  const KeySafe safe = {{{"prod", "old-key"}, Bytes(48, 1)}, {{"", "new/key,(1)"}, Bytes(48, 2)}};
  const std::string text = format_key_safe(safe);
  EXPECT_EQ(parse_key_safe(text).value(), safe);
  EXPECT_NE(text.find("fqid/<VMWARE-NULL>/<VMWARE-NULL>/new%2fkey%2c%281%29,"), std::string::npos);
}

TEST(KeySafeTest, MatchesPrefixAndTypesInAnyCase) {
  EXPECT_TRUE(
      parse_key_safe("VMware:Key/LIST/(Pair/(FQID/%3cVMWARE%2dNULL%3e/p/k,HMAC-SHA-256,AAAA))")
          .ok());
}

TEST(KeySafeTest, RefusesEachMalformedText) {
  for (const std::string_view text :
       {"", "vmware:key", "vmware:key/", "vmware:key/list/", "vmware:key/list/()",
        "vmware:key/list/(null/)", "vmware:nokey/list/(pair/(fqid/u/p/k,HMAC-SHA-256,AAAA))",
        "vmware:key/pair/(fqid/u/p/k,HMAC-SHA-256,AAAA)",
        "vmware:key/list/(pair/(phrase/u/p,HMAC-SHA-256,AAAA))",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-1,AAAA))",
        "vmware:key/list/(pair/(fqid/u/p/,HMAC-SHA-256,AAAA))",
        "vmware:key/list/(pair/(fqid/u/p/<VMWARE-NULL>,HMAC-SHA-256,AAAA))",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-256,))",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-256,AAA))",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-256,AAAA)",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-256,AAAA)) ",
        "vmware:key/list/(pair/(fqid/u/p/k,HMAC-SHA-256,AAAA),)",
        "vmware:key/list/(pair/(fqid/u/p/k%2,HMAC-SHA-256,AAAA))",
        "vmware:key/list/(pair/(fqid/u/p/k%zz,HMAC-SHA-256,AAAA))"}) {
    const auto safe = parse_key_safe(text);
    EXPECT_FALSE(safe.ok()) << text;
    if (!safe.ok()) {
      EXPECT_EQ(safe.error().code, ErrorCode::kInvalid) << text;
    }
  }
}

TEST(KeySafeTest, RefusesWhatIsTooLongBeforeItAllocates) {
  const KeySafe many(kKeySafePairsMax + 1, {{"p", "k"}, Bytes(48)});
  EXPECT_FALSE(parse_key_safe(format_key_safe(many)).ok());
  EXPECT_FALSE(parse_key_safe(std::string(kKeySafeTextBytesMax + 1, 'v')).ok());
  EXPECT_FALSE(
      parse_key_safe(format_key_safe({{{"p", "k"}, Bytes(kLockedDataBytesMax + 1)}})).ok());
}

TEST(KeySafeTest, RefusesEachTextThatWasCutShort) {
  for (std::size_t length = 0; length < kFromEsxi.size(); ++length) {
    EXPECT_FALSE(parse_key_safe(kFromEsxi.substr(0, length)).ok()) << length;
  }
}

// Composed outside of this code, of AES-CBC and HMAC.
TEST(LockedDekTest, HasVmwaresForm) {
  EXPECT_EQ(
      to_hex(lock_dek(counting(0, 32), counting(64, 64), kIv)),
      "000102030405060708090a0b0c0d0e0f5e1643b8e694e1b2a24836fb6db7d34f053a364c7181f4732907ad857c1e"
      "e40e4c399ca0e23a094fae9e985aa6532c66edb72b1817152d96d57fc5b41bb947718de910f661c0536b63b1ec86"
      "9eab6bbf0c60042fbad0e911aeed03906201a57fce4b5450426d5e72bc548e30b0c9ddf2845638b5405144f9c8aa"
      "dfac2fd8388f4ee82f8d753481b31d4b8e6cf3e101806f02b91ca01eae7838bf77fd9e9aec66");
}

TEST(LockedDekTest, OpensWithTheSameKekOnly) {
  // Every shift of the counting key, so that '+', '/' and each base64 digit occur.
  for (int first = 0; first < 256; ++first) {
    const SecretBytes dek = counting(static_cast<std::uint8_t>(first), 64);
    const Bytes locked = lock_dek(counting(1, 32), dek, kIv);
    const auto opened = unlock_dek(counting(1, 32), locked);
    ASSERT_TRUE(opened.ok()) << first;
    EXPECT_TRUE(opened->equals(dek)) << first;
    EXPECT_EQ(unlock_dek(counting(2, 32), locked).error().code, ErrorCode::kCorrupt);
  }
}

TEST(LockedDekTest, DoesNotOpenWithAnyByteChangedAndTellsNothingElse) {
  const Bytes locked = lock_dek(counting(1, 32), counting(64, 64), kIv);
  for (std::size_t i = 0; i < locked.size(); ++i) {
    Bytes changed = locked;
    changed[i] ^= 1;
    const auto opened = unlock_dek(counting(1, 32), changed);
    ASSERT_FALSE(opened.ok()) << i;
    EXPECT_EQ(opened.error(), unlock_dek(counting(2, 32), locked).error()) << i;
  }
}

TEST(LockedDekTest, DoesNotOpenWhatIsTooShortOrUneven) {
  const Bytes locked = lock_dek(counting(1, 32), counting(64, 64), kIv);
  for (std::size_t length = 0; length < locked.size(); ++length) {
    EXPECT_FALSE(unlock_dek(counting(1, 32), ByteView(locked).first(length)).ok()) << length;
  }
  EXPECT_FALSE(unlock_dek(counting(1, 32), Bytes(kLockedDataBytesMax + 16)).ok());
}

}  // namespace
}  // namespace keytrail::crypto
