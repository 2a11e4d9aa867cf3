#include "esxi/service/vmx.h"

#include <gmock/gmock.h>

#include "tests/support/golden.h"

namespace keytrail::esxi {
namespace {

const Vmx kSample{.vm = "vm-1",
                  .action = "00112233445566778899aabbccddeeff",
                  .guest = {"vmlinuz", "initrd.img", "seed=1 \"quoted\" |pipe|\ttab"}};

TEST(VmxTest, ReadsBackWhatItWrote) {
  EXPECT_EQ(parse_vmx(format_vmx(kSample)).value(), kSample);
  const Vmx without_guest{.vm = "vm-1", .action = kSample.action, .guest = {}};
  EXPECT_EQ(parse_vmx(format_vmx(without_guest)).value(), without_guest);
}

// The file of a datastore, which outlives the program that wrote it.
TEST(VmxTest, OneOfAnEarlierVersionIsRead) {
  const std::string written = format_vmx(kSample);
  const Bytes kept = test::golden("files/vm_v1.vmx", as_bytes(written));
  EXPECT_EQ(as_text(kept), written);
  EXPECT_EQ(parse_vmx(as_text(kept)).value(), kSample);
}

TEST(VmxTest, SkipsLinesOfVmwares) {
  EXPECT_EQ(parse_vmx("virtualHW.version = \"19\"\n" + format_vmx(kSample)).value(), kSample);
}

TEST(VmxTest, TakesNothingThatIsNoVmx) {
  for (const char* text : {
           "guest.kernel",                                          // sets nothing
           "guest.kernel = vmlinuz",                                // no quotes
           "guest.kernel = \"",                                     // one quote
           "guest.kernel = \"a\"b\"",                               // a quote within
           "guest.kernel = \"|4\"",                                 // half an escape
           "guest.kernel = \"|zz\"",                                // no escape
           "guest.kernel = \"../../boot/vmlinuz\"",                 // leaves the folder
           "guest.initrd = \"/etc/shadow\"",                        //
           "guest.initrd = \"|2Fetc|2Fshadow\"",                    // the same, escaped
           "guest.kernel = \"vmlinuz\"\nguest.kernel = \"other\"",  // twice
       }) {
    const Result<Vmx> parsed = parse_vmx(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt) << text;
  }
  EXPECT_FALSE(parse_vmx(std::string(kVmxBytesMax + 1, '\n')).ok());
}

}  // namespace
}  // namespace keytrail::esxi
