// What is left of a key in memory that a core dump would hold, once its user is done.
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "bus/secret/random.h"
#include "kms/crypto/aes_xts.h"
#include "kms/crypto/fingerprint.h"
#include "kms/crypto/key_locator.h"
#include "tests/leak_scan/scan.h"

namespace keytrail::crypto {
namespace {

// Copies of `key`, raw, in hexadecimal or base64, outside the memory made for secrets.
std::size_t copies_of(const SecretBytes& key) {
  std::vector<leak_scan::Secret> secrets;
  secrets.push_back({"the key", "", key.clone()});
  leak_scan::Scanned scanned;
  leak_scan::scan_process(getpid(), leak_scan::needles_of(secrets), scanned);
  EXPECT_TRUE(scanned.unread.empty());
  return scanned.hits.size();
}

// In a thread that still lives during the search, as a worker's does: what a thread keeps for its
// next use counts.
template <class Work>
std::size_t copies_after(const SecretBytes& key, const Work& work) {
  std::size_t copies = 0;
  std::thread([&] {
    work();
    copies = copies_of(key);
  }).join();
  return copies;
}

class KeyResidueTest : public testing::Test {
 protected:
  // Before any key is there, all is called once: where a library binds a symbol at its first call,
  // the loader saves vector registers on the stack, and a copied key may still be in them.
  static void SetUpTestSuite() {
    const SecretBytes none(kDekBytes);
    (void)copies_after(none, [&] { (void)dek_fingerprint(none, as_bytes("none")); });
  }

  OsRandom random_;
  SecretBytes kek_ = random_.secret(kKekBytes);
  SecretBytes dek_ = random_.secret(kDekBytes);
};

TEST_F(KeyResidueTest, ACopyInOrdinaryMemoryIsFound) {
  const ByteView raw = dek_.read(SecretAccess{});
  const Bytes copy(raw.begin(), raw.end());
  EXPECT_GE(copies_of(dek_), 1U);  // The search may meet its own buffer too.
}

TEST_F(KeyResidueTest, NothingStaysOfAKeyThatWasLockedOrUnlocked) {
  Bytes locked;
  EXPECT_EQ(copies_after(dek_, [&] { locked = lock_dek(kek_, dek_, {}); }), 0U);
  EXPECT_EQ(copies_after(dek_, [&] { EXPECT_TRUE(unlock_dek(kek_, locked).ok()); }), 0U);
  EXPECT_EQ(copies_after(kek_, [&] { EXPECT_TRUE(unlock_dek(kek_, locked).ok()); }), 0U);
}

TEST_F(KeyResidueTest, NothingStaysOfAKeyWhoseFingerprintWasTaken) {
  EXPECT_EQ(copies_after(dek_, [&] { (void)dek_fingerprint(dek_, as_bytes("disk")); }), 0U);
  EXPECT_EQ(copies_after(kek_, [&] { (void)key_fingerprint(kek_, "key"); }), 0U);
}

TEST_F(KeyResidueTest, NothingStaysOfAKeyThatCipheredADisk) {
  const auto cipher = [&] {
    Bytes sector(512);
    AesXts::make(dek_, AesXts::Direction::kEncrypt, 512).value().apply(0, sector);
    AesXts::make(dek_, AesXts::Direction::kDecrypt, 512).value().apply(0, sector);
  };
  EXPECT_EQ(copies_after(dek_, cipher), 0U);
  // A key schedule begins with the key, and XTS has one for each half.
  EXPECT_EQ(copies_after(dek_.slice(0, kDekBytes / 2), cipher), 0U);
  EXPECT_EQ(copies_after(dek_.slice(kDekBytes / 2, kDekBytes / 2), cipher), 0U);
}

}  // namespace
}  // namespace keytrail::crypto
