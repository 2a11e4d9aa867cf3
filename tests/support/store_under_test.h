// StoreUnderTest: a real event store on free ports of loopback, over RocksDB in a temporary folder.
//
//   StoreUnderTest store({{.name = "kms/kms-1", .prefixes = {…}, .topics = {…}, .sockets = {…}}});
//   wire::LogLink link(context, {.endpoints = store.log_endpoints(), …},
//                      store.keys_of("kms/kms-1"), clock);
// The store runs on its own thread; stop() and start() restart it over the same log. One thread
// besides.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bus/wire/log_connection.h"
#include "bus/wire/wake_event.h"
#include "eventstore/log/rocks_log.h"
#include "eventstore/service/service.h"
#include "tests/support/temp_folder.h"

namespace keytrail::testing {

class StoreUnderTest {
 public:
  // Keys of `identities` may be empty: they are made.
  explicit StoreUnderTest(std::vector<eventstore::Identity> identities)
      : StoreUnderTest(std::move(identities), nullptr) {}
  // Over a log of the test's own, which outlives it.
  StoreUnderTest(std::vector<eventstore::Identity> identities, eventstore::EventLog& log)
      : StoreUnderTest(std::move(identities), &log) {}
  ~StoreUnderTest() { [[maybe_unused]] const auto ended = stop(); }
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;

  void start() {
    auto log = eventstore::RocksLog::open(folder_.file("db"), random_);
    KEYTRAIL_CHECK(log.ok());
    log_ = std::move(log).value();
    start_over(*log_);
  }

  // Orderly. Gives what run() gave.
  [[nodiscard]] Result<void> stop() {
    stop_.set();
    return wait();
  }
  // Until it ends by itself.
  [[nodiscard]] Result<void> wait() {
    if (!thread_.joinable()) return outcome_;
    thread_.join();
    service_.reset();
    log_.reset();
    return outcome_;
  }

  [[nodiscard]] eventstore::ServiceOptions options() const {
    return {.name = "store-1",
            .installation = "test",
            .program_version = "test",
            .endpoints = endpoints_,
            .keys = copy_of(server_keys_),
            .checkpoint_file = folder_.file("checkpoint"),
            .checkpoint_key = checkpoint_key_.clone(),
            .identities = identities_};
  }

  [[nodiscard]] wire::LogEndpoints log_endpoints() const {
    return {endpoints_.append, endpoints_.live, endpoints_.read, server_keys_.public_key};
  }
  [[nodiscard]] const std::string& command_endpoint() const { return endpoints_.command; }
  [[nodiscard]] const std::string& server_key() const { return server_keys_.public_key; }
  [[nodiscard]] wire::CurveKeys keys_of(const std::string& name) const {
    return copy_of(keys_.at(name));
  }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }
  [[nodiscard]] eventstore::RocksLog& log() { return *log_; }

  [[nodiscard]] static wire::CurveKeys copy_of(const wire::CurveKeys& keys) {
    return {.public_key = keys.public_key, .secret_key = keys.secret_key.clone()};
  }

 private:
  StoreUnderTest(std::vector<eventstore::Identity> identities, eventstore::EventLog* log)
      : identities_(std::move(identities)) {
    for (eventstore::Identity& identity : identities_) {
      keys_.emplace(identity.name, wire::make_curve_keys(random_));
      identity.curve_key = keys_.at(identity.name).public_key;
    }
    if (log != nullptr)
      start_over(*log);
    else
      start();
  }
  void start_over(eventstore::EventLog& log) {
    auto service = eventstore::Service::start(log, options(), clock_, random_);
    if (!service.ok()) fprintf(stderr, "%s\n", service.error().detail.c_str());
    KEYTRAIL_CHECK(service.ok());
    service_ = std::move(service).value();
    endpoints_ = service_->endpoints();  // Asked for any port first; the same one from then on.
    stop_.clear();
    thread_ = std::thread([this] { outcome_ = service_->run(stop_.fd()); });
  }

  TempFolder folder_;
  OsRandom random_;
  SystemClock clock_;
  wire::CurveKeys server_keys_ = wire::make_curve_keys(random_);
  SecretBytes checkpoint_key_ = random_.secret(32);
  std::vector<eventstore::Identity> identities_;
  std::map<std::string, wire::CurveKeys> keys_;
  eventstore::StoreEndpoints endpoints_{"tcp://127.0.0.1:*", "tcp://127.0.0.1:*",
                                        "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"};
  std::unique_ptr<eventstore::RocksLog> log_;
  std::unique_ptr<eventstore::Service> service_;
  wire::WakeEvent stop_;
  std::thread thread_;
  Result<void> outcome_;
};

}  // namespace keytrail::testing
