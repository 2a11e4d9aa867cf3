#include "eventstore/log/fact_rows.h"

#include <gtest/gtest.h>

#include "tests/support/chained_facts.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

constexpr Position kFacts = 3;

class FactRowsTest : public ::testing::Test {
 protected:
  FactRowsTest() {
    const testing::MemoryEventLog log(LogId{1});
    testing::ChainedFacts facts(log);
    facts.begin();
    for (Position i = 0; i < kFacts; ++i) facts.add("somebody");
    row_ = to_bytes(facts.log_batch().facts);
  }

  // How many facts were visited, and what became of it.
  std::pair<Position, Result<void>> visit(Position first) const {
    Position visited = 0;
    bool stopped = false;
    auto outcome = visit_row(
        {.first = first, .facts = row_}, 0, ~Position{0},
        [&](Position, ByteView, ByteView) {
          ++visited;
          return true;
        },
        stopped);
    return {visited, std::move(outcome)};
  }

  Bytes row_;
};

TEST_F(FactRowsTest, ARowGivesItsFacts) {
  const auto [visited, outcome] = visit(1);
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(visited, kFacts);
}

TEST_F(FactRowsTest, ALastFactThatStandsElsewhereIsDamageAndNotTheEnd) {
  const std::size_t last = row_.size() / kFacts * (kFacts - 1);
  row_[last + kFactPrefixBytes] = 200;  // The lowest byte of its position.
  const auto [visited, outcome] = visit(1);
  EXPECT_EQ(visited, kFacts - 1);
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().detail.find("position 3"), std::string::npos) << outcome.error().detail;
}

TEST_F(FactRowsTest, ARowWithoutFactsIsDamage) {
  row_.clear();
  EXPECT_FALSE(visit(1).second.ok());
}

}  // namespace
}  // namespace keytrail::eventstore
