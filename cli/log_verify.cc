// `log verify` and `log info`: is the log whole, and does anybody know more of it?
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "bus/secret/ed25519.h"
#include "bus/wire/last_file.h"
#include "cli/answer.h"
#include "cli/endpoints.h"
#include "cli/log_commands.h"
#include "cli/log_sources.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/log/verify.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What the parts of the installation presented at their last connection.
Result<std::vector<std::pair<std::string, protocol::Known>>> witnesses(const std::string& data) {
  std::vector<std::pair<std::string, protocol::Known>> known;
  OsFileSystem files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(data, error)) {
    if (!entry.is_directory(error)) continue;
    const protocol::Known last = TRY(wire::read_last_file(files, entry.path().string() + "/last"));
    if (last.position != 0) known.emplace_back(entry.path().filename().string(), last);
  }
  return known;
}

// A sentence if a part saw something else than what is there.
Result<std::string> contradiction(const eventstore::EventLog& log, const std::string& part,
                                  const protocol::Known& known) {
  const Position head = log.end().position;
  if (known.position > head) {
    return "the log was cut: " + part + " saw " + std::to_string(known.position) +
           ", the head is " + std::to_string(head);
  }
  std::string wrong;
  TRY(log.read(known.position - 1, known.position, [&](Position, ByteView stamp, ByteView body) {
    if (leaf_of(stamp, body) != known.leaf) {
      wrong = "the log was rewritten: position " + std::to_string(known.position) +
              " is not the fact that " + part + " saw";
    }
    return false;
  }));
  return wrong;
}

// Counts on a terminal; a file gets none of it.
std::function<void(Position)> progress() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](Position position) {
    std::fprintf(stderr, "\r  %llu facts", static_cast<unsigned long long>(position));
  };
}

struct Finding {
  eventstore::Verdict verdict;
  std::size_t witnesses = 0;
  std::vector<std::string> wrong;
};

// nullopt: nobody said which it is.
Result<std::optional<Bytes>> key_of_checkpoints(const Globals& globals,
                                                const std::string& log_folder,
                                                const std::string& given) {
  std::string hex = given;
  if (hex.empty() && log_folder.empty()) {
    const auto endpoints = read_endpoints(globals.data);
    if (endpoints.ok()) hex = endpoints->log.checkpoint_key;
  }
  if (hex.empty()) return std::optional<Bytes>();
  auto key = from_hex(hex);
  if (!key.ok() || key->size() != kEd25519PublicKeyBytes) {
    return Error{ErrorCode::kInvalid, "a checkpoint key is 64 hexadecimal letters"};
  }
  return std::optional<Bytes>(std::move(key).value());
}

Result<Finding> verify(const Globals& globals, const std::string& log_folder,
                       const std::string& checkpoint_key) {
  const std::string folder = TRY(folder_of_log(globals, log_folder));
  const auto key = TRY(key_of_checkpoints(globals, log_folder, checkpoint_key));
  // Before the log is opened: a running one only grows, so nobody can know more of it later.
  const auto known = TRY(witnesses(globals.data));
  Finding finding;
  finding.witnesses = known.size();
  finding.verdict = TRY(eventstore::verify_folder(
      folder + "/db", folder + "/checkpoint", {.checkpoint_key = key, .on_progress = progress()}));
  if (isatty(STDERR_FILENO) != 0) std::fputs("\r                    \r", stderr);
  if (!finding.verdict.whole()) finding.wrong.push_back(finding.verdict.wrong);
  const auto log = TRY(eventstore::RocksLog::open_read_only(
      folder + "/db", eventstore::RocksLog::Recovery::kSalvage));
  for (const auto& [part, last] : known) {
    const std::string wrong = TRY(contradiction(*log, part, last));
    if (!wrong.empty()) finding.wrong.push_back(wrong);
  }
  return finding;
}

Result<std::string> info(const Globals& globals, const std::string& log_folder) {
  const std::string folder = TRY(folder_of_log(globals, log_folder));
  const auto log = TRY(eventstore::RocksLog::open_read_only(folder + "/db"));
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder + "/db", error)) {
    std::error_code gone;
    if (entry.is_regular_file(gone)) bytes += entry.file_size(gone);
  }
  return json::serialize(json::object{{"log", to_hex(log->id())},
                                      {"generation", log->generation()},
                                      {"head", std::to_string(log->end().position)},
                                      {"leaf", to_hex(log->end().leaf)},
                                      {"bytes", bytes}});
}

bool is_signed(const eventstore::Verdict& verdict) {
  return verdict.checkpoint_trust == eventstore::CheckpointTrust::kSigned;
}

std::string said_of_checkpoint(const eventstore::Verdict& verdict) {
  if (!verdict.checkpoint.has_value()) return "no checkpoint to compare with";
  const std::string at = "checkpoint at " + std::to_string(verdict.checkpoint->size) + " says";
  return is_signed(verdict) ? "as the signed " + at
                            : "as the " + at + " (its signature is unknown: no --checkpoint-key)";
}

json::object to_json(const Finding& finding) {
  const eventstore::Verdict& verdict = finding.verdict;
  json::object object{
      {"whole", finding.wrong.empty()},     {"log", to_hex(verdict.log_id)},
      {"generation", verdict.generation},   {"head", std::to_string(verdict.end.position)},
      {"leaf", to_hex(verdict.end.leaf)},   {"root", to_hex(verdict.root)},
      {"attachments", verdict.attachments}, {"witnesses", finding.witnesses}};
  object["checkpoint"] = verdict.checkpoint.has_value()
                             ? json::value(std::to_string(verdict.checkpoint->size))
                             : json::value();
  object["checkpoint_signature"] = verdict.checkpoint.has_value()
                                       ? json::value(is_signed(verdict) ? "signed" : "unknown")
                                       : json::value();
  object["first_bad"] = verdict.first_bad.has_value()
                            ? json::value(std::to_string(*verdict.first_bad))
                            : json::value();
  object["wrong"] = json::array(finding.wrong.begin(), finding.wrong.end());
  return object;
}

}  // namespace

Exit run_log_verify(const Globals& globals, const std::string& log_folder,
                    const std::string& checkpoint_key) {
  const Result<Finding> finding = verify(globals, log_folder, checkpoint_key);
  if (!finding.ok()) return fail(finding.error());
  const json::object result = to_json(*finding);
  if (globals.json) {
    std::printf("%s\n", json::serialize(result).c_str());
  } else if (finding->wrong.empty()) {
    const eventstore::Verdict& verdict = finding->verdict;
    std::printf(
        "ok: %llu facts and %llu attachments, every hash; root %s; %s; %zu parts know nothing "
        "else\n",
        static_cast<unsigned long long>(verdict.end.position),
        static_cast<unsigned long long>(verdict.attachments), to_hex(verdict.root).c_str(),
        said_of_checkpoint(verdict).c_str(), finding->witnesses);
  }
  for (const std::string& wrong : finding->wrong)
    std::fprintf(stderr, "keytrail: %s\n", wrong.c_str());
  return finding->wrong.empty() ? Exit::kDone : Exit::kFailed;
}

Exit run_log_info(const Globals& globals, const std::string& log_folder) {
  return show(globals, info(globals, log_folder));
}

}  // namespace keytrail::cli
