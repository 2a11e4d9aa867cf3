#include "eventstore/log/rocks_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bus/secret/ed25519.h"
#include "eventstore/log/chain.h"
#include "eventstore/log/checkpoint_file.h"
#include "eventstore/log/verify.h"
#include "tests/support/chained_facts.h"
#include "tests/support/temp_folder.h"

namespace keytrail::eventstore {
namespace {

namespace fs = std::filesystem;

class RocksLogTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<RocksLog> open(const std::string& name = "db") {
    auto log = RocksLog::open(folder_.file(name), random_);
    EXPECT_TRUE(log.ok()) << log.error().detail;
    return std::move(log).value();
  }

  // A log of `facts` facts, closed, and its checkpoint.
  proof::Checkpoint make_log(std::size_t facts) {
    const auto log = open();
    testing::ChainedFacts(*log).fill(*log, facts, 100);
    const auto checked = check_log(*log, std::nullopt,
                                   [](ByteView, ByteView, const Hash&) { return Result<void>(); });
    EXPECT_TRUE(checked.ok());
    const proof::Checkpoint checkpoint{
        .log_id = log->id(), .generation = 1, .size = facts, .root = checked->tree.root()};
    EXPECT_TRUE(
        write_checkpoint_file(folder_.file("checkpoint"), proof::sign_checkpoint(checkpoint, key_))
            .ok());
    return checkpoint;
  }

  // The files of `db` that hold facts: the write-ahead log, or tables once flushed.
  [[nodiscard]] std::vector<fs::path> files(const std::string& extension) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_.file("db"))) {
      if (entry.path().extension() == extension && entry.file_size() > 0)
        found.push_back(entry.path());
    }
    return found;
  }

  // Flips a bit in the middle of what the fact of `user` says.
  static bool flip(const fs::path& file, const std::string& text) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    const std::size_t at = content.find(text);
    if (at == std::string::npos) return false;
    stream.clear();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(content[at] ^ 1));
    return true;
  }

  [[nodiscard]] Verdict verdict() const {
    const auto result = verify_folder(folder_.file("db"), folder_.file("checkpoint"), {});
    EXPECT_TRUE(result.ok());
    return *result;
  }

  testing::TempFolder folder_;
  OsRandom random_;
  SecretBytes key_ = random_.secret(kEd25519SeedBytes);
};

TEST_F(RocksLogTest, ALogThatIsOpenedAgainEndsWhereItEnded) {
  LogId id{};
  LogEnd end;
  {
    const auto log = open();
    testing::ChainedFacts(*log).fill(*log, 130, 130);
    id = log->id();
    end = log->end();
  }
  const auto log = open();
  EXPECT_EQ(log->id(), id);
  EXPECT_EQ(log->end(), end);
  EXPECT_EQ(log->end().position, 130U);
}

TEST_F(RocksLogTest, AnAcceptedCutBeginsAGeneration) {
  {
    const auto log = open();
    ASSERT_TRUE(log->begin_generation().ok());
    EXPECT_EQ(log->generation(), 2U);
  }
  EXPECT_EQ(open()->generation(), 2U);
}

TEST_F(RocksLogTest, ALogInUseIsToldInASentence) {
  const auto log = open();
  const auto second = RocksLog::open(folder_.file("db"), random_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().detail.find("in use"), std::string::npos) << second.error().detail;
}

TEST_F(RocksLogTest, APathThatSpeaksOfLocksIsNotTakenForOne) {
  std::ofstream(folder_.file("padlock")) << "not a folder";
  const auto log = RocksLog::open(folder_.file("padlock"), random_);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().detail.find("in use"), std::string::npos) << log.error().detail;
}

TEST_F(RocksLogTest, ALogWhoseIndexIsLostIsNotBegunAnewOverItsFacts) {
  make_log(10);
  const std::vector<fs::path> facts = files(".log");
  ASSERT_FALSE(facts.empty());
  ASSERT_TRUE(fs::remove(fs::path(folder_.file("db")) / "CURRENT"));
  const auto log = RocksLog::open(folder_.file("db"), random_);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(log.error().detail.find("CURRENT is missing"), std::string::npos);
  EXPECT_EQ(files(".log"), facts);
}

TEST_F(RocksLogTest, AFolderWithoutALogHasNothingToVerify) {
  const auto result = verify_folder(folder_.file("nothing"), "", {});
  EXPECT_FALSE(result.ok());
}

TEST_F(RocksLogTest, AWholeLogVerifies) {
  const proof::Checkpoint checkpoint = make_log(10'000);
  const Verdict found = verdict();
  EXPECT_TRUE(found.whole()) << found.wrong;
  EXPECT_EQ(found.end.position, 10'000U);
  EXPECT_EQ(found.root, checkpoint.root);
  EXPECT_EQ(found.checkpoint, checkpoint);
}

TEST_F(RocksLogTest, WhoseCheckpointItIsIsSaidOnlyIfAKeyTellsIt) {
  make_log(10);
  const auto verified_with = [&](const std::optional<Bytes>& key) {
    auto found =
        verify_folder(folder_.file("db"), folder_.file("checkpoint"), {.checkpoint_key = key});
    EXPECT_TRUE(found.ok());
    return *found;
  };
  EXPECT_EQ(verified_with(std::nullopt).checkpoint_trust, CheckpointTrust::kUnknown);
  EXPECT_EQ(verified_with(ed25519_public_key(key_)).checkpoint_trust, CheckpointTrust::kSigned);
  const Verdict forged = verified_with(ed25519_public_key(random_.secret(kEd25519SeedBytes)));
  EXPECT_FALSE(forged.whole()) << "anybody could have written it";
  EXPECT_EQ(forged.checkpoint_trust, CheckpointTrust::kUnknown);
}

TEST_F(RocksLogTest, AByteFlippedInTheWriteAheadLogIsFoundAndThePositionNamed) {
  make_log(1'000);
  ASSERT_EQ(files(".log").size(), 1U);
  ASSERT_TRUE(flip(files(".log")[0], "user-550"));
  const Verdict found = verdict();
  EXPECT_FALSE(found.whole());
  ASSERT_TRUE(found.first_bad.has_value());
  // RocksDB loses the write that held it: batches of 100, so 501 is the first that is gone.
  EXPECT_EQ(*found.first_bad, 501U) << found.wrong;
}

TEST_F(RocksLogTest, AByteFlippedInATableIsFoundAndThePositionNamed) {
  make_log(1'000);
  { const auto reopened = open(); }  // Recovery writes the facts into a table.
  std::size_t flipped = 0;
  for (const fs::path& file : files(".sst")) flipped += flip(file, "user-550") ? 1U : 0U;
  ASSERT_EQ(flipped, 1U);
  const Verdict found = verdict();
  EXPECT_FALSE(found.whole());
  ASSERT_TRUE(found.first_bad.has_value());
  EXPECT_LE(*found.first_bad, 550U);
  EXPECT_GT(*found.first_bad, 450U) << found.wrong;
}

TEST_F(RocksLogTest, ATailThatWasCutIsMissedByTheCheckpoint) {
  make_log(1'000);
  const auto log_file = files(".log")[0];
  fs::resize_file(log_file, fs::file_size(log_file) * 3 / 4);
  const Verdict found = verdict();
  EXPECT_FALSE(found.whole());
  EXPECT_NE(found.wrong.find("the log was cut: the checkpoint saw 1000"), std::string::npos)
      << found.wrong;

  const auto log = open();
  const auto checkpoint =
      read_checkpoint_file(folder_.file("checkpoint"), ed25519_public_key(key_));
  const auto checked =
      check_log(*log, *checkpoint, [](ByteView, ByteView, const Hash&) { return Result<void>(); });
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
}

TEST_F(RocksLogTest, ALogThatWasWrittenAnewIsNotTheCheckpoints) {
  proof::Checkpoint checkpoint = make_log(300);
  checkpoint.root[0] ^= 1;
  const auto log = open();
  const auto checked =
      check_log(*log, checkpoint, [](ByteView, ByteView, const Hash&) { return Result<void>(); });
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().detail.find("rewritten"), std::string::npos);
  checkpoint.log_id[0] ^= 1;
  EXPECT_FALSE(check_log(*log, checkpoint, [](ByteView, ByteView, const Hash&) {
                 return Result<void>();
               }).ok());
}

// RocksDB's checksums hold, but the facts were changed by somebody who can write a database.
TEST_F(RocksLogTest, AFactThatWasChangedWithCareIsFoundByTheNextOne) {
  {
    const auto log = open();
    testing::ChainedFacts facts(*log);
    facts.fill(*log, 5'000, 500);
    testing::ChainedFacts other(*log);
    other.begin();
    other.add("mallory");
    LogBatch forged = other.log_batch();
    forged.leaf = Hash{1};  // What the next fact will name.
    ASSERT_TRUE(log->append(forged).ok());
    testing::ChainedFacts(*log).fill(*log, 10, 10);
  }
  const Verdict found = verdict();
  EXPECT_FALSE(found.whole());
  EXPECT_EQ(found.first_bad, 5'001U) << found.wrong;
}

TEST_F(RocksLogTest, AnAttachmentThatIsMissingIsFound) {
  {
    const auto log = open();
    testing::ChainedFacts facts(*log);
    facts.begin();
    facts.add("whole", {{AttachmentKind::kClear, {1, 2, 3}}});
    facts.add("robbed", {{AttachmentKind::kSealed, {4, 5, 6}}});
    LogBatch batch = facts.log_batch();
    batch.attachments = batch.attachments.first(1);
    ASSERT_TRUE(log->append(batch).ok());
  }
  const Verdict found = verdict();
  EXPECT_EQ(found.first_bad, 2U);
  EXPECT_NE(found.wrong.find("attachment"), std::string::npos) << found.wrong;
}

TEST_F(RocksLogTest, AnAttachmentThatNoFactNamesIsFound) {
  const Bytes slipped_in{7, 8, 9};
  for (const Position at : {1U, 2U}) {
    const std::string name = "db-" + std::to_string(at);
    {
      const auto log = open(name);
      testing::ChainedFacts facts(*log);
      facts.begin();
      facts.add("none");
      facts.add("one", {{AttachmentKind::kClear, {1, 2, 3}}});
      facts.add("last");
      LogBatch batch = facts.log_batch();
      std::vector<AttachmentRow> rows(batch.attachments.begin(), batch.attachments.end());
      rows.push_back({.position = at, .index = 1, .bytes = slipped_in});
      batch.attachments = rows;
      ASSERT_TRUE(log->append(batch).ok());
    }
    const auto found = verify_folder(folder_.file(name), "", {});
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->first_bad, at) << found->wrong;
    EXPECT_NE(found->wrong.find("added"), std::string::npos) << found->wrong;
  }
}

}  // namespace
}  // namespace keytrail::eventstore
