// leak_scan: is any key of an installation anywhere where it must not be?
//
//   leak_scan make-client FOLDER
//     makes an auditor's key and certificate, to be enrolled in vCenter's group
//   leak_scan record --data DIR --key-file F FOLDER
//     writes all frames that the identity of that key is sent over the bus into FOLDER, live ones
//     from now on, and those from position 1 on when it is told to stop (SIGTERM)
//   leak_scan search --server H:P --cert F --key F --ca F --datastore DIR
//                    [--kept F]... [--pid N]... PLACE...
// Which secrets, where, and why not elsewhere:
//   every KEK that KMIP gives and every DEK that one of them unwraps: in the files of the PLACEs
//     and in the memory of the processes, as a core dump would show it. Nowhere is right for them:
//     on disk they are wrapped, in memory they lie where no dump goes.
//   what the files of --kept hold (unlock secrets, passwords, CURVE and TLS keys): in the files of
//     the PLACEs but for the one that keeps it. Not in memory: the part that uses one must have it.
//   the parts' own CURVE and TLS keys, and keyrings: not at all. They are in sealed files, which
//     only the parts open; no one else knows what to search for.
// Each raw, in hexadecimal and in base64. Then the control: one is planted in each form in a file,
// and raw in a process, and each must be found. Exit code 0: no hit, and all planted ones found.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "bus/secret/file.h"
#include "cli/stop_signals.h"
#include "kms/kmip/certificate.h"
#include "tests/leak_scan/record.h"
#include "tests/leak_scan/scan.h"
#include "tests/leak_scan/secrets.h"

namespace keytrail::leak_scan {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "leak_scan: %s\n", error.detail.c_str());
  return 1;
}

Result<void> make_client(const std::string& folder) {
  OsFileSystem files;
  const SecretBytes key = TRY(kmip::make_private_key());
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  const std::string certificate =
      TRY(kmip::make_self_signed(key, {.common_name = "auditor",
                                       .use = kmip::CertificateUse::kClient,
                                       .not_before_seconds = now - 60,
                                       .not_after_seconds = now + 86'400}));
  TRY(files.make_folder(folder));
  TRY(replace_file(files, folder + "/auditor.key", key.read(SecretAccess{})));
  return replace_file(files, folder + "/auditor.pem", as_bytes(certificate));
}

int record(const std::string& data, const std::string& key_file, const std::string& folder) {
  const Result<Recorded> recorded = record_bus(data, key_file, folder, cli::stop_signals());
  if (!recorded.ok()) return fail(recorded.error());
  std::printf(
      "live: facts %lu to %lu, %lu sealed attachments; read: facts 1 to %lu, %lu sealed "
      "attachments\n",
      recorded->live_first, recorded->live_last, recorded->live_sealed, recorded->read_last,
      recorded->read_sealed);
  if (recorded->live_sealed > 0 && recorded->read_sealed > 0) return 0;
  return fail({ErrorCode::kNotFound, "no sealed attachment came: is kms.sealed granted?"});
}

bool is_found(const Scanned& scanned, const std::string& what) {
  return std::any_of(scanned.hits.begin(), scanned.hits.end(),
                     [&](const Hit& hit) { return hit.what == what; });
}

// The control: a search that finds nothing must be able to find something.
bool finds_planted_in_file(const Secret& secret, const std::vector<Needle>& needles,
                           const std::string& folder) {
  OsFileSystem files;
  const std::string path = folder + "/leak_scan.planted";
  const ByteView raw = secret.bytes.read(SecretAccess{});
  bool all = true;
  const auto plant = [&](const std::string& form, ByteView bytes) {
    Scanned scanned;
    if (replace_file(files, path, bytes).ok()) scan_files(path, needles, scanned);
    all = is_found(scanned, secret.what + ", " + form) && all;
  };
  plant("raw", raw);
  plant("hexadecimal", as_bytes(to_hex(raw)));
  plant("base64", as_bytes(to_base64(raw)));
  return files.unlink(path).ok() && all;
}

bool finds_planted_in_memory(const Secret& secret, const std::vector<Needle>& needles) {
  Bytes copy = to_bytes(secret.bytes.read(SecretAccess{}));  // Where a core dump shows it.
  // Somebody may look, so no compiler puts the copying off until after the fork.
  [[maybe_unused]] const std::uint8_t* volatile looked_at = copy.data();
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  wipe(copy);
  Scanned scanned;
  scan_process(child, needles, scanned);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return is_found(scanned, secret.what + ", raw");
}

bool is_clean(const std::string& of_what, const Scanned& scanned) {
  std::printf("%s: %zu hits in %lu files and memory regions, %lu bytes\n", of_what.c_str(),
              scanned.hits.size(), scanned.places, scanned.bytes);
  for (const Hit& hit : scanned.hits)
    std::printf("  LEAK: %s in %s\n", hit.what.c_str(), hit.where.c_str());
  for (const std::string& unread : scanned.unread) std::printf("  not read: %s\n", unread.c_str());
  return scanned.hits.empty() && scanned.unread.empty();
}

struct SearchArguments {
  KmipFiles kmip;
  std::string datastore;
  std::vector<std::string> kept, places;
  std::vector<int> pids;
};

Result<bool> search(const SearchArguments& arguments) {
  std::vector<Secret> keys = TRY(gather_keks(arguments.kmip));
  std::vector<Secret> deks = TRY(gather_deks(arguments.datastore, keys));
  const std::vector<Secret> kept = TRY(gather_kept(arguments.kept));
  if (deks.empty()) return Error{ErrorCode::kNotFound, "no DEK was found to search for"};
  const std::string counts =
      std::to_string(keys.size()) + " KEKs, " + std::to_string(deks.size()) + " DEKs";
  for (Secret& dek : deks) keys.push_back(std::move(dek));

  const std::vector<Needle> key_needles = needles_of(keys);
  const std::vector<Needle> kept_needles = needles_of(kept);
  Scanned for_keys, for_kept;
  for (const std::string& place : arguments.places) {
    scan_files(place, key_needles, for_keys);
    scan_files(place, kept_needles, for_kept);
  }
  for (const int pid : arguments.pids) scan_process(pid, key_needles, for_keys);
  const bool clean = is_clean(counts, for_keys);
  const bool is_kept = is_clean(
      std::to_string(arguments.kept.size()) + " files' secrets, but where they are kept", for_kept);

  const bool in_file = finds_planted_in_file(keys.front(), key_needles, arguments.datastore);
  const bool in_memory = finds_planted_in_memory(keys.front(), key_needles);
  std::printf("a planted key: in a file, raw, in hexadecimal and base64: %s; in memory: %s\n",
              in_file ? "found" : "NOT FOUND", in_memory ? "found" : "NOT FOUND");
  return clean && is_kept && in_file && in_memory;
}

}  // namespace
}  // namespace keytrail::leak_scan

int main(int argc, char** argv) {
  using namespace keytrail::leak_scan;  // NOLINT: this is that program
  CLI::App app{"Searches an installation for the keys it holds", "leak_scan"};
  app.require_subcommand(1);
  std::string folder;
  CLI::App* make = app.add_subcommand("make-client", "Make an auditor's key and certificate");
  make->add_option("FOLDER", folder)->required();
  std::string data, key_file;
  CLI::App* record_app = app.add_subcommand("record", "Record what the bus says to an identity");
  record_app->add_option("--data", data)->required();
  record_app->add_option("--key-file", key_file)->required();
  record_app->add_option("FOLDER", folder)->required();
  SearchArguments given;
  CLI::App* search_app = app.add_subcommand("search", "Get all keys, search for them");
  search_app->add_option("--server", given.kmip.server)->required();
  search_app->add_option("--cert", given.kmip.certificate)->required();
  search_app->add_option("--key", given.kmip.key)->required();
  search_app->add_option("--ca", given.kmip.ca)->required();
  search_app->add_option("--datastore", given.datastore)->required();
  search_app
      ->add_option("--pid", given.pids,
                   "Search this process's memory as its core dump would show it")
      ->allow_extra_args(false);
  search_app->add_option("--kept", given.kept, "Search for what this file keeps")
      ->allow_extra_args(false);
  search_app->add_option("PLACE", given.places)->required();
  CLI11_PARSE(app, argc, argv);
  if (*make) {
    const keytrail::Result<void> made = make_client(folder);
    return made.ok() ? 0 : fail(made.error());
  }
  if (*record_app) return record(data, key_file, folder);
  const keytrail::Result<bool> clean = search(given);
  if (!clean.ok()) return fail(clean.error());
  return *clean ? 0 : 1;
}
