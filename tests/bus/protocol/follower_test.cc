#include "bus/protocol/follower.h"

#include <gtest/gtest.h>

#include "tests/support/chain.h"

namespace keytrail::protocol {
namespace {

constexpr TimeNs kMs = 1'000'000;
constexpr TopicSet kKmsAndVcenter = topic_bit(Topic::kKmsChange) | topic_bit(Topic::kVcenterChange);

using Positions = std::vector<Position>;

Positions positions_of(const std::vector<FollowedFact>& facts) {
  Positions positions;
  for (const FollowedFact& fact : facts) positions.push_back(fact.position);
  return positions;
}

class FollowerTest : public testing::Test {
 protected:
  // 1 kms, 2 vcenter, 3 esxi, 4 kms, 5 kms note, 6 vcenter, …: a log of mixed authors.
  FollowerTest() { grow(6); }

  void grow(int facts) {
    for (int i = 0; i < facts; ++i) {
      switch (chain_.head() % 6) {
        case 0:
        case 3:
          chain_.add("kms/kms-1", Effect::kChange);
          break;
        case 1:
        case 5:
          chain_.add("vcenter/vc-1", Effect::kChange);
          break;
        case 2:
          chain_.add("esxi/host-1", Effect::kChange);
          break;
        default:
          chain_.add("kms/kms-2", Effect::kNote);
      }
    }
  }

  Follower follower(Known known = {}, Position after = 0) {
    return Follower({.topics = kKmsAndVcenter, .log_lost_ms = 1000}, known, after);
  }
  void connect(Follower& follower, Position head) {
    follower.on_connected(now_);
    EXPECT_TRUE(follower.take_outputs().say_hello);
    follower.on_welcome(1, head, now_);
    EXPECT_TRUE(follower.take_outputs().subscribe);
  }
  ReadAnswer answer(const ReadRequest& request, Position head) const {
    const Position through = std::min(request.after + request.limit, request.until);
    return {chain_.facts(request.topics, request.after + 1, through), {}, through, head};
  }
  void batch(Follower& follower, Position first, Position last,
             TopicSet topics = kKmsAndVcenter) const {
    for (const Topic topic : {Topic::kKmsChange, Topic::kVcenterChange}) {
      const BatchHeader header = chain_.header(topic, first, last);
      if ((header.topics & topics & topic_bit(topic)) == 0) continue;
      follower.on_batch(topic, header, chain_.facts(topic_bit(topic), first, last), now_);
    }
  }
  // Live at the chain's head.
  void catch_up(Follower& follower) {
    connect(follower, chain_.head());
    follower.on_head(chain_.head_at(chain_.head()), now_);
    const auto outputs = follower.take_outputs();
    if (outputs.read) follower.on_read(answer(*outputs.read, chain_.head()), now_);
    (void)follower.take_outputs();
    ASSERT_EQ(follower.state(), FollowState::kLive);
    ASSERT_EQ(follower.followed(), chain_.head());
  }

  test::Chain chain_;
  TimeNs now_ = 1'000'000 * kMs;
};

TEST_F(FollowerTest, ReadsUpToTheFirstHeadAndIsLive) {
  Follower f = follower();
  connect(f, 6);
  EXPECT_EQ(f.state(), FollowState::kCatchingUp);
  EXPECT_EQ(f.take_outputs().read, std::nullopt) << "not before the first head";
  f.on_head(chain_.head_at(6), now_);
  auto outputs = f.take_outputs();
  ASSERT_TRUE(outputs.read);
  EXPECT_EQ(*outputs.read, (ReadRequest{0, 6, 4096, kKmsAndVcenter}));
  f.on_read(answer(*outputs.read, 6), now_);
  outputs = f.take_outputs();
  EXPECT_EQ(positions_of(outputs.apply), (Positions{1, 2, 4, 6}));
  EXPECT_EQ(outputs.state, FollowState::kLive);
  EXPECT_EQ(f.followed(), 6U);
  EXPECT_EQ(f.known(), chain_.known_at(6));
}

TEST_F(FollowerTest, ReadsInPieces) {
  Follower f({.topics = kKmsAndVcenter, .read_limit = 4}, {}, 0);
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  auto outputs = f.take_outputs();
  f.on_read(answer(*outputs.read, 6), now_);
  outputs = f.take_outputs();
  ASSERT_TRUE(outputs.read);
  EXPECT_EQ(outputs.read->after, 4U);
  f.on_read(answer(*outputs.read, 6), now_);
  EXPECT_EQ(f.state(), FollowState::kLive);
}

TEST_F(FollowerTest, LiveBatchesAreBufferedWhileItReadsAndDuplicatesDropped) {
  Follower f = follower();
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  const auto read = f.take_outputs().read;
  batch(f, 4, 6);  // Also in the read's answer.
  grow(6);
  batch(f, 7, 9);
  batch(f, 10, 12);
  EXPECT_TRUE(f.take_outputs().apply.empty());
  f.on_read(answer(*read, 6), now_);
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{1, 2, 4, 6, 7, 8, 10, 12}));
  EXPECT_EQ(f.followed(), 12U);
  EXPECT_EQ(f.state(), FollowState::kLive);
}

TEST_F(FollowerTest, TopicsOfOneBatchAreMergedByPositionWhenAllAreThere) {
  Follower f = follower();
  catch_up(f);
  grow(6);
  batch(f, 7, 12, topic_bit(Topic::kKmsChange));
  EXPECT_TRUE(f.take_outputs().apply.empty());
  EXPECT_EQ(f.followed(), 6U);
  batch(f, 7, 12, topic_bit(Topic::kVcenterChange));
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{7, 8, 10, 12}));
  EXPECT_EQ(f.followed(), 12U);
}

TEST_F(FollowerTest, ALostBatchOfAnotherTopicIsNoticedAndRead) {
  Follower f = follower();
  catch_up(f);
  grow(4);           // 7 kms, 8 vcenter, 9 esxi, 10 kms
  batch(f, 10, 10);  // 7-9 were lost; this one is of kms alone.
  auto outputs = f.take_outputs();
  EXPECT_TRUE(outputs.apply.empty());
  ASSERT_TRUE(outputs.read);
  EXPECT_EQ(outputs.read->after, 6U);
  EXPECT_EQ(outputs.read->until, 9U);
  EXPECT_EQ(outputs.state, FollowState::kCatchingUp);
  f.on_read(answer(*outputs.read, 10), now_);
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{7, 8, 10}));
  EXPECT_EQ(f.state(), FollowState::kLive);
}

TEST_F(FollowerTest, ABatchLostInPartIsReadOnceAHeadPassesIt) {
  Follower f = follower();
  catch_up(f);
  grow(6);
  batch(f, 7, 12, topic_bit(Topic::kKmsChange));
  f.on_head(chain_.head_at(12), now_);
  const auto read = f.take_outputs().read;
  ASSERT_TRUE(read);
  f.on_read(answer(*read, 12), now_);
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{7, 8, 10, 12}));
}

TEST_F(FollowerTest, AHeadWithNothingNewMovesTheFollowedPosition) {
  Follower f = follower();
  catch_up(f);
  chain_.add("esxi/host-1", Effect::kChange);  // 7: not followed
  f.on_head(chain_.head_at(7), now_);
  EXPECT_EQ(f.followed(), 7U);
  EXPECT_EQ(f.known().position, 7U) << "a head tells its leaf";
  chain_.add("kms/kms-2", Effect::kNote);
  f.on_head_answer(chain_.head_at(8), now_);
  EXPECT_EQ(f.followed(), 8U);
  chain_.add("kms/kms-2", Effect::kChange);
  f.on_head_answer(chain_.head_at(9), now_);
  EXPECT_EQ(f.followed(), 8U) << "its batch is on its way";
  EXPECT_EQ(f.take_outputs().read, std::nullopt);
}

TEST_F(FollowerTest, SilenceIsLostAndAHeadFindsItAgain) {
  Follower f = follower();
  catch_up(f);
  f.tick(now_ + 999 * kMs);
  EXPECT_EQ(f.state(), FollowState::kLive);
  f.tick(now_ + 1001 * kMs);
  auto outputs = f.take_outputs();
  EXPECT_EQ(outputs.state, FollowState::kLost);
  EXPECT_TRUE(outputs.say_hello) << "it asks again";
  grow(1);
  f.on_head(chain_.head_at(7), now_ + 1002 * kMs);
  EXPECT_EQ(f.state(), FollowState::kCatchingUp);
  outputs = f.take_outputs();
  ASSERT_TRUE(outputs.read);
  f.on_read(answer(*outputs.read, 7), now_);
  EXPECT_EQ(f.state(), FollowState::kLive);
}

TEST_F(FollowerTest, AReadThatIsNeverAnsweredIsAskedAgain) {
  Follower f = follower();
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  EXPECT_TRUE(f.take_outputs().read);
  f.on_head(chain_.head_at(6), now_ + 900 * kMs);
  EXPECT_FALSE(f.take_outputs().read);
  f.tick(now_ + 1001 * kMs);
  EXPECT_TRUE(f.take_outputs().read);
}

TEST_F(FollowerTest, ReconnectsFromWhereItWas) {
  Follower f = follower();
  catch_up(f);
  f.on_disconnected();
  EXPECT_EQ(f.state(), FollowState::kCatchingUp);
  grow(6);
  connect(f, 12);
  f.on_head(chain_.head_at(12), now_);
  const auto read = f.take_outputs().read;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->after, 6U);
  f.on_read(answer(*read, 12), now_);
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{7, 8, 10, 12}));
}

TEST_F(FollowerTest, AttachmentsComeWithTheirFacts) {
  Follower f({.topics = kKmsAndVcenter | topic_bit(Topic::kKmsSealed)}, {}, 0);
  catch_up(f);
  grow(1);
  BatchHeader header = chain_.header(Topic::kKmsChange, 7, 7);
  header.topics = static_cast<TopicSet>(header.topics | topic_bit(Topic::kKmsSealed));
  f.on_sealed(header, {{7, 0, {AttachmentKind::kSealed, {1, 2}}}}, now_);
  EXPECT_TRUE(f.take_outputs().apply.empty());
  f.on_batch(Topic::kKmsChange, header, chain_.facts(topic_bit(Topic::kKmsChange), 7, 7), now_);
  const auto apply = f.take_outputs().apply;
  ASSERT_EQ(apply.size(), 1U);
  EXPECT_EQ(apply[0].attachments, (std::vector<Attachment>{{AttachmentKind::kSealed, {1, 2}}}));
}

TEST_F(FollowerTest, AChangeWithoutItsSealedAttachmentsIsNotGiven) {
  Follower f({.topics = kKmsAndVcenter | topic_bit(Topic::kKmsSealed)}, {}, 0);
  catch_up(f);
  grow(1);
  BatchHeader header = chain_.header(Topic::kKmsChange, 7, 7);
  header.topics = static_cast<TopicSet>(header.topics | topic_bit(Topic::kKmsSealed));
  f.on_batch(Topic::kKmsChange, header, chain_.facts(topic_bit(Topic::kKmsChange), 7, 7), now_);
  EXPECT_TRUE(f.take_outputs().apply.empty());
  f.on_head(chain_.head_at(7), now_);
  EXPECT_TRUE(f.take_outputs().read);
}

TEST_F(FollowerTest, ALogThatWasCutIsRefused) {
  Follower f = follower(chain_.known_at(6), 6);
  f.on_connected(now_);
  EXPECT_TRUE(f.take_outputs().say_hello);
  EXPECT_EQ(f.known(), chain_.known_at(6));
  f.on_welcome(1, 5, now_);
  const auto outputs = f.take_outputs();
  ASSERT_TRUE(outputs.forked);
  EXPECT_NE(outputs.forked->find("position 6 was seen here, the head is 5"), std::string::npos);
  EXPECT_FALSE(outputs.subscribe);
}

// Found by the simulation: seed 739.
TEST_F(FollowerTest, AWelcomeThatWasOvertakenByLiveFactsIsNoCut) {
  Follower f = follower();
  catch_up(f);
  f.tick(now_ + 1001 * kMs);
  EXPECT_TRUE(f.take_outputs().say_hello) << "nothing was heard: it asks again, with 6";
  grow(1);
  f.on_head(chain_.head_at(6), now_ + 1002 * kMs);
  batch(f, 7, 7);
  EXPECT_EQ(f.known().position, 7U);
  f.on_welcome(1, 6, now_ + 1003 * kMs);  // The answer, of before 7.
  EXPECT_FALSE(f.take_outputs().forked);
}

TEST_F(FollowerTest, AnOlderGenerationIsRefusedANewerOneIsGreetedAgain) {
  Known known = chain_.known_at(6);
  known.generation = 3;
  Follower old = follower(known, 6);
  old.on_connected(now_);
  old.on_welcome(2, 10, now_);
  EXPECT_TRUE(old.take_outputs().forked);

  Follower f = follower();
  catch_up(f);
  Head newer = chain_.head_at(6);
  newer.generation = 2;
  f.on_head(newer, now_);
  auto outputs = f.take_outputs();
  EXPECT_TRUE(outputs.say_hello);
  EXPECT_FALSE(outputs.forked);
  f.on_welcome(2, 6, now_);
  f.on_head(newer, now_);
  EXPECT_EQ(f.state(), FollowState::kLive);
  EXPECT_EQ(f.known().generation, 2U);
  f.on_head(chain_.head_at(6), now_);  // generation 1 again
  EXPECT_TRUE(f.take_outputs().forked);
}

TEST_F(FollowerTest, ARewrittenFactIsRefused) {
  Known known = chain_.known_at(4);
  known.leaf[0] ^= 1;
  Follower f = follower(known, 0);  // folds anew, and passes 4 on its way
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  const auto read = f.take_outputs().read;
  f.on_read(answer(*read, 6), now_);
  const auto outputs = f.take_outputs();
  ASSERT_TRUE(outputs.forked);
  EXPECT_EQ(positions_of(outputs.apply), (Positions{1, 2}));
}

TEST_F(FollowerTest, AHeadMakesAWitnessOfNotesThatAreNotFollowed) {
  Follower f = follower();
  catch_up(f);
  grow(5);  // 11 is a note of kms.
  f.on_head(chain_.head_at(11), now_);
  EXPECT_EQ(f.known(), chain_.known_at(11));
  f.on_head(chain_.head_at(6), now_);  // An answer that was on its way.
  EXPECT_EQ(f.known(), chain_.known_at(11));
  f.on_disconnected();
  connect(f, 11);
  f.on_disconnected();
  f.on_connected(now_);
  (void)f.take_outputs();
  f.on_welcome(1, 10, now_);
  EXPECT_TRUE(f.take_outputs().forked) << "the note was cut off";
}

TEST_F(FollowerTest, AnAcknowledgementMakesAWitnessOfOnesOwnNotes) {
  Follower f = follower();
  catch_up(f);
  grow(5);
  f.on_acks(
      {{.outcome = AppendOutcome::kConflict},
       {.outcome = AppendOutcome::kAccepted, .first = 10, .count = 2, .leaf = chain_.at(11).leaf}});
  EXPECT_EQ(f.known(), chain_.known_at(11));
  EXPECT_EQ(f.followed(), 6U);
}

TEST_F(FollowerTest, AHeadOfAnotherHistoryIsRefused) {
  Follower f = follower();
  catch_up(f);
  Head other = chain_.head_at(6);
  other.leaf[0] ^= 1;
  f.on_head(other, now_);
  EXPECT_TRUE(f.take_outputs().forked);
}

TEST_F(FollowerTest, WhatTheProcessBeforeSawIsCheckedThoughTheHeadIsFurther) {
  Known known = chain_.known_at(4);
  known.leaf[0] ^= 1;
  Follower f = follower(known, 0);
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  EXPECT_EQ(f.known().position, 6U);
  const auto read = f.take_outputs().read;
  f.on_read(answer(*read, 6), now_);
  EXPECT_TRUE(f.take_outputs().forked);
}

TEST_F(FollowerTest, ABrokenChainBetweenNeighboursIsRefused) {
  Follower f = follower();
  catch_up(f);
  test::Chain other;  // The same positions, another history.
  for (int i = 0; i < 7; ++i) other.add("kms/kms-9", Effect::kChange, 5);
  BatchHeader header = chain_.header(Topic::kKmsChange, 6, 6);
  header.first = header.last = 7;
  header.topics = topic_bit(Topic::kKmsChange);
  header.before = chain_.last_through(6);
  f.on_batch(Topic::kKmsChange, header, {other.at(7).fact}, now_);
  const auto outputs = f.take_outputs();
  ASSERT_TRUE(outputs.forked);
  EXPECT_TRUE(outputs.apply.empty());
}

TEST_F(FollowerTest, AFullBufferIsReadInsteadOfGrowing) {
  Follower f({.topics = kKmsAndVcenter, .buffered_batches_max = 1}, {}, 0);
  connect(f, 6);
  f.on_head(chain_.head_at(6), now_);
  const auto read = f.take_outputs().read;
  grow(6);
  batch(f, 7, 9);
  batch(f, 10, 12);  // Dropped.
  f.on_read(answer(*read, 6), now_);
  const auto outputs = f.take_outputs();
  EXPECT_EQ(positions_of(outputs.apply), (Positions{1, 2, 4, 6, 7, 8}));
  ASSERT_TRUE(outputs.read);
  EXPECT_EQ(outputs.read->after, 9U);
  f.on_read(answer(*outputs.read, 12), now_);
  EXPECT_EQ(positions_of(f.take_outputs().apply), (Positions{10, 12}));
}

}  // namespace
}  // namespace keytrail::protocol
