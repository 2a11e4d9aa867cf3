// Live delay: from an append's acknowledgement at its author to the fact at each of seven
// subscribers, at 20,000 facts a second; and what publishing costs the store meanwhile.
#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "bus/protocol/message_codec.h"
#include "tests/bench/log/author.h"
#include "tests/bench/log/bench_rows.h"
#include "tests/bench/log/without_curve.h"

namespace keytrail::bench {

namespace {

constexpr std::size_t kFollowers = 7;
constexpr double kFactsPerSecond = 20'000;
constexpr int kPatienceMs = 1000;
constexpr double kNsPerUs = 1000;
constexpr double kNsPerMs = 1e6;
constexpr Position kPositionsMax = 1'000'000;

using Ns = std::int64_t;
Ns now_ns() { return Steady::now().time_since_epoch().count(); }

// What the thread has run so far, by the scheduler's own account.
Ns cpu_ns(pid_t thread) {
  Ns ran = 0;
  std::ifstream("/proc/self/task/" + std::to_string(thread) + "/schedstat") >> ran;
  return ran;
}

// Seven subscribers on a thread: when each had which position.
class Followers {
 public:
  Followers(wire::Context& context, const BenchStore& store) {
    const wire::LogEndpoints at = store.log_endpoints();
    for (std::size_t i = 0; i < kFollowers; ++i) {
      sockets_.push_back(wire::Socket::connect(context, wire::SocketKind::kSub, at.live,
                                               at.server_key, store.keys_of(i),
                                               {.messages_max = 4096})
                             .value());
      sockets_.back().subscribe("kms.note");
      had_at_[i].resize(kPositionsMax);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Followers() { stop(); }
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  // The last position that all of them have.
  [[nodiscard]] Position reached() const {
    Position least = last_[0];
    for (const auto& last : last_) least = std::min(least, last.load());
    return least;
  }
  void stop() {
    stop_.set();
    if (thread_.joinable()) thread_.join();
  }
  // REQUIRES: stopped, and all had it.
  [[nodiscard]] Ns had_at(std::size_t follower, Position position) const {
    return had_at_[follower].at(position);
  }

 private:
  void run() {
    const std::array<int, 1> fds{stop_.fd()};
    while (!stop_.is_set()) {
      wait(fds, std::make_index_sequence<kFollowers>());
      for (std::size_t i = 0; i < kFollowers; ++i) take(i);
    }
  }
  template <std::size_t... kIndex>
  void wait(std::span<const int> fds, std::index_sequence<kIndex...>) {
    wire::wait_readable({&sockets_[kIndex]...}, fds, kPatienceMs);
  }
  void take(std::size_t follower) {
    wire::Socket& socket = sockets_[follower];
    (void)socket.take_connection_changes();
    wire::Message message;
    while (socket.receive(message)) {
      if (message.frames.size() != 3) continue;  // a head
      const Ns now = now_ns();
      const auto header = protocol::decode_batch_header(message.frames[1]).value();
      KEYTRAIL_CHECK(header.last < kPositionsMax);
      for (Position p = header.first; p <= header.last; ++p) had_at_[follower][p] = now;
      last_[follower] = header.last;
    }
  }

  std::vector<wire::Socket> sockets_;
  std::array<std::vector<Ns>, kFollowers> had_at_;
  std::array<std::atomic<Position>, kFollowers> last_{};
  wire::WakeEvent stop_;
  std::thread thread_;
};

struct Figures {
  double p50_us = 0;
  double p99_us = 0;
  double publishing_cores = 0;
};

// Appends at the pace until `seconds` are over and all followers have all of it.
Figures measure(const BenchOptions& options, int round) {
  BenchStore store({Transport::kCurveTcp, options.folder + "/live-" + std::to_string(round)});
  wire::Context author_context;
  wire::Context follower_context;
  Author author(author_context, store, kAuthors - 1);
  Followers followers(follower_context, store);

  std::vector<std::pair<Position, Ns>> acknowledged;
  author.on_ack([&](const protocol::Ack& ack) { acknowledged.emplace_back(ack.first, now_ns()); });
  while (followers.reached() == 0) {  // Until each subscription is granted.
    author.fill(1);
    author.wait_ms(1);
    author.step();
  }
  acknowledged.clear();

  const Ns cpu_before = cpu_ns(granting_thread());
  const auto start = Steady::now();
  double sent = 0;
  for (double past = 0; (past = seconds_since(start)) < options.seconds;) {
    for (; sent < past * kFactsPerSecond; ++sent) author.append();
    author.send();
    author.wait_ms(1);
    author.step();
  }
  const double elapsed = seconds_since(start);
  const Ns cpu = cpu_ns(granting_thread()) - cpu_before;
  while (author.in_flight() > 0 || followers.reached() < acknowledged.back().first) {
    author.wait_ms(1);
    author.step();
  }
  followers.stop();

  Series delays_us;
  for (const auto& [position, at] : acknowledged) {
    for (std::size_t i = 0; i < kFollowers; ++i) {
      const Ns delay = std::max<Ns>(followers.had_at(i, position) - at, 0);  // It may come first.
      delays_us.push_back(static_cast<double>(delay) / kNsPerUs);
    }
  }
  return {.p50_us = percentile(delays_us, 0.5),
          .p99_us = percentile(delays_us, 0.99),
          .publishing_cores = static_cast<double>(cpu) / (elapsed * 1e9)};
}

}  // namespace

void live_rows(const BenchOptions& options) {
  Rounds rounds(options.folder, options.rounds);
  Figures last;
  int round = 0;
  rounds.add("p50", [&] { return (last = measure(options, ++round)).p50_us; });
  rounds.add("p99", [&] { return last.p99_us; });
  rounds.add("cores", [&] { return last.publishing_cores; });
  rounds.run();

  Series p99_ms = rounds.of("p99");
  for (double& figure : p99_ms) figure *= kNsPerUs / kNsPerMs;
  print_row({.work = "live delay, acknowledged to subscriber, 20 k/s, 7 followers, CURVE: p99",
             .unit = "us",
             .figures = rounds.of("p99"),
             .syncs_per_second = rounds.syncs_per_second(),
             .goals = {{.of = "ms", .measured = p99_ms, .bound = Bound::kAtMost, .goal = 5}}});
  print_row(
      {.work = "the same: CPU of the publishing thread",
       .unit = "cores",
       .figures = rounds.of("cores"),
       .syncs_per_second = rounds.syncs_per_second(),
       .goals = {
           {.of = "cores", .measured = rounds.of("cores"), .bound = Bound::kAtMost, .goal = 0.3}}});
  print_beside("beside: its p50", "us", rounds, "p50");
}

}  // namespace keytrail::bench
