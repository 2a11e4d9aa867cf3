// `log prove`, `log check` and `log tiles`: facts as evidence, for those who do not have the log.
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "bus/events/codec.h"
#include "bus/proof/policy.h"
#include "bus/proof/tlog_proof.h"
#include "bus/secret/file.h"
#include "cli/answer.h"
#include "cli/log_commands.h"
#include "cli/log_sources.h"
#include "cli/wait_until.h"
#include "eventstore/log/log_tree.h"
#include "eventstore/log/rocks_log.h"
#include "replay/tool/reports.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kCheckpointWithin{5};  // The store writes one a second.

// The newest checkpoint of the log, as it stands in its file, and the log behind it.
struct Proven {
  std::string note;
  proof::Checkpoint checkpoint;
  std::unique_ptr<eventstore::RocksLog> log;
};

Result<std::pair<std::string, proof::Checkpoint>> read_note(const std::string& folder) {
  OsFileSystem files;
  const Result<Bytes> note = read_file(files, folder + "/checkpoint", proof::kNoteBytesMax);
  if (!note.ok()) {
    return Error{ErrorCode::kNotFound, folder + " has no checkpoint to prove anything under"};
  }
  std::string text(as_text(*note));
  proof::Checkpoint checkpoint = TRY(proof::parse_checkpoint(text, std::nullopt));
  return std::pair(std::move(text), checkpoint);
}

Result<Position> end_of(const std::string& folder) {
  return TRY(eventstore::RocksLog::open_read_only(folder + "/db"))->end().position;
}

// Waits for a checkpoint that covers `position`: of a running log the next one is on its way.
Result<Proven> open_proven(const std::string& folder, Position position) {
  auto note = TRY(read_note(folder));
  const Position end = note.second.size >= position ? position : TRY(end_of(folder));
  if (position > end) {
    return Error{ErrorCode::kNotFound, "there is no fact " + std::to_string(position) +
                                           " to prove; the log ends at " + std::to_string(end)};
  }
  (void)wait_until(kCheckpointWithin, [&] {
    if (auto again = read_note(folder); again.ok()) note = std::move(again).value();
    return note.second.size >= position;
  });
  // Opened after the checkpoint was read, so it holds all that the checkpoint covers.
  auto log = TRY(eventstore::RocksLog::open_read_only(folder + "/db"));
  return Proven{std::move(note.first), note.second, std::move(log)};
}

Result<eventstore::LogTree> tree_of(const Proven& proven) {
  eventstore::LogTree tree = TRY(eventstore::LogTree::over(*proven.log, proven.checkpoint.size));
  if (tree.root() == proven.checkpoint.root) return tree;
  return Error{ErrorCode::kCorrupt, "the log is not the one that its checkpoint at " +
                                        std::to_string(tree.size()) +
                                        " is of; run `keytrail log verify`"};
}

Result<std::string> prove(const Globals& globals, const ProofOrder& order) {
  const std::string folder = TRY(folder_of_log(globals, order.log_folder));
  const Proven proven = TRY(open_proven(folder, order.position));
  const eventstore::LogTree tree = TRY(tree_of(proven));
  const proof::TlogProof made = TRY(tree.prove(order.position, proven.note));
  OsFileSystem files;
  TRY(replace_file(files, order.file, as_bytes(proof::format_proof(made))));
  return json::serialize(json::object{{"position", std::to_string(order.position)},
                                      {"file", order.file},
                                      {"checkpoint", std::to_string(tree.size())},
                                      {"hashes", made.path.size()}});
}

// --- check: with a key and nothing else ----------------------------------------------------------

Result<proof::Policy> policy_of(const Globals& globals, const ProofCheck& check) {
  OsFileSystem files;
  if (!check.policy_file.empty()) {
    const Bytes text = TRY(read_file(files, check.policy_file, proof::kPolicyBytesMax));
    return proof::Policy::parse(as_text(text));
  }
  std::string key = check.log_key;
  if (key.empty()) {
    const Result<std::string> own = log_vkey_of(globals);
    if (!own.ok()) {
      return Error{ErrorCode::kInvalid,
                   "no installation here tells the log's key: give --log-key (`keytrail log info` "
                   "prints it where the log is) or --policy"};
    }
    key = *own;
  }
  return proof::Policy::parse("log " + key + "\nquorum none\n");
}

struct Checked {
  Position position = 0;
  std::string fact;  // in words
  proof::Policy::Verdict verdict;
};

Result<Checked> check(const Globals& globals, const ProofCheck& order) {
  OsFileSystem files;
  const Bytes text = TRY(read_file(files, order.file, proof::kProofBytesMax));
  const proof::TlogProof proven = TRY(proof::parse_proof(as_text(text)));
  TRY(proof::check_entry(proven));
  if (proven.entry.size() < kStampBytes) {
    return Error{ErrorCode::kCorrupt, "what was proven is too short for a fact"};
  }
  const ByteView entry(proven.entry);
  const StoredFact stored{to_bytes(entry.first(kStampBytes)), to_bytes(entry.subspan(kStampBytes))};
  const Fact fact = TRY(decode_fact(stored));
  // The tree proves the leaf's place; the stamp is what the orderer wrote into the fact itself.
  if (fact.stamp.position != proven.index + 1) {
    return Error{ErrorCode::kCorrupt, "the fact says of itself that it is at position " +
                                          std::to_string(fact.stamp.position) +
                                          ", but was proven at " +
                                          std::to_string(proven.index + 1)};
  }
  const proof::Policy policy = TRY(policy_of(globals, order));
  const proof::Note note = TRY(proof::parse_note(proven.checkpoint));
  const auto format = globals.json ? replay::EventFormat::kJsonl : replay::EventFormat::kText;
  return Checked{fact.stamp.position, replay::event_text(stored, fact, format, "keytrail"),
                 policy.judge(note)};
}

// --- tiles ---------------------------------------------------------------------------------------

// Full tiles never change, so those that are there are left alone.
Result<std::string> write_tiles(const Globals& globals, const std::string& log_folder,
                                const std::string& into) {
  const std::string folder = TRY(folder_of_log(globals, log_folder));
  const Proven proven = TRY(open_proven(folder, 1));
  const eventstore::LogTree tree = TRY(tree_of(proven));
  OsFileSystem files;
  std::size_t written = 0;
  const std::vector<proof::TileName> tiles = tree.tiles();
  for (const proof::TileName& tile : tiles) {
    const fs::path path = fs::path(into) / proof::path_of(tile);
    std::error_code error;
    if (fs::exists(path, error)) continue;
    fs::create_directories(path.parent_path(), error);
    if (error) {
      return Error{ErrorCode::kRefused, "cannot make the folder " + path.parent_path().string() +
                                            ": " + error.message()};
    }
    const Bytes content = TRY(tree.tile(tile));
    TRY(replace_file(files, path.string(), content));
    ++written;
  }
  // Last, so that nobody finds a checkpoint whose tiles are not there.
  TRY(replace_file(files, into + "/checkpoint", as_bytes(proven.note)));
  return json::serialize(json::object{{"folder", into},
                                      {"checkpoint", std::to_string(tree.size())},
                                      {"tiles", tiles.size()},
                                      {"written", written}});
}

}  // namespace

Exit run_log_prove(const Globals& globals, const ProofOrder& order) {
  return show(globals, prove(globals, order));
}

Exit run_log_check(const Globals& globals, const ProofCheck& order) {
  const Result<Checked> checked = check(globals, order);
  if (!checked.ok()) return fail(checked.error());
  if (globals.json) {
    const proof::Policy::Verdict& verdict = checked->verdict;
    std::printf("%s\n",
                json::serialize(json::object{{"holds", verdict.holds},
                                             {"position", std::to_string(checked->position)},
                                             {"signatures", verdict.sentence},
                                             {"cosigned", json::array(verdict.cosigned.begin(),
                                                                      verdict.cosigned.end())}})
                    .c_str());
  } else {
    std::printf("%s\n", checked->fact.c_str());
    std::printf("%s: position %llu of the log; the checkpoint is %s\n",
                checked->verdict.holds ? "ok" : "NOT PROVEN",
                static_cast<unsigned long long>(checked->position),
                checked->verdict.sentence.c_str());
  }
  return checked->verdict.holds ? Exit::kDone : Exit::kFailed;
}

Exit run_log_tiles(const Globals& globals, const std::string& log_folder, const std::string& into) {
  return show(globals, write_tiles(globals, log_folder, into));
}

}  // namespace keytrail::cli
