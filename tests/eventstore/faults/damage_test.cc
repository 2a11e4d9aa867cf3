// Damage to every class of file of a log: bits flipped at random places, cut at random
// places, each file removed, each one an older copy of itself.
//
//   damage_test [--flips N] [--seed S]      210 flips, unless a flag says more
// A start, and `log verify`, each in a process of its own, since RocksDB may assert: either refuses
// and says what is wrong, or has all facts. Never fewer in silence, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "bus/secret/ed25519.h"
#include "eventstore/log/chain.h"
#include "eventstore/log/checkpoint_file.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/log/verify.h"
#include "tests/eventstore/faults/memory_folder.h"
#include "tests/support/chained_facts.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temp_folder.h"

namespace keytrail::testing {
namespace {

namespace fs = std::filesystem;
using eventstore::RocksLog;

std::uint64_t g_flips = 210;
std::uint64_t g_seed = 1;

constexpr std::size_t kFacts = 1'200;
constexpr std::size_t kCopyFacts = 50;
constexpr std::size_t kAttachmentEach = 5;
static_assert(kFacts / 2 % kAttachmentEach == 0);  // each half begins with one
constexpr std::size_t kTableBytes = std::size_t{64} << 10;
constexpr const char* kCheckpoint = "checkpoint";

using Files = std::map<std::string, std::string>;  // by path in the folder: "db/CURRENT"

std::string read_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Files files_of(const std::string& folder) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file() && path != "db/LOCK") files[path] = read_whole(entry.path());
  }
  return files;
}

void lay_out(const std::string& folder, const Files& files) {
  fs::remove_all(folder);
  fs::create_directories(fs::path(folder) / "db");
  for (const auto& [path, bytes] : files)
    std::ofstream(fs::path(folder) / path, std::ios::binary) << bytes;
}

// "db/000012.log" is a .log, "db/MANIFEST-000005" a MANIFEST.
std::string class_of(const std::string& path) {
  const fs::path name = fs::path(path).filename();
  if (name.has_extension()) return name.extension().string();
  return name.string().substr(0, name.string().find('-'));
}

// What `work` says, in a process of its own; "crash: …" if it had no last word.
std::string in_a_process(const std::function<std::string()>& work) {
  std::array<int, 2> pipe{};
  KEYTRAIL_CHECK(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  KEYTRAIL_CHECK(child >= 0);
  if (child == 0) {
    const std::string said = work();
    std::ignore = ::write(pipe[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = ::read(pipe[0], part.data(), part.size())) > 0;)
    said.append(part.data(), static_cast<std::size_t>(n));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return said;
  return "crash: status " + std::to_string(status);
}

// A log with tables, live write-ahead logs and attachments, its checkpoint, and how each file was
// before it became what it is.
class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    const std::string made = in_a_process([this] {
      make(kFacts / 2);
      make(kFacts / 2);
      return std::string("made");
    });
    KEYTRAIL_CHECK(made == "made");
    whole_ = files_of(path("store"));
    for (std::size_t copy = kCopyFacts; copy < kFacts; copy += kCopyFacts) {
      for (auto& [file, bytes] : files_of(path("copy-" + std::to_string(copy)))) {
        const auto now = whole_.find(file);
        if (now != whole_.end() && now->second != bytes) older_[file] = std::move(bytes);
      }
    }
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_.file(name); }

  // In a child alone: the parent has no threads of RocksDB, so it may fork.
  void make(std::size_t facts) {
    OsRandom random;
    fs::create_directories(path("store"));
    auto opened = RocksLog::open(path("store/db"), random, {.write_buffer_bytes = kTableBytes});
    KEYTRAIL_CHECK(opened.ok());
    RocksLog& log = **opened;
    ChainedFacts chained(log);
    for (std::size_t i = 0; i < facts; ++i) {
      chained.begin();
      std::vector<Attachment> attachments;
      if (i % kAttachmentEach == 0) attachments = {{AttachmentKind::kClear, Bytes(300, 7)}};
      chained.add("user-" + std::to_string(chained.position()), attachments);
      KEYTRAIL_CHECK(log.append(chained.log_batch()).ok());
      if (chained.position() % kCopyFacts != 0) continue;
      checkpoint(log);
      lay_out(path("copy-" + std::to_string(chained.position())), files_of(path("store")));
    }
    checkpoint(log);
  }
  void checkpoint(const RocksLog& log) {
    const auto none = [](ByteView, ByteView, const Hash&) { return Result<void>(); };
    const auto checked = eventstore::check_log(log, std::nullopt, none);
    KEYTRAIL_CHECK(checked.ok());
    const proof::Checkpoint checkpoint{.log_id = log.id(),
                                       .generation = 1,
                                       .size = checked->end.position,
                                       .root = checked->tree.root()};
    KEYTRAIL_CHECK(eventstore::write_checkpoint_file(path("store/checkpoint"),
                                                     proof::sign_checkpoint(checkpoint, key_))
                       .ok());
  }

  // As the store starts: opens, reads the checkpoint, walks the chain; then as it serves: a start
  // does not look at attachments, whoever reads them does.
  [[nodiscard]] std::string start() const {
    OsRandom random;
    const auto log = RocksLog::open(path("store/db"), random, {.write_buffer_bytes = kTableBytes});
    if (!log.ok()) return "refused: " + log.error().detail;
    const auto checkpoint =
        eventstore::read_checkpoint_file(path("store/checkpoint"), ed25519_public_key(key_));
    if (!checkpoint.ok()) return "refused: " + checkpoint.error().detail;
    const auto none = [](ByteView, ByteView, const Hash&) { return Result<void>(); };
    const auto checked = eventstore::check_log(**log, *checkpoint, none);
    if (!checked.ok()) return "refused: " + checked.error().detail;
    if (checked->end.position != kFacts)
      return "fewer: " + std::to_string(checked->end.position);
    for (std::size_t i = 0; i < kFacts; i += kAttachmentEach) {
      const auto read = (*log)->attachments(i + 1, 1);
      if (!read.ok()) return "refused to read: " + read.error().detail;
    }
    return "whole";
  }
  [[nodiscard]] std::string verify() const {
    const auto verdict =
        eventstore::verify_folder(path("store/db"), path("store/checkpoint"),
                                  {.checkpoint_key = ed25519_public_key(key_), .threads = 1});
    if (!verdict.ok()) return "refused: " + verdict.error().detail;
    if (verdict->whole()) return verdict->end.position == kFacts ? "whole" : "fewer";
    if (!verdict->first_bad) return "bad: " + verdict->wrong;
    return "bad at " + std::to_string(*verdict->first_bad) + ": " + verdict->wrong;
  }

  // Lays out `files`, verifies, starts. Neither may lose in silence; where the start found facts
  // missing or changed, verify must have too.
  void expect_no_silence(const Files& files, const std::string& what) {
    SCOPED_TRACE(what);
    lay_out(path("store"), files);
    const std::string verified = in_a_process([this] { return verify(); });
    const std::string started = in_a_process([this] { return start(); });
    const auto is = [](const std::string& said, std::string_view begin) {
      return said.starts_with(begin);
    };
    EXPECT_FALSE(is(verified, "crash") || is(verified, "fewer")) << verified << "; " << started;
    EXPECT_FALSE(is(started, "crash") || is(started, "fewer")) << started << "; " << verified;
    if (is(started, "refused")) {
      ++refused_;
      EXPECT_NE(verified, "whole") << started;
    }
  }

  TempFolder folder_;
  const SecretBytes key_ = OsRandom().secret(kEd25519SeedBytes);
  Files whole_;
  Files older_;
  int refused_ = 0;
};

TEST_F(DamageTest, AWholeLogStarts) {
  std::set<std::string> classes;
  for (const auto& [file, bytes] : whole_) classes.insert(class_of(file));
  EXPECT_THAT(classes, ::testing::ElementsAre(".log", ".sst", "CURRENT", "IDENTITY", "MANIFEST",
                                              "OPTIONS", kCheckpoint));
  expect_no_silence(whole_, "whole");
  EXPECT_EQ(refused_, 0);
}

TEST_F(DamageTest, ABitFlippedAnywhereIsRefusedOrHarmless) {
  test::SeededRandom random(g_seed);
  std::map<std::string, std::vector<std::string>> classes;
  for (const auto& [file, bytes] : whole_)
    if (!bytes.empty()) classes[class_of(file)].push_back(file);
  for (std::uint64_t flip = 0; flip < g_flips; ++flip) {
    const auto& [name, members] =
        *std::next(classes.begin(), static_cast<std::ptrdiff_t>(flip % classes.size()));
    const std::string& file = members[random.below(members.size())];
    Files files = whole_;
    const std::size_t at = random.below(files[file].size());
    const auto bit = random.below(8);
    files[file][at] = static_cast<char>(files[file][at] ^ (1 << bit));
    expect_no_silence(files, file + " byte " + std::to_string(at) + " bit " + std::to_string(bit));
  }
  EXPECT_GT(refused_, 0);
}

TEST_F(DamageTest, AFileThatIsCutIsRefusedOrHarmless) {
  test::SeededRandom random(g_seed);
  for (const auto& [file, bytes] : whole_) {
    if (bytes.empty()) continue;
    for (int cut = 0; cut < 3; ++cut) {
      Files files = whole_;
      files[file].resize(cut == 0 ? 0 : random.below(bytes.size()));
      expect_no_silence(files, file + " cut to " + std::to_string(files[file].size()));
    }
  }
  EXPECT_GT(refused_, 0);
}

TEST_F(DamageTest, AFileThatIsMissingIsRefusedOrHarmless) {
  for (const auto& [file, bytes] : whole_) {
    Files files = whole_;
    files.erase(file);
    expect_no_silence(files, file + " missing");
  }
  EXPECT_GT(refused_, 0);
}

TEST_F(DamageTest, AnOlderCopyOfAFileIsRefusedOrHarmless) {
  std::set<std::string> classes;
  for (const auto& [file, bytes] : older_) {
    classes.insert(class_of(file));
    Files files = whole_;
    files[file] = bytes;
    expect_no_silence(files, file + " older");
  }
  EXPECT_THAT(classes, ::testing::IsSupersetOf({".log", "CURRENT", "MANIFEST", kCheckpoint}));
  EXPECT_GT(refused_, 0);
}

}  // namespace
}  // namespace keytrail::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  keytrail::testing::use_memory_for_folders();
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string_view flag = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--flips") keytrail::testing::g_flips = value;
    if (flag == "--seed") keytrail::testing::g_seed = value;
  }
  return RUN_ALL_TESTS();
}
