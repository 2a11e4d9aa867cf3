#include "tests/leak_scan/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bus/secret/file.h"
#include "tests/support/temp_folder.h"

namespace keytrail::leak_scan {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;

class ScanTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kSecret = "0123456789abcdefghijklmnopqrstuv";

  [[nodiscard]] std::vector<Needle> needles() const {
    std::vector<Secret> secrets;
    secrets.push_back({"it", "", SecretBytes::copy_of(as_bytes(kSecret)), folder_.file("home")});
    return needles_of(secrets);
  }
  [[nodiscard]] std::vector<Hit> hits_with(const std::string& name, const std::string& content) {
    OsFileSystem files;
    EXPECT_TRUE(replace_file(files, folder_.file(name), as_bytes(content)).ok());
    Scanned scanned;
    scan_files(folder_.file(name), needles(), scanned);
    EXPECT_THAT(scanned.unread, IsEmpty());
    return scanned.hits;
  }

  testing::TempFolder folder_;
};

TEST_F(ScanTest, EachFormIsFoundAtEachPlaceInBase64) {
  EXPECT_THAT(hits_with("raw", "..." + std::string(kSecret)),
              Contains(Field(&Hit::what, "it, raw")));
  EXPECT_THAT(hits_with("hex", to_hex(as_bytes(kSecret))),
              Contains(Field(&Hit::what, "it, hexadecimal")));
  for (const std::string before : {"", "x", "xy"}) {
    EXPECT_THAT(hits_with("base64", to_base64(as_bytes(before + std::string(kSecret) + "z"))),
                Contains(Field(&Hit::what, "it, base64")));
  }
}

TEST_F(ScanTest, AFormThatLiesAcrossTwoPiecesIsFound) {
  const std::string almost_a_piece((std::size_t{4} << 20) - 20, '.');
  EXPECT_THAT(hits_with("long", almost_a_piece + to_hex(as_bytes(kSecret))),
              Contains(Field(&Hit::what, "it, hexadecimal")));
}

TEST_F(ScanTest, WhereASecretIsKeptItIsNoLeak) {
  EXPECT_THAT(hits_with("home", std::string(kSecret)), IsEmpty());
  EXPECT_THAT(hits_with("elsewhere", std::string(kSecret)), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace keytrail::leak_scan
