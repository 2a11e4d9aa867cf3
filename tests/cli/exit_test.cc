#include "cli/exit.h"

#include <gtest/gtest.h>

namespace keytrail::cli {
namespace {

TEST(ExitTest, WhatHappenedAndWhatToDoAreOneSentenceInOneVoice) {
  EXPECT_EQ(sentence_of("kms-1 does not serve now: it is cut off from the log.",
                        "Ask another replica."),
            "kms-1 does not serve now: it is cut off from the log; ask another replica");
  EXPECT_EQ(sentence_of("There is no key nope."), "there is no key nope");
}

TEST(ExitTest, NamesKeepTheirLettersAndPathsTheirDots) {
  EXPECT_EQ(sentence_of("KeyReleased is a fact"), "KeyReleased is a fact");
  EXPECT_EQ(sentence_of("KMIP 2.0 is not spoken here."), "KMIP 2.0 is not spoken here");
  EXPECT_EQ(sentence_of("Noah is in admins"), "Noah is in admins");
  EXPECT_EQ(sentence_of("cannot open .."), "cannot open ..");
  EXPECT_EQ(sentence_of(""), "");
}

}  // namespace
}  // namespace keytrail::cli
