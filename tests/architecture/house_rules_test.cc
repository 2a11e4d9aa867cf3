// The rules of the house that a reader can see: widths, lengths, stories, nothing left over.
#include <gmock/gmock.h>

#include "tests/architecture/source_tree.h"

namespace keytrail::architecture {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kColumnsMax = 100;
constexpr std::size_t kLinesMax = 600;
constexpr std::size_t kFunctionLinesMax = 70;

const SourceTree& project() {
  static const SourceTree kTree = read_tree(KEYTRAIL_SOURCE_DIR);
  return kTree;
}

// Characters of UTF-8.
std::size_t width_of(const std::string& line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

template <class IsBreach>
std::vector<std::string> lines_where(const SourceTree& tree, IsBreach is_breach) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    int number = 0;
    for (const std::string& line : lines_of(text)) {
      ++number;
      if (is_breach(line)) breaches.push_back(path + ":" + std::to_string(number));
    }
  }
  return breaches;
}

std::vector<std::string> wide_lines(const SourceTree& tree) {
  return lines_where(tree, [](const std::string& line) { return width_of(line) > kColumnsMax; });
}

std::vector<std::string> long_files(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    if (lines_of(text).size() > kLinesMax) breaches.push_back(path);
  }
  return breaches;
}

bool begins_no_function(const std::string& line) {
  for (const char* word :
       {"namespace", "extern", "struct", "class", "enum", "union", "//", "}", "#"}) {
    if (line.starts_with(word)) return true;
  }
  return line.ends_with("= {");
}

// A function begins at the left margin and ends with a brace there: so clang-format puts it.
std::vector<std::string> long_functions(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    const std::vector<std::string> lines = lines_of(text);
    std::size_t begin = 0;  // 1-based line of the last function's first line; 0: in none
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string& line = lines[i];
      if (line.empty() || line.front() == ' ') continue;
      if (line == "}" && begin != 0 && i + 2 - begin > kFunctionLinesMax) {
        breaches.push_back(path + ":" + std::to_string(begin));
      }
      begin = begins_no_function(line) ? 0 : i + 1;
    }
  }
  return breaches;
}

// A header opens with its story: at least one whole line of comment, then, after it, the guard.
std::vector<std::string> headers_without_story(const SourceTree& tree) {
  std::vector<std::string> breaches;
  for (const auto& [path, text] : tree) {
    if (path.back() != 'h') continue;
    const bool has_story = text.compare(0, 3, "// ") == 0 && text.find('\n') > 20;
    if (!has_story || text.find("\n#pragma once\n") == std::string::npos) breaches.push_back(path);
  }
  return breaches;
}

std::vector<std::string> leftovers(const SourceTree& tree) {
  // In two pieces, so that this file is none.
  const std::vector<std::string> marks = {std::string("FIX") + "ME", std::string("TO") + "DO",
                                          std::string("/wo") + "rk/"};
  return lines_where(tree, [&](const std::string& line) {
    return std::any_of(marks.begin(), marks.end(), [&](const std::string& mark) {
      return line.find(mark) != std::string::npos;
    });
  });
}

TEST(HouseRulesTest, NoLineIsWiderThan100Columns) { EXPECT_THAT(wide_lines(project()), IsEmpty()); }

TEST(HouseRulesTest, NoFileHasMoreThan600Lines) { EXPECT_THAT(long_files(project()), IsEmpty()); }

TEST(HouseRulesTest, NoFunctionHasMoreThan70Lines) {
  EXPECT_THAT(long_functions(project()), IsEmpty());
}

TEST(HouseRulesTest, EveryHeaderOpensWithItsStory) {
  EXPECT_THAT(headers_without_story(project()), IsEmpty());
}

TEST(HouseRulesTest, NothingIsLeftOver) { EXPECT_THAT(leftovers(project()), IsEmpty()); }

// --- each check can fail -------------------------------------------------------------------------

TEST(HouseRulesCheckTest, WidthCountsCharactersNotBytes) {
  std::string arrows;
  for (int i = 0; i < 100; ++i) arrows += "\u2192";
  EXPECT_THAT(wide_lines({{"a.h", arrows + "\n" + std::string(101, 'x')}}), ElementsAre("a.h:2"));
}

TEST(HouseRulesCheckTest, AFunctionIsMeasuredFromItsFirstLineToItsBrace) {
  std::string body;
  for (int i = 0; i < 68; ++i) body += "  x;\n";
  const std::string other = "int g() { return 0; }\n\n";
  EXPECT_THAT(long_functions({{"a.cc", other + "int f() {\n" + body + "}\n"},
                              {"b.cc", other + "int f(int a,\n      int b) {\n" + body + "}\n"},
                              {"c.cc", "namespace a {\n" + body + body + "}\n"}}),
              ElementsAre("b.cc:3"));
}

TEST(HouseRulesCheckTest, ALongFileABareHeaderAndALeftoverAreFound) {
  std::string long_text;
  for (int i = 0; i < 601; ++i) long_text += "x\n";
  EXPECT_THAT(long_files({{"a.cc", long_text}}), ElementsAre("a.cc"));
  EXPECT_THAT(headers_without_story({{"a.h", "#pragma once\n"},
                                     {"b.h", "// A thing that does something.\n#pragma once\n"},
                                     {"c.cc", "int x;\n"}}),
              ElementsAre("a.h"));
  EXPECT_THAT(leftovers({{"a.cc",
                          "int x;\n// FIX"
                          "ME\n"}}),
              ElementsAre("a.cc:2"));
}

}  // namespace
}  // namespace keytrail::architecture
