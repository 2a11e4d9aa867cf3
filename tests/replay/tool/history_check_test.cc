#include "replay/tool/history_check.h"

#include <gmock/gmock.h>

#include "tests/replay/tool/memory_source.h"

namespace keytrail::replay {
namespace {

using testing::HasSubstr;

MemorySource history() {
  MemorySource source;
  for (int i = 0; i < 3; ++i) {
    source.add(vcenter::Event(vcenter::UserCreated{.user = "u"}), "root", "vcenter/a");
    source.add(vcenter::Event(vcenter::LoggedIn{.user = "u"}), "u", "vcenter/a");
    source.add(vcenter::Event(vcenter::LoggedIn{.user = "u"}), "u", "vcenter/b");
  }
  return source;
}

std::optional<Breach> breach_in(MemorySource& source) {
  return check_history(source, MemorySource::log_id()).value();
}

// Changes a stamp and chains what follows again, as whoever owns the log could.
template <class Change>
void restamp(MemorySource& source, Position from, Change change) {
  Hash leaf{};
  for (Position at = from; at <= source.facts().size(); ++at) {
    StoredFact& fact = source.facts()[at - 1];
    Stamp stamp = decode_stamp(fact.stamp).value();
    if (at == from) {
      change(stamp);
    } else {
      stamp.previous = leaf;
    }
    fact.stamp = to_bytes(encode_stamp(stamp));
    leaf = leaf_of(fact.stamp, fact.body);
  }
}

TEST(HistoryCheckTest, AHistoryOfTheOrdererHolds) {
  MemorySource source = history();
  EXPECT_EQ(breach_in(source), std::nullopt);
  EXPECT_EQ(check_history(source, std::nullopt).value(), std::nullopt);
}

TEST(HistoryCheckTest, AFlippedByteIsNoticedAtTheNextFact) {
  MemorySource source = history();
  source.facts()[3].body.back() ^= 1;
  ASSERT_TRUE(breach_in(source).has_value());
  EXPECT_EQ(breach_in(source)->position, 5u);
}

TEST(HistoryCheckTest, AMissingFactAndADoubledOneAreNoticed) {
  MemorySource missing = history();
  missing.facts().erase(missing.facts().begin() + 4);
  EXPECT_THAT(breach_in(missing)->what, HasSubstr("missing or doubled"));
  MemorySource doubled = history();
  doubled.facts().insert(doubled.facts().begin() + 4, doubled.facts()[3]);
  EXPECT_THAT(breach_in(doubled)->what, HasSubstr("missing or doubled"));
}

TEST(HistoryCheckTest, AnotherLogsFactsDoNotHangOnThisLogsId) {
  MemorySource source = history();
  EXPECT_EQ(check_history(source, Bytes(16, 8)).value()->position, 1u);
}

TEST(HistoryCheckTest, ARewrittenHistoryIsNoticedThoughItsChainHolds) {
  const auto breach_after = [](Position at, auto change) {
    MemorySource source = history();
    restamp(source, at, change);
    return breach_in(source).value_or(Breach{});
  };
  EXPECT_EQ(breach_after(4, [](Stamp& s) { s.version += 1; }).position, 4u);
  EXPECT_EQ(breach_after(4, [](Stamp& s) { s.previous_in_stream = 1; }).position, 4u);
  EXPECT_EQ(breach_after(4, [](Stamp& s) { s.time = 1; }).position, 4u);
  EXPECT_EQ(breach_after(4, [](Stamp& s) { s.author_epoch = 0; }).position, 4u);
  EXPECT_EQ(breach_after(4, [](Stamp& s) { s.request = 1; }).position, 4u);
  EXPECT_EQ(breach_after(4, [](Stamp&) {}), Breach{});
}

}  // namespace
}  // namespace keytrail::replay
