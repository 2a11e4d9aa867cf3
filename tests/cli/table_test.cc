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

TEST(TableTest, WhatIsEmptyHasItsNameInAnAnswersFieldsToo) {
  EXPECT_EQ(format_json(R"({"entity": ""})", {"", {{"entity", "entity", "(root)"}}}),
            "entity  (root)\n");
}

TEST(TableTest, AListInAListGivesARowEach) {
  EXPECT_EQ(format_json(R"({"providers": [
                {"provider": "p", "status": "red", "servers": [{"server": "a", "status": "green"},
                                                               {"server": "b", "status": "red"}]},
                {"provider": "q", "status": "grey", "servers": []}]})",
                        {"providers",
                         {{"PROVIDER", "provider"}, {"SERVER", "server"}, {"STATUS", "status"}},
                         "servers"}),
            "PROVIDER  SERVER  STATUS\n"
            "p         a       green\n"
            "p         b       red\n"
            "q         -       grey\n");
}

TEST(TableTest, APathThroughAListGivesAllItsValues) {
  EXPECT_EQ(format_json(R"({"members": [{"name": "a"}, {"name": "b"}], "pem": "long"})",
                        {"", {{"members", "members.name"}}}),
            "members  a, b\n");
}

TEST(TableTest, AnEmptyCellSaysWhatEmptyMeans) {
  EXPECT_EQ(format_json(R"({"x": [{"entity": ""}, {"entity": "vm-1"}]})",
                        {"x", {{"ENTITY", "entity", "(root)"}}}),
            "ENTITY\n(root)\nvm-1\n");
}

TEST(TableTest, TablesStandBelowEachOtherEachUnderItsTitleThoughItIsEmpty) {
  EXPECT_EQ(format_json(R"({"users": ["u"], "groups": []})",
                        {"users", {{"USER", ""}}, "", {{"groups", {{"GROUP", "group"}}}}}),
            "USER\nu\n\nGROUP\nnone\n");
}

TEST(TableTest, AnAnswerWithoutAListShowsItsFields) {
  EXPECT_EQ(format_json(R"({"vm": "vm-1", "key": null})", {}), "vm   vm-1\nkey  -\n");
}

}  // namespace
}  // namespace keytrail::cli
