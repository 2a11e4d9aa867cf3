#include "bus/events/words.h"

#include <gtest/gtest.h>

namespace keytrail {
namespace {

TEST(PrintableTest, NoControlCharacterOfEitherSetGetsThrough) {
  EXPECT_EQ(printable("a\nb\x1b[2Jc\x7f"), "a?b?[2Jc?");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "2Jb\xc2\x80\xc2\x9f"),
            "a?2Jb??")
      << "U+009B begins one too";
}

TEST(PrintableTest, LettersOfAllLanguagesStayWhatTheyAre) {
  const std::string text = "k\xc3\xa9y \xc2\xa0 \xe2\x82\xac \xf0\x9f\x94\x91";
  EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable("cut \xc2"), "cut \xc2");
  EXPECT_EQ(printable(""), "");
}

}  // namespace
}  // namespace keytrail
