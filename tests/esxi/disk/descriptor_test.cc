#include "esxi/disk/descriptor.h"

#include <gmock/gmock.h>

namespace keytrail::disk {
namespace {

Descriptor encrypted() {
  return {.flat = "vm-1-flat.2.vmdk",
          .size_bytes = 64 << 20,
          .sector_bytes = 4096,
          .uuid = "6000c29aa1b2c3d4e5f60718293a4b5c",
          .generation = 2,
          .action = "7f00aa",
          .encryption = DiskEncryption{.key_safe = "vmware:key/list/(pair/(fqid/x,HMAC,QUJD==))",
                                       .key_id = "kek-1",
                                       .dek_fingerprint = "00112233445566778899aabbccddeeff"},
          .other_ddb = {{"ddb.adapterType", "lsilogic"}, {"ddb.uuid", "60 00 C2 9a"}}};
}

Descriptor plain() {
  Descriptor descriptor = encrypted();
  descriptor.encryption.reset();
  descriptor.action.clear();
  return descriptor;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

ErrorCode error_of(std::string_view text) {
  const auto parsed = parse_descriptor(text);
  EXPECT_FALSE(parsed.ok()) << text;
  return parsed.ok() ? ErrorCode::kUnavailable : parsed.error().code;
}

TEST(DescriptorTest, AnEncryptedOneComesBackAsItWasWritten) {
  EXPECT_EQ(*parse_descriptor(format_descriptor(encrypted())), encrypted());
}

TEST(DescriptorTest, APlainOneComesBackAsItWasWritten) {
  EXPECT_EQ(*parse_descriptor(format_descriptor(plain())), plain());
}

TEST(DescriptorTest, APlainOneStillSaysItsSectorSize) {
  EXPECT_THAT(format_descriptor(plain()), ::testing::HasSubstr("ddb.vmcrypt.sector = \"4096\""));
}

TEST(DescriptorTest, LooksLikeVMwares) {
  EXPECT_EQ(format_descriptor(encrypted()),
            "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=fffffffe\n"
            "parentCID=ffffffff\ncreateType=\"vmfs\"\nkeyID=\"kek-1\"\n"
            "encryptionKeys=\"vmware:key/list/(pair/(fqid/x,HMAC,QUJD==))\"\n\n"
            "# Extent description\nRW 131072 VMFS \"vm-1-flat.2.vmdk\"\n\n"
            "# The Disk Data Base\n#DDB\nddb.adapterType = \"lsilogic\"\n"
            "ddb.uuid = \"60 00 C2 9a\"\nddb.iofilters = \"vmwarevmcrypt\"\n"
            "ddb.vmcrypt.uuid = \"6000c29aa1b2c3d4e5f60718293a4b5c\"\n"
            "ddb.vmcrypt.sector = \"4096\"\nddb.vmcrypt.tweakunit = \"512\"\n"
            "ddb.vmcrypt.dekfp = \"00112233445566778899aabbccddeeff\"\n"
            "ddb.vmcrypt.generation = \"2\"\nddb.vmcrypt.action = \"7f00aa\"\n");
}

TEST(DescriptorTest, ADiskFromElsewhereIsPlainWithSectorsOf512Bytes) {
  const auto parsed = parse_descriptor(
      "# Disk DescriptorFile\r\nversion = 1\r\nCID=123a4567\r\nparentCID=ffffffff\r\n"
      "createType=\"monolithicFlat\"\r\nRW 4096 FLAT \"debian-flat.vmdk\" 0\r\n"
      "ddb.geometry.sectors = \"63\"\r\n");
  ASSERT_TRUE(parsed.ok()) << parsed.error().detail;
  EXPECT_EQ(parsed->flat, "debian-flat.vmdk");
  EXPECT_EQ(parsed->size_bytes, 2u << 20);
  EXPECT_EQ(parsed->sector_bytes, 512u);
  EXPECT_EQ(parsed->encryption, std::nullopt);
  EXPECT_THAT(parsed->other_ddb,
              ::testing::ElementsAre(::testing::Pair("ddb.geometry.sectors", "63")));
}

TEST(DescriptorTest, RefusesDisksItCannotServe) {
  const std::string good = format_descriptor(encrypted());
  for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{
           {"parentCID=ffffffff", "parentCID=0badcafe"},
           {"createType=\"vmfs\"", "createType=\"streamOptimized\""},
           {" VMFS ", " SPARSE "},
           {"RW 131072", "RDONLY 131072"},
           {"vm-1-flat.2.vmdk", "../../etc/shadow"},
           {"vm-1-flat.2.vmdk", ".hidden"},
           {"sector = \"4096\"", "sector = \"1024\""},
           {"tweakunit = \"512\"", "tweakunit = \"4096\""},
           {"vmwarevmcrypt", "somebodyelses"},
           {"ddb.vmcrypt.dekfp", "ddb.foreign.dekfp"}}) {
    EXPECT_EQ(error_of(replaced(good, what, with)), ErrorCode::kInvalid) << what << " " << with;
  }
}

TEST(DescriptorTest, RefusesDamagedText) {
  const std::string good = format_descriptor(encrypted());
  for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{
           {"version=1\n", ""},
           {"RW 131072", "RW 0"},
           {"RW 131072", "RW 99999999999999999999"},
           {"RW 131072", "RW 18446744073709551615"},
           {"RW 131072", "RW -1"},
           {"RW 131072", "RW 131071"},  // Not whole sectors of 4096.
           {"\"kek-1\"", "\"kek\"-1\""},
           {"CID=fffffffe\n", "CID=fffffffe\nCID=fffffffe\n"},
           {"dekfp = \"00", "dekfp = \"0g"},
           {"keyID=\"kek-1\"\n", ""},
           {"ddb.iofilters = \"vmwarevmcrypt\"\n", ""},  // Keys, but said to be plain.
           {"generation = \"2\"", "generation = \"two\""},
           {"generation = \"2\"", "generation = \"18446744073709551615\""},
           {"action = \"7f00aa\"", "action = \"7f/../00\""},
           {"#DDB\n", "just words\n"},
           {"encoding", std::string("enc\0ding", 8)}}) {
    EXPECT_EQ(error_of(replaced(good, what, with)), ErrorCode::kCorrupt) << what << " " << with;
  }
}

TEST(DescriptorTest, RefusesATextOfAnySizeThatIsNoDescriptor) {
  EXPECT_EQ(error_of(""), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(std::string(kDescriptorBytesMax + 1, '\n')), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(std::string(kDescriptorBytesMax, '\n')), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of("version=1\ncreateType=\"vmfs\"\nRW"), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of("version=1\ncreateType=\"vmfs\"\nRW \n"), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of("version=1\ncreateType=\"vmfs\"\nRW 8 VMFS \"\n"), ErrorCode::kCorrupt);
}

TEST(DescriptorTest, EveryPrefixIsHandled) {
  const std::string good = format_descriptor(encrypted());
  for (std::size_t length = 0; length < good.size(); ++length) {
    static_cast<void>(parse_descriptor(good.substr(0, length)));
  }
}

}  // namespace
}  // namespace keytrail::disk
