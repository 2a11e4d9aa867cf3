// leak_scan: is any key of an installation anywhere where it must not be?
//
//   leak_scan make-client FOLDER
//     makes an auditor's key and certificate, to be enrolled in vCenter's group
//   leak_scan record --data DIR --key-file F FILE
//     writes all that the identity of that key is sent over the bus, from position 1 on, to FILE
//   leak_scan search --server H:P --cert F --key F --ca F --datastore DIR [--pid N]... PLACE...
// Gets every KEK over KMIP, unwraps every DEK, searches PLACEs and processes for all of them, then
// plants one in a file of its own and must find it there. Exit code 0: no hit, and the planted one
// found.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "bus/secret/file.h"
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

int record(const std::string& data, const std::string& key_file, const std::string& file) {
  const Result<Recorded> recorded = record_bus(data, key_file, file);
  if (!recorded.ok()) return fail(recorded.error());
  std::printf("%lu facts and %lu attachments recorded\n", recorded->facts, recorded->attachments);
  return recorded->facts > 0 ? 0 : 1;
}

// The control: a search that finds nothing must be able to find something.
bool finds_planted(const std::vector<Secret>& secrets, const std::vector<Needle>& needles,
                   const std::string& folder) {
  OsFileSystem files;
  const std::string path = folder + "/leak_scan.planted";
  if (!replace_file(files, path, secrets.front().bytes.read(SecretAccess{})).ok()) return false;
  Scanned scanned;
  scan_files(path, needles, scanned);
  const bool removed = files.unlink(path).ok();
  return removed && !scanned.hits.empty();
}

int search(const KmipFiles& kmip, const std::string& datastore, const std::vector<int>& pids,
           const std::vector<std::string>& places) {
  Result<std::vector<Secret>> keks = gather_keks(kmip);
  if (!keks.ok()) return fail(keks.error());
  Result<std::vector<Secret>> deks = gather_deks(datastore, *keks);
  if (!deks.ok()) return fail(deks.error());
  const std::size_t kek_count = keks->size();
  std::vector<Secret> secrets = std::move(*keks);
  for (Secret& dek : *deks) secrets.push_back(std::move(dek));
  const std::vector<Needle> needles = needles_of(secrets);
  Scanned scanned;
  for (const std::string& place : places) scan_files(place, needles, scanned);
  for (const int pid : pids) scan_process(pid, needles, scanned);
  std::printf(
      "%zu KEKs, %zu DEKs, each raw, in hexadecimal and base64: %zu hits in %lu files and memory "
      "regions, %lu bytes\n",
      kek_count, deks->size(), scanned.hits.size(), scanned.places, scanned.bytes);
  for (const Hit& hit : scanned.hits)
    std::printf("  LEAK: %s in %s\n", hit.what.c_str(), hit.where.c_str());
  for (const std::string& unread : scanned.unread) std::printf("  not read: %s\n", unread.c_str());
  const bool control = finds_planted(secrets, needles, datastore);
  std::printf("a planted key: %s\n", control ? "found" : "NOT FOUND");
  return scanned.hits.empty() && scanned.unread.empty() && control && !deks->empty() ? 0 : 1;
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
  std::string data, key_file, file;
  CLI::App* record_app = app.add_subcommand("record", "Record what the bus says to an identity");
  record_app->add_option("--data", data)->required();
  record_app->add_option("--key-file", key_file)->required();
  record_app->add_option("FILE", file)->required();
  KmipFiles kmip;
  std::string datastore;
  std::vector<int> pids;
  std::vector<std::string> places;
  CLI::App* search_app = app.add_subcommand("search", "Get all keys, search for them");
  search_app->add_option("--server", kmip.server)->required();
  search_app->add_option("--cert", kmip.certificate)->required();
  search_app->add_option("--key", kmip.key)->required();
  search_app->add_option("--ca", kmip.ca)->required();
  search_app->add_option("--datastore", datastore)->required();
  search_app
      ->add_option("--pid", pids, "Search this process's memory as its core dump would show it")
      ->allow_extra_args(false);
  search_app->add_option("PLACE", places)->required();
  CLI11_PARSE(app, argc, argv);
  if (*make) {
    const keytrail::Result<void> made = make_client(folder);
    return made.ok() ? 0 : fail(made.error());
  }
  if (*record_app) return record(data, key_file, file);
  return search(kmip, datastore, pids, places);
}
