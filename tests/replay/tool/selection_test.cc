#include "replay/tool/selection.h"

#include <gmock/gmock.h>

namespace keytrail::replay {
namespace {

using testing::HasSubstr;

constexpr TimeNs kSecond = 1'000'000'000;
constexpr TimeNs kNow = 1'795'507'200 * kSecond;  // 2026-11-24T08:00:00Z

TEST(SelectionTest, ReadsEveryFormOfFrom) {
  EXPECT_EQ(from_text("start", kNow).value(), (From{.kind = FromKind::kStart}));
  EXPECT_EQ(from_text("end", kNow).value(), (From{.kind = FromKind::kEnd}));
  EXPECT_EQ(from_text("17", kNow).value(), (From{.kind = FromKind::kPosition, .position = 17}));
  EXPECT_EQ(from_text("-5", kNow).value(), (From{.kind = FromKind::kLast, .position = 5}));
  EXPECT_EQ(from_text("@2026-11-24T08:00:00Z", 0).value(),
            (From{.kind = FromKind::kTime, .time = kNow}));
  EXPECT_EQ(from_text("@-1h", kNow).value(),
            (From{.kind = FromKind::kTime, .time = kNow - 3600 * kSecond}));
  EXPECT_EQ(from_text("@-999d", kSecond).value(), (From{.kind = FromKind::kTime, .time = 0}));
}

TEST(SelectionTest, ReadsEveryFormOfUntil) {
  EXPECT_EQ(until_text("end", kNow).value(), (Until{.kind = UntilKind::kEnd}));
  EXPECT_EQ(until_text("caught-up", kNow).value(), (Until{.kind = UntilKind::kCaughtUp}));
  EXPECT_EQ(until_text("9", kNow).value(), (Until{.kind = UntilKind::kPosition, .position = 9}));
  EXPECT_EQ(until_text("@-2m", kNow).value(),
            (Until{.kind = UntilKind::kTime, .time = kNow - 120 * kSecond}));
}

TEST(SelectionTest, AMomentMayBeATimeWithoutTheSign) {
  EXPECT_EQ(moment_text("2026-11-24T08:00:00Z", 0).value(),
            (Until{.kind = UntilKind::kTime, .time = kNow}));
  EXPECT_EQ(moment_text("12", 0).value(), (Until{.kind = UntilKind::kPosition, .position = 12}));
}

TEST(SelectionTest, WhatItDoesNotUnderstandIsNamedWithTheForms) {
  for (const char* text : {"", "-", "@", "@-", "@-1", "@-1w", "@-h", "@yesterday", "1x", "--1",
                           "+1", "18446744073709551616", "@-18446744073709551615d", "\x1b[2J"}) {
    const auto from = from_text(text, kNow);
    ASSERT_FALSE(from.ok()) << text;
    EXPECT_THAT(from.error().detail, HasSubstr("--from takes start, end, N"));
    EXPECT_EQ(from.error().detail.find('\x1b'), std::string::npos);
    EXPECT_FALSE(until_text(text, kNow).ok()) << text;
    EXPECT_FALSE(moment_text(text, kNow).ok()) << text;
  }
}

TEST(SelectionTest, WhatCanNeverSelectAFactIsRefusedNotReadInSilence) {
  SelectionTexts backwards;
  backwards.from = "5";
  backwards.until = "3";
  EXPECT_THAT(selection_of(backwards, kNow).error().detail, HasSubstr("lies before --from 5"));
  SelectionTexts no_action;
  no_action.filter.actions = {"zz"};
  EXPECT_THAT(selection_of(no_action, kNow).error().detail, HasSubstr("--action takes"));
  SelectionTexts beginning_of_an_action;
  beginning_of_an_action.filter.actions = {"7f"};
  EXPECT_TRUE(selection_of(beginning_of_an_action, kNow).ok());
}

// A key server's facts name a key without the provider that vCenter has it from.
TEST(SelectionTest, AKeyOfAProviderIsAlsoTheKeyAlone) {
  SelectionTexts texts;
  texts.filter.keys = {"prod/k-1", "k-2"};
  const auto selection = selection_of(texts, 0);
  ASSERT_TRUE(selection.ok());
  EXPECT_EQ(selection->filter.keys, (std::vector<std::string>{"prod/k-1", "k-2", "k-1"}));
}

TEST(SelectionTest, AFilterBeyondItsCapsIsRefused) {
  SelectionTexts texts;
  texts.filter.outcomes = {"excellent"};
  EXPECT_FALSE(selection_of(texts, kNow).ok());
}

Fact fact_at(Position position) {
  return {
      Stamp{.position = position, .time = position * kSecond, .author = "part/x", .previous = {}},
      Body{.stream = "part/x/any",
           .user = {},
           .origin = {},
           .action = {},
           .attachments = {},
           .event = part::Event(part::PartStopped{})}};
}

std::vector<Position> taken(const SelectionTexts& texts, Position head) {
  Selector selector(selection_of(texts, 100 * kSecond).value(), head);
  std::vector<Position> positions;
  for (Position at = selector.after() + 1; at <= head; ++at) {
    const Fact fact = fact_at(at);
    const auto verdict = selector.look(fact, facets_of(fact.body));
    if (verdict == Selector::Verdict::kStop) break;
    if (verdict == Selector::Verdict::kTake) positions.push_back(at);
    if (selector.done_at(at)) break;
  }
  return positions;
}

TEST(SelectorTest, TakesWhatLiesBetween) {
  EXPECT_EQ(taken({.from = "start"}, 3), (std::vector<Position>{1, 2, 3}));
  EXPECT_EQ(taken({.from = "end"}, 3), (std::vector<Position>{}));
  EXPECT_EQ(taken({.from = "2"}, 3), (std::vector<Position>{2, 3}));
  EXPECT_EQ(taken({.from = "0"}, 2), (std::vector<Position>{1, 2}));
  EXPECT_EQ(taken({.from = "-2"}, 5), (std::vector<Position>{4, 5}));
  EXPECT_EQ(taken({.from = "-9"}, 2), (std::vector<Position>{1, 2}));
  EXPECT_EQ(taken({.from = "2", .until = "3"}, 5), (std::vector<Position>{2, 3}));
  EXPECT_EQ(taken({.from = "@-97s", .until = "@-96s"}, 5), (std::vector<Position>{3, 4}));
  EXPECT_EQ(taken({.from = "2", .count = 2}, 5), (std::vector<Position>{2, 3}));
  EXPECT_EQ(taken({.filter = {.vms = {"vm-1"}}}, 5), (std::vector<Position>{}));
}

}  // namespace
}  // namespace keytrail::replay
