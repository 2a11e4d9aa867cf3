// An event store in a process of its own, to be killed: store_process FOLDER honest|eager
//
// FOLDER holds server.key and author.key. Where it listens is written to FOLDER/endpoints, and used
// again by the next process. Ends with the test that started it.
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bus/wire/wake_event.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/service/service.h"
#include "tests/support/eager_log.h"

namespace keytrail::eventstore {
namespace {

constexpr std::chrono::milliseconds kEagerDelay{30};

StoreEndpoints read_endpoints(const std::string& file) {
  const std::string any = "tcp://127.0.0.1:*";
  StoreEndpoints at{any, any, any, any};
  std::ifstream in(file);
  if (in) in >> at.append >> at.live >> at.read >> at.command;
  return at;
}

void write_endpoints(const std::string& file, const StoreEndpoints& at) {
  std::ofstream(file + ".new") << at.append << '\n'
                               << at.live << '\n'
                               << at.read << '\n'
                               << at.command << '\n';
  std::filesystem::rename(file + ".new", file);
}

Result<void> serve(const std::string& folder, bool eager) {
  OsRandom random;
  const SystemClock clock;
  const std::unique_ptr<RocksLog> disk = TRY(RocksLog::open(folder + "/db", random));
  std::unique_ptr<testing::EagerLog> eager_log;
  if (eager) eager_log = std::make_unique<testing::EagerLog>(*disk, kEagerDelay);
  EventLog& log = eager ? static_cast<EventLog&>(*eager_log) : *disk;

  wire::CurveKeys keys = TRY(wire::read_curve_keys(folder + "/server.key"));
  const wire::CurveKeys author = TRY(wire::read_curve_keys(folder + "/author.key"));
  const std::unique_ptr<Service> service =
      TRY(Service::start(log,
                         {.name = "store-1",
                          .installation = "crash",
                          .program_version = "test",
                          .endpoints = read_endpoints(folder + "/endpoints"),
                          .keys = std::move(keys),
                          .checkpoint_file = folder + "/checkpoint",
                          .checkpoint_key = SecretBytes(32),
                          .identities = {{.name = "kms/kms-1",
                                          .curve_key = author.public_key,
                                          .prefixes = {"kms/kms-1"},
                                          .topics = {"kms.change", "kms.note"},
                                          .sockets = {"append", "live", "read"}}}},
                         clock, random));
  write_endpoints(folder + "/endpoints", service->endpoints());
  const wire::WakeEvent never;
  return service->run(never.fd());
}

}  // namespace
}  // namespace keytrail::eventstore

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 3) return 2;
  const auto served = keytrail::eventstore::serve(argv[1], std::string(argv[2]) == "eager");
  if (!served.ok()) std::fprintf(stderr, "store_process: %s\n", served.error().detail.c_str());
  return served.ok() ? 0 : 1;
}
