// A replica as a process of its own, for tests that kill it: kms_replica_program KEY=VALUE…
//
// Keys: name, cluster, folder, curve (file), append, live, read, server_key, kmip_port, keyring,
// command, operator_key, peers (NAME=ENDPOINT, parted by commas).
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <map>
#include <string>

#include "bus/secret/file.h"
#include "kms/service/replica_service.h"

namespace keytrail::kms {
namespace {

using Arguments = std::map<std::string, std::string>;

Arguments arguments_of(int count, char** texts) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string text = texts[i];
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) arguments[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return arguments;
}

std::vector<KeyringPeer> peers_of(const std::string& text) {
  std::vector<KeyringPeer> peers;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::size_t equals = text.find('=', from);
    peers.push_back(
        {text.substr(from, equals - from), text.substr(equals + 1, comma - equals - 1)});
    from = comma + 1;
  }
  return peers;
}

int stop_signal_fd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

Result<void> run(Arguments x) {
  const int stop_fd = stop_signal_fd();
  OsFileSystem files;
  OsRandom random;
  SystemClock clock;
  const std::string& folder = x["folder"];
  TRY(files.make_folder(folder));
  (void)make_unlock_file(folder + "/unlock", random);
  const UnlockSecret unlock = TRY(acquire_unlock("file:" + folder + "/unlock"));
  const auto secrets =
      TRY(SecretFile::open(files, random, folder + "/secrets", "kms/" + x["name"], unlock));
  ReplicaServiceOptions options;
  options.name = x["name"];
  options.cluster = x["cluster"];
  options.program_version = "test";
  options.folder = folder;
  options.log = {x["append"], x["live"], x["read"], x["server_key"]};
  options.keys = TRY(wire::read_curve_keys(x["curve"]));
  options.kmip.port = static_cast<std::uint16_t>(std::stoi(x["kmip_port"]));
  options.keyring_endpoint = x["keyring"];
  options.command_endpoint = x["command"];
  options.peers = peers_of(x["peers"]);
  options.operators = {
      {.name = "operator/cli", .public_key = x["operator_key"], .sockets = {"command"}}};
  options.shred_interval_ms = 100;
  options.tell = [name = x["name"]](const std::string& line) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), line.c_str());
  };
  const auto service = TRY(ReplicaService::start(
      std::move(options),
      {.secrets = *secrets, .unlock = unlock, .files = files, .clock = clock, .random = random}));
  return service->run(stop_fd);
}

}  // namespace
}  // namespace keytrail::kms

int main(int count, char** texts) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // It never outlives its test.
  const auto ended = keytrail::kms::run(keytrail::kms::arguments_of(count, texts));
  if (ended.ok()) return 0;
  std::fprintf(stderr, "%s\n", ended.error().detail.c_str());
  return 1;
}
