// One suite for every implementation of EventLog.
#include <gtest/gtest.h>

#include "eventstore/log/rocks_log.h"
#include "tests/support/chained_facts.h"
#include "tests/support/memory_event_log.h"
#include "tests/support/temp_folder.h"

namespace keytrail::eventstore {
namespace {

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<EventLog>(const testing::TempFolder&)> make;
};

class EventLogContract : public ::testing::TestWithParam<Implementation> {
 protected:
  EventLogContract() : log_(GetParam().make(folder_)), facts_(*log_) {}

  [[nodiscard]] std::vector<Position> read(Position after, Position until) const {
    std::vector<Position> positions;
    const auto result = log_->read(after, until, [&](Position position, ByteView stamp, ByteView) {
      EXPECT_EQ(position_of(stamp), position);
      positions.push_back(position);
      return true;
    });
    EXPECT_TRUE(result.ok());
    return positions;
  }
  [[nodiscard]] static std::vector<Position> range(Position first, Position last) {
    std::vector<Position> positions;
    for (Position position = first; position <= last; ++position) positions.push_back(position);
    return positions;
  }

  testing::TempFolder folder_;
  std::unique_ptr<EventLog> log_;
  testing::ChainedFacts facts_;
};

TEST_P(EventLogContract, AnEmptyLogEndsAtItsGenesis) {
  EXPECT_EQ(log_->end(), (LogEnd{.position = 0, .leaf = genesis_of(log_->id())}));
  EXPECT_EQ(log_->generation(), 1U);
  EXPECT_TRUE(read(0, 100).empty());
}

TEST_P(EventLogContract, WhatWasAppendedIsReadInOrderFromAnyPositionToAny) {
  for (const std::size_t batch : {1UL, 63UL, 64UL, 65UL, 200UL}) facts_.fill(*log_, batch, batch);
  const Position head = 1 + 63 + 64 + 65 + 200;
  ASSERT_EQ(log_->end(), (LogEnd{.position = head, .leaf = facts_.leaf()}));
  EXPECT_EQ(read(0, head), range(1, head));
  EXPECT_EQ(read(0, head + 1000), range(1, head));
  for (const Position after : {1UL, 63UL, 64UL, 65UL, 128UL, 192UL, 300UL, 392UL}) {
    EXPECT_EQ(read(after, after + 1), range(after + 1, after + 1));
    EXPECT_EQ(read(after, head), range(after + 1, head)) << after;
  }
  EXPECT_TRUE(read(head, head).empty());
  EXPECT_TRUE(read(head + 5, head + 9).empty());
}

TEST_P(EventLogContract, TheVisitorMayStop) {
  facts_.fill(*log_, 100, 100);
  int visited = 0;
  ASSERT_TRUE(log_->read(10, 90, [&](Position, ByteView, ByteView) { return ++visited < 3; }).ok());
  EXPECT_EQ(visited, 3);
}

TEST_P(EventLogContract, BytesComeBackAsTheyWere) {
  facts_.begin();
  facts_.add("alice");
  const Bytes sent = to_bytes(facts_.log_batch().facts);
  ASSERT_TRUE(log_->append(facts_.log_batch()).ok());
  Bytes got;
  ASSERT_TRUE(log_->read(0, 1,
                         [&](Position, ByteView stamp, ByteView body) {
                           protocol::append_fact(got, stamp, body);
                           return true;
                         })
                  .ok());
  EXPECT_EQ(got, sent);
}

TEST_P(EventLogContract, AttachmentsBelongToTheirFact) {
  const Attachment clear{AttachmentKind::kClear, {1, 2, 3}};
  const Attachment sealed{AttachmentKind::kSealed, Bytes(kAttachmentBytesMax, 7)};
  const Attachment empty{AttachmentKind::kClear, {}};
  facts_.begin();
  facts_.add("none");
  facts_.add("two", {clear, sealed});
  facts_.add("one", {empty});
  ASSERT_TRUE(log_->append(facts_.log_batch()).ok());
  EXPECT_TRUE(log_->attachments(1, 0).value().empty());
  EXPECT_EQ(log_->attachments(2, 2).value(), (std::vector{clear, sealed}));
  EXPECT_EQ(log_->attachments(3, 1).value(), std::vector{empty});
  EXPECT_TRUE(log_->attachments(4, 0).value().empty());
  EXPECT_EQ(log_->attachments(4, 1).error().code, ErrorCode::kCorrupt) << "one is said to be there";

  std::vector<std::pair<Position, std::uint32_t>> visited;
  const auto visit = [&](const AttachmentRow& row) {
    visited.emplace_back(row.position, row.index);
  };
  ASSERT_TRUE(log_->read_attachments(0, 2, visit).ok());
  EXPECT_EQ(visited, (std::vector<std::pair<Position, std::uint32_t>>{{2, 0}, {2, 1}}));
  ASSERT_TRUE(log_->read_attachments(2, 100, visit).ok());
  EXPECT_EQ(visited.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(
    , EventLogContract,
    ::testing::Values(Implementation{"Memory",
                                     [](const testing::TempFolder&) {
                                       return std::make_unique<testing::MemoryEventLog>(LogId{1});
                                     }},
                      Implementation{
                          "RocksDb",
                          [](const testing::TempFolder& folder) -> std::unique_ptr<EventLog> {
                            OsRandom random;
                            auto log = RocksLog::open(folder.file("db"), random);
                            KEYTRAIL_CHECK(log.ok());
                            return std::move(log).value();
                          }}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace keytrail::eventstore
