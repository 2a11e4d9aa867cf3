#include "cli/table.h"

#include <gtest/gtest.h>

namespace keytrail::cli {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(format_table({"A", "LONGER"}, {{"wide cell", "x"}, {"y"}}),
            "A          LONGER\nwide cell  x\ny\n");
}

TEST(TableTest, ControlCharactersCannotMoveTheCursor) {
  EXPECT_EQ(format_table({}, {{"a\x1b[2Jb\n"}}), "a?[2Jb?\n");
}

TEST(TableTest, AListOfAnAnswerBecomesATable) {
  EXPECT_EQ(format_json(
                R"({"vms": [{"vm": "vm-1", "key": {"provider": "p", "id": "k"}, "on": true}]})",
                {"vms",
                 {{"VM", "vm"}, {"KEY", "key"}, {"ID", "key.id"}, {"ON", "on"}, {"NONE", "none"}}}),
            "VM    KEY  ID  ON   NONE\nvm-1  p/k  k   yes  -\n");
}

TEST(TableTest, AnAnswerWithoutAListShowsItsFields) {
  EXPECT_EQ(format_json(R"({"vm": "vm-1", "key": null})", {}), "vm   vm-1\nkey  -\n");
}

}  // namespace
}  // namespace keytrail::cli
