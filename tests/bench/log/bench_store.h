// BenchStore: a real event store in this process, over a log in a folder, for authors kms/kms-1 to
// kms/kms-64.
//
//   BenchStore store({.transport = Transport::kPlainIpc, .log_folder = …});
// What it needs besides the log lies in a folder of its own, which goes with it; the log stays.
// Runs on its own threads; one thread besides. What fails ends the program: no figure is better
// than one of something that did not run.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "bus/wire/log_connection.h"
#include "bus/wire/wake_event.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/service/service.h"
#include "tests/support/temp_folder.h"

namespace keytrail::bench {

enum class Transport {
  kCurveTcp,  // as in production, over loopback
  kPlainIpc,  // Unix sockets without CURVE: see without_curve.h
};

inline constexpr std::size_t kAuthors = 64;
[[nodiscard]] std::string author_name(std::size_t index);  // from 0: "kms/kms-1"

class BenchStore {
 public:
  struct Options {
    Transport transport = Transport::kCurveTcp;
    std::string log_folder;
  };
  explicit BenchStore(Options options);
  ~BenchStore();
  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  [[nodiscard]] Transport transport() const { return options_.transport; }
  [[nodiscard]] wire::LogEndpoints log_endpoints() const;
  // What this author's sockets are made with.
  [[nodiscard]] wire::CurveKeys keys_of(std::size_t index) const;
  [[nodiscard]] eventstore::EventLog& log() { return *log_; }

 private:
  [[nodiscard]] eventstore::ServiceOptions service_options();

  Options options_;
  testing::TempFolder folder_;
  OsRandom random_;
  SystemClock clock_;
  wire::CurveKeys server_keys_ = wire::make_curve_keys(random_);
  std::vector<wire::CurveKeys> keys_;
  std::unique_ptr<eventstore::RocksLog> log_;
  std::unique_ptr<eventstore::Service> service_;
  wire::WakeEvent stop_;
  std::thread thread_;
};

}  // namespace keytrail::bench
