// `log verify` and `log info`: is the log whole, and does anybody know more of it?
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iterator>

#include "bus/events/words.h"
#include "bus/secret/ed25519.h"
#include "bus/wire/last_file.h"
#include "cli/answer.h"
#include "cli/endpoints.h"
#include "cli/log_commands.h"
#include "cli/log_sources.h"
#include "eventstore/log/chain.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/log/verify.h"
#include "replay/tool/history_check.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// What the parts of the installation presented at their last connection.
struct Witnesses {
  std::vector<eventstore::Sighting> all;
  std::vector<std::string> wrong;  // a sentence for each that can no longer say anything
};

// Who asks for a damaged one is told to verify the log first, which is being done.
std::string why_unreadable(const Error& error, const std::string& folder) {
  if (error.code != ErrorCode::kCorrupt) return error.detail;
  return folder + "/last is damaged; if nothing else is wrong, remove that file";
}

Witnesses witnesses(const std::string& data) {
  Witnesses found;
  OsFileSystem files;
  const auto names = files.list(data);
  if (!names.ok()) return found;  // A copy of a log alone, without its installation.
  for (const std::string& part : *names) {
    const std::string folder = data + "/" + part;
    std::error_code error;
    if (!fs::is_directory(folder, error)) continue;
    const Result<protocol::Known> last = wire::read_last_file(files, folder + "/last");
    if (!last.ok())
      found.wrong.push_back(part + " is no witness: " + why_unreadable(last.error(), folder));
    else if (*last != protocol::Known{})
      found.all.push_back({part, last->generation, last->position, last->leaf});
  }
  return found;
}

// Whether the parts of the installation saw this log, and not one that has come from elsewhere.
bool is_of_installation(const Globals& globals, const std::string& log_folder,
                        const eventstore::LogId& id) {
  if (log_folder.empty()) return true;
  const auto endpoints = read_endpoints(globals.data);
  return endpoints.ok() && endpoints->log.id == to_hex(id);
}

// A sentence if the facts, each of them whole, are no history that an orderer writes.
Result<std::string> breach_of_history(const eventstore::EventLog& log, Position until) {
  const eventstore::LogId id = log.id();
  replay::HistoryCheck check(Bytes(id.begin(), id.end()));
  TRY(log.read(0, until, [&](Position, ByteView stamp, ByteView body) {
    return check.on_fact({to_bytes(stamp), to_bytes(body)});
  }));
  const auto& breach = check.breach();
  if (!breach.has_value()) return std::string();
  return "the log was rewritten: position " + std::to_string(breach->position) + " " + breach->what;
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
  Witnesses known = witnesses(globals.data);
  Finding finding;
  finding.verdict = TRY(eventstore::verify_folder(
      folder + "/db", folder + "/checkpoint", {.checkpoint_key = key, .on_progress = progress()}));
  if (isatty(STDERR_FILENO) != 0) std::fputs("\r                    \r", stderr);
  const auto log = TRY(eventstore::RocksLog::open_read_only(
      folder + "/db", eventstore::RocksLog::Recovery::kSalvage));
  std::string wrong = finding.verdict.wrong;
  if (finding.verdict.whole()) wrong = TRY(breach_of_history(*log, finding.verdict.end.position));
  if (!wrong.empty()) finding.wrong.push_back(std::move(wrong));
  if (!is_of_installation(globals, log_folder, finding.verdict.log_id)) return finding;
  finding.witnesses = known.all.size();
  std::move(known.wrong.begin(), known.wrong.end(), std::back_inserter(finding.wrong));
  for (const eventstore::Sighting& seen : known.all) {
    auto contradicted = TRY(eventstore::contradiction(*log, log->end().position, seen));
    if (contradicted) finding.wrong.push_back(*std::move(contradicted));
  }
  return finding;
}

Result<std::string> info(const Globals& globals, const std::string& log_folder) {
  const std::string folder = TRY(folder_of_log(globals, log_folder));
  const auto log = TRY(eventstore::RocksLog::open_read_only(folder + "/db"));
  OsFileSystem files;
  std::uint64_t bytes = 0;
  for (const std::string& name : TRY(files.list(folder + "/db"))) {
    std::error_code gone;  // A running store removes files meanwhile.
    const std::uintmax_t size = fs::file_size(folder + "/db/" + name, gone);
    if (!gone) bytes += size;
  }
  json::object about{{"log", to_hex(log->id())},
                     {"generation", log->generation()},
                     {"head", std::to_string(log->end().position)},
                     {"leaf", to_hex(log->end().leaf)},
                     {"bytes", bytes}};
  // For whoever is given a proof of this log.
  const Result<std::string> key = log_vkey_of(globals);
  if (log_folder.empty() && key.ok()) about["log_key"] = *key;
  return json::serialize(about);
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
    std::fprintf(stderr, "keytrail: %s\n", printable(wrong).c_str());
  return finding->wrong.empty() ? Exit::kDone : Exit::kFailed;
}

Exit run_log_info(const Globals& globals, const std::string& log_folder) {
  return show(globals, info(globals, log_folder));
}

}  // namespace keytrail::cli
