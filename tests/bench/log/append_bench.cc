// How fast facts become durable through the whole store: CURVE, orderer, RocksDB, acknowledgement.
//
//   append_bench [FOLDER] [SECONDS]
// Prints facts/s for appends by 1, by 64 and pipelined, and beside them the bare fdatasync rate of
// the disk and what RocksDB alone does by 512.
// Bodies are encoded beforehand: what an author spends is the author's.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "bus/events/codec.h"
#include "bus/protocol/appender.h"
#include "bus/wire/context.h"
#include "tests/support/chained_facts.h"
#include "tests/support/store_under_test.h"

namespace keytrail {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double fdatasync_rate(const std::string& folder, double seconds) {
  const std::string file = folder + "/fdatasync";
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const std::string block(4096, 'x');
  const auto start = SteadyClock::now();
  double count = 0;
  while (seconds_since(start) < seconds && ::write(fd, block.data(), block.size()) > 0 &&
         ::fdatasync(fd) == 0)
    ++count;
  ::close(fd);
  ::unlink(file.c_str());
  return count / seconds_since(start);
}

double rocksdb_rate(const std::string& folder, double seconds) {
  OsRandom random;
  auto log = eventstore::RocksLog::open(folder + "/alone", random);
  KEYTRAIL_CHECK(log.ok());
  testing::ChainedFacts facts(**log);
  double in_rocksdb = 0;
  double count = 0;
  while (in_rocksdb < seconds) {
    facts.begin();
    for (int i = 0; i < 512; ++i) facts.add("a user of an ordinary length");
    const auto start = SteadyClock::now();
    KEYTRAIL_CHECK((*log)->append(facts.log_batch()).ok());
    in_rocksdb += seconds_since(start);
    count += 512;
  }
  return count / in_rocksdb;
}

// An author without a follower, whose units are ready to send.
class Author {
 public:
  explicit Author(const testing::StoreUnderTest& store, std::size_t in_flight_max)
      : connection_(wire::LogConnection::open(context_, store.log_endpoints(),
                                              keys_ = store.keys_of("kms/kms-1"))
                        .value()),
        appender_({.epoch_stream = "kms/kms-1/epoch", .in_flight_max = in_flight_max}) {
    while (connection_.state() != wire::LogConnection::State::kReady) wait();
  }

  void begin(std::uint64_t epoch) {
    appender_.begin(epoch);
    appender_.on_connected();
    append(part::Event(part::PartStarted{.epoch = epoch, .program_version = "bench"}), 1);
    while (completed_ < 1) step();
  }

  // Facts a second with at most `in_flight` units of `bodies` facts under way.
  double rate(std::size_t in_flight, std::size_t bodies, double seconds) {
    const auto start = SteadyClock::now();
    const std::uint64_t before = completed_;
    while (seconds_since(start) < seconds) {
      while (appender_.in_flight() + appender_.waiting() < in_flight)
        append(part::Event(part::PartStopped{.epoch = 1}), bodies);
      step();
    }
    return static_cast<double>(completed_ - before) * static_cast<double>(bodies) /
           seconds_since(start);
  }

 private:
  void append(const Event& event, std::size_t bodies) {
    protocol::Unit unit;
    unit.bodies.assign(bodies, encoded(event));
    KEYTRAIL_CHECK(appender_.submit(std::move(unit), 0));
  }
  const Bytes& encoded(const Event& event) {
    if (last_event_ == event) return last_body_;
    Body body;
    body.stream = "kms/kms-1/epoch";
    body.user = "a user of an ordinary length";
    body.origin = {.address = "127.0.0.1:41234",
                   .certificate_fingerprint = std::string(64, 'f'),
                   .session = {}};
    body.action.bytes[0] = 1;
    body.event = event;
    last_event_ = event;
    last_body_ = encode_body(body).value();
    return last_body_;
  }
  void wait() {
    wire::wait_readable(
        {&connection_.append_socket(), &connection_.live_socket(), &connection_.read_socket()}, {},
        100);
  }
  void step() {
    send();
    wait();
    const std::vector<wire::Arrival> arrivals = connection_.take_arrivals().value();
    for (const wire::Arrival& arrival : arrivals) {
      if (const auto* acks = std::get_if<wire::AcksArrived>(&arrival))
        appender_.on_acks(acks->acks);
    }
    send();
  }
  void send() {
    protocol::Appender::Outputs outputs = appender_.take_outputs();
    for (const protocol::AppendBatch& batch : outputs.send) connection_.append(batch);
    for (const auto& done : outputs.completed) {
      KEYTRAIL_CHECK(done.ack.outcome == protocol::AppendOutcome::kAccepted);
      ++completed_;
    }
  }

  wire::Context context_;
  wire::CurveKeys keys_;
  wire::LogConnection connection_;
  protocol::Appender appender_;
  std::uint64_t completed_ = 0;  // units
  std::optional<Event> last_event_;
  Bytes last_body_;
};

void run(const std::string& folder, double seconds) {
  std::printf("%-34s %12.0f /s\n", "fdatasync of 4 KiB, bare", fdatasync_rate(folder, seconds));
  std::printf("%-34s %12.0f facts/s\n", "RocksDB alone, synced by 512",
              rocksdb_rate(folder, seconds));
  const testing::StoreUnderTest store({{.name = "kms/kms-1",
                                        .curve_key = {},
                                        .prefixes = {"kms/kms-1"},
                                        .topics = {"kms.change"},
                                        .sockets = {"append", "live", "read"}}});
  Author author(store, protocol::kWindowMax);
  author.begin(1);
  std::printf("%-34s %12.0f facts/s\n", "append by 1, one under way", author.rate(1, 1, seconds));
  std::printf("%-34s %12.0f facts/s\n", "append by 64, one under way", author.rate(1, 64, seconds));
  std::printf("%-34s %12.0f facts/s\n", "pipelined by 1, 4096 under way",
              author.rate(protocol::kWindowMax, 1, seconds));
  std::printf("%-34s %12.0f facts/s\n", "pipelined by 8, 4096 under way",
              author.rate(protocol::kWindowMax, 8, seconds));
}

}  // namespace
}  // namespace keytrail

int main(int argc, char** argv) {
  // The store under test makes its folder below TMPDIR: the same disk as what is measured beside
  // it.
  if (argc > 1) ::setenv("TMPDIR", argv[1], 1);
  const keytrail::testing::TempFolder folder;
  keytrail::run(folder.path(), argc > 2 ? std::atof(argv[2]) : 3.0);
}
