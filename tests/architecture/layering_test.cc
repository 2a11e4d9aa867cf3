#include <gmock/gmock.h>

#include "tests/architecture/layers.h"

namespace keytrail::architecture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const SourceTree& project() {
  static const SourceTree kTree = read_tree(KEYTRAIL_SOURCE_DIR);
  return kTree;
}

TEST(LayeringTest, EveryIncludeFollowsTheTable) {
  EXPECT_GT(project().size(), 100u);
  EXPECT_THAT(breaches_of_layers(project()), IsEmpty());
}

TEST(LayeringTest, NoFileReachesASiblingOrLeavesItsModelHoweverIndirectly) {
  EXPECT_THAT(breaches_of_reach(project()), IsEmpty());
}

TEST(LayeringTest, LibrariesOfOthersStayInTheFilesThatUseThem) {
  EXPECT_THAT(breaches_of_third_parties(project()), IsEmpty());
}

TEST(LayeringTest, TheTableHasNoCycle) {
  // Each row's folders stand above it, or can be put there: repeatedly take away what includes
  // nothing left.
  std::vector<Layer> left = layers();
  for (bool moved = true; moved && !left.empty();) {
    moved =
        std::erase_if(left, [&](const Layer& layer) {
          return std::none_of(left.begin(), left.end(), [&](const Layer& other) {
            return std::count(layer.may_include.begin(), layer.may_include.end(), other.folder) > 0;
          });
        }) > 0;
  }
  EXPECT_THAT(left, IsEmpty());
}

// --- each check can fail -------------------------------------------------------------------------

TEST(LayeringCheckTest, AnIncludeThatTheTableDoesNotNameIsNamed) {
  EXPECT_THAT(breaches_of_layers({{"kms/model/a.cc", "// x\n#include \"bus/wire/socket.h\"\n"}}),
              ElementsAre("kms/model/a.cc:2 includes bus/wire/socket.h: "
                          "kms/model may not include bus/wire"));
  EXPECT_THAT(breaches_of_layers({{"kms/model/a.cc",
                                   "#include \"kms/model/a.h\"\n"
                                   "#include \"bus/events/fact.h\"\n"}}),
              IsEmpty());
}

TEST(LayeringCheckTest, ANewFolderNeedsARow) {
  EXPECT_THAT(breaches_of_layers({{"kms/extra/a.cc", ""}}), ElementsAre(HasSubstr("no row")));
}

TEST(LayeringCheckTest, NothingIncludesTheProgramOrItsTests) {
  EXPECT_THAT(breaches_of_layers({{"replay/tool/a.cc", "#include \"cli/config.h\"\n"},
                                  {"cli/main.cc", "#include \"tests/support/chain.h\"\n"}}),
              SizeIs(2));
  EXPECT_THAT(breaches_of_layers({{"cli/main.cc", "#include \"cli/up/up.h\"\n"},
                                  {"tests/a/b.cc", "#include \"cli/config.h\"\n"}}),
              IsEmpty());
}

TEST(LayeringCheckTest, ASiblingIsFoundThroughAnotherFile) {
  const SourceTree tree = {{"vcenter/service/a.cc", "#include \"bus/wire/b.h\"\n"},
                           {"bus/wire/b.h", "#include \"esxi/model/c.h\"\n"},
                           {"esxi/model/c.h", ""}};
  EXPECT_THAT(breaches_of_reach(tree),
              testing::UnorderedElementsAre(
                  testing::AllOf(HasSubstr("vcenter/service/a.cc reaches esxi/model/c.h"),
                                 HasSubstr("never in code")),
                  HasSubstr("the bus knows no part")));
}

TEST(LayeringCheckTest, AModelThatReachesASocketIsFound) {
  const SourceTree tree = {{"esxi/model/a.h", "#include \"bus/events/b.h\"\n"},
                           {"bus/events/b.h", "#include \"bus/wire/socket.h\"\n"}};
  EXPECT_THAT(breaches_of_reach(tree), ElementsAre(HasSubstr("a model is pure")));
}

TEST(LayeringCheckTest, ALibraryInAHeaderOrInAnotherFolderIsFound) {
  EXPECT_THAT(
      breaches_of_third_parties({{"bus/wire/a.h", "#include <zmq.hpp>\n"},
                                 {"bus/wire/b.cc", "#include <zmq.hpp>\n"},
                                 {"kms/model/c.cc", "#include <rocksdb/db.h>\n"},
                                 {"kms/model/d.cc", "#include <sys/stat.h>\n#include <map>\n"},
                                 {"bus/events/e.h", "#include \"bus/events/event.capnp.h\"\n"}}),
      ElementsAre(HasSubstr("bus/events/e.h:1"), HasSubstr("bus/wire/a.h:1"),
                  HasSubstr("kms/model/c.cc:1")));
}

}  // namespace
}  // namespace keytrail::architecture
