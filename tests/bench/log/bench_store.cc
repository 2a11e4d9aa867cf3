#include "tests/bench/log/bench_store.h"

#include <cstdio>
#include <optional>

#include "tests/bench/log/without_curve.h"

namespace keytrail::bench {

std::string author_name(std::size_t index) { return "kms/kms-" + std::to_string(index + 1); }

BenchStore::BenchStore(Options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < kAuthors; ++i) keys_.push_back(wire::make_curve_keys(random_));
  log_ = eventstore::RocksLog::open(options_.log_folder, random_).value();
  std::optional<WithoutCurve> plain;
  if (options_.transport == Transport::kPlainIpc) plain.emplace();
  service_ = eventstore::Service::start(*log_, service_options(), clock_, random_).value();
  thread_ = std::thread([this] {
    const Result<void> ended = service_->run(stop_.fd());
    if (!ended.ok()) std::fprintf(stderr, "the store ended: %s\n", ended.error().detail.c_str());
    KEYTRAIL_CHECK(ended.ok());
  });
}

BenchStore::~BenchStore() {
  stop_.set();
  thread_.join();
}

eventstore::ServiceOptions BenchStore::service_options() {
  std::vector<eventstore::Identity> identities;
  for (std::size_t i = 0; i < kAuthors; ++i) {
    identities.push_back({.name = author_name(i),
                          .curve_key = keys_[i].public_key,
                          .prefixes = {author_name(i)},
                          .topics = {"kms.change", "kms.note"},
                          .sockets = {"append", "live", "read"}});
  }
  const auto at = [this](const std::string& socket) {
    return options_.transport == Transport::kPlainIpc ? "ipc://" + folder_.file(socket)
                                                      : std::string("tcp://127.0.0.1:*");
  };
  return {.name = "store-1",
          .installation = "bench",
          .program_version = "bench",
          .endpoints = {at("append"), at("live"), at("read"), at("command")},
          .keys = {server_keys_.public_key, server_keys_.secret_key.clone()},
          .checkpoint_file = folder_.file("checkpoint"),
          .checkpoint_key = random_.secret(32),
          .identities = std::move(identities)};
}

wire::LogEndpoints BenchStore::log_endpoints() const {
  const eventstore::StoreEndpoints& at = service_->endpoints();
  return {at.append, at.live, at.read, server_keys_.public_key};
}

wire::CurveKeys BenchStore::keys_of(std::size_t index) const {
  const wire::CurveKeys& keys = keys_.at(index);
  return {.public_key = transport() == Transport::kPlainIpc ? author_name(index) : keys.public_key,
          .secret_key = keys.secret_key.clone()};
}

}  // namespace keytrail::bench
