// Durable appends through the whole store, and through its peers: pipelined, by 64 clients that
// wait for each answer, by one.
#include "tests/bench/log/author.h"
#include "tests/bench/log/bench_rows.h"
#include "tests/bench/log/filled_log.h"
#include "tests/bench/log/round_trip.h"

namespace keytrail::bench {

namespace {

constexpr std::size_t kPipelined = protocol::kWindowMax;
constexpr std::size_t kClients = kAuthors;

// Redis over its Unix socket, Redis and NATS over loopback, each with `clients` connections that
// stand for all rounds.
class PeerFleets {
 public:
  PeerFleets(const BenchOptions& options, std::size_t clients) {
    if (options.redis != nullptr) {
      redis_unix_ = line_clients(options.redis->unix_address, options.redis->protocol, clients);
      redis_tcp_ = line_clients(options.redis->tcp_address, options.redis->protocol, clients);
    }
    if (options.nats != nullptr)
      nats_ = line_clients(options.nats->tcp_address, options.nats->protocol, clients);
  }
  void add_to(Rounds& rounds, const std::function<double(Fleet<LineClient>&)>& run) {
    if (!redis_unix_.empty()) rounds.add("redis unix", [this, run] { return run(redis_unix_); });
    if (!redis_tcp_.empty()) rounds.add("redis tcp", [this, run] { return run(redis_tcp_); });
    if (!nats_.empty()) rounds.add("nats", [this, run] { return run(nats_); });
  }

 private:
  Fleet<LineClient> redis_unix_, redis_tcp_, nats_;
};

void print_peers(const BenchOptions& options, const std::string& work, const std::string& unit,
                 const Rounds& rounds) {
  if (options.redis == nullptr) return;
  print_beside("beside: " + options.redis->name + ", " + work + ", Unix socket", unit, rounds,
               "redis unix");
  print_beside("beside: " + options.redis->name + ", " + work + ", tcp", unit, rounds, "redis tcp");
  print_beside("beside: " + options.nats->name + ", " + work + ", tcp", unit, rounds, "nats");
}

// Facts a second, with units of `unit_facts`.
struct Pipelined {
  Pipelined(wire::Context& context, const BenchStore& store, std::size_t index,
            std::size_t unit_facts)
      : facts(static_cast<double>(unit_facts)) {
    fleet.push_back(std::make_unique<Author>(context, store, index, unit_facts));
  }
  double rate(double seconds) { return facts * bench::rate(fleet, kPipelined, seconds); }

  double facts;
  Fleet<Author> fleet;
};

void pipelined_rows(const BenchOptions& options) {
  const BenchStore plain({Transport::kPlainIpc, options.folder + "/pipelined-ipc"});
  const BenchStore curve({Transport::kCurveTcp, options.folder + "/pipelined-curve"});
  wire::Context context;
  Pipelined plain_by_1(context, plain, 0, 1), plain_by_8(context, plain, 1, 8);
  Pipelined curve_by_1(context, curve, 0, 1), curve_by_8(context, curve, 1, 8);
  RocksAlone rocks(options.folder + "/rocksdb");
  PeerFleets peers(options, 1);

  const double seconds = options.seconds;
  Rounds rounds(options.folder, options.rounds);
  rounds.add("ipc by 1", [&] { return plain_by_1.rate(seconds); });
  rounds.add("ipc by 8", [&] { return plain_by_8.rate(seconds); });
  peers.add_to(rounds, [&](auto& fleet) { return rate(fleet, kPipelined, seconds); });
  rounds.add("curve by 1", [&] { return curve_by_1.rate(seconds); });
  rounds.add("curve by 8", [&] { return curve_by_8.rate(seconds); });
  rounds.add("rocksdb 64", [&] { return rocks.rate(64, seconds); });
  rounds.add("rocksdb 512", [&] { return rocks.rate(512, seconds); });
  rounds.run();

  const auto row = [&](const std::string& work, const std::string& name, const std::string& redis,
                       double redis_goal, double rocksdb_goal) {
    const Series figures = rounds.of(name);
    std::vector<Goal> goals{
        {.of = "x Redis", .measured = ratio(figures, rounds.of(redis)), .goal = redis_goal}};
    if (rocksdb_goal > 0) {
      goals.push_back({.of = "x RocksDB by 512",
                       .measured = ratio(figures, rounds.of("rocksdb 512")),
                       .goal = rocksdb_goal});
    }
    print_row({.work = work,
               .unit = "facts/s",
               .figures = figures,
               .syncs_per_second = rounds.syncs_per_second(),
               .goals = std::move(goals)});
  };
  row("durable append, pipelined, ipc without CURVE, units of 1", "ipc by 1", "redis unix", 2, 0.5);
  row("the same, units of 8", "ipc by 8", "redis unix", 2, 0.5);
  row("durable append, pipelined, CURVE over tcp, units of 1", "curve by 1", "redis tcp", 1, 0);
  row("the same, units of 8", "curve by 8", "redis tcp", 1, 0);
  print_beside("beside: RocksDB alone, synced by 64", "facts/s", rounds, "rocksdb 64");
  print_beside("beside: RocksDB alone, synced by 512", "facts/s", rounds, "rocksdb 512");
  print_peers(options, "pipelined", "facts/s", rounds);
}

void client_rows(const BenchOptions& options) {
  const BenchStore plain({Transport::kPlainIpc, options.folder + "/clients-ipc"});
  const BenchStore curve({Transport::kCurveTcp, options.folder + "/clients-curve"});
  wire::Context context;
  Fleet<Author> over_ipc = authors(context, plain, kClients);
  Fleet<Author> over_curve = authors(context, curve, kClients);
  PeerFleets peers(options, kClients);

  Rounds rounds(options.folder, options.rounds);
  rounds.add("ipc", [&] { return rate(over_ipc, 1, options.seconds); });
  peers.add_to(rounds, [&](auto& fleet) { return rate(fleet, 1, options.seconds); });
  rounds.add("curve", [&] { return rate(over_curve, 1, options.seconds); });
  rounds.run();

  const auto row = [&](const std::string& work, const std::string& name, const std::string& redis,
                       double goal) {
    const Series figures = rounds.of(name);
    print_row(
        {.work = work,
         .unit = "facts/s",
         .figures = figures,
         .syncs_per_second = rounds.syncs_per_second(),
         .goals = {{.of = "x Redis", .measured = ratio(figures, rounds.of(redis)), .goal = goal}}});
  };
  row("64 clients, one append at a time, ipc without CURVE", "ipc", "redis unix", 1.2);
  row("64 clients, one append at a time, CURVE over tcp", "curve", "redis tcp", 0.8);
  print_peers(options, "64 clients", "facts/s", rounds);
}

// 1.5 bare syncs and one round trip, round by round.
Series allowed_us(const Rounds& rounds, const Series& round_trips) {
  Series allowed;
  for (std::size_t i = 0; i < round_trips.size(); ++i)
    allowed.push_back(1.5 * rounds.sync_us()[i] + round_trips[i]);
  return allowed;
}

void one_client_rows(const BenchOptions& options) {
  const BenchStore plain({Transport::kPlainIpc, options.folder + "/one-ipc"});
  const BenchStore curve({Transport::kCurveTcp, options.folder + "/one-curve"});
  wire::Context context;
  Fleet<Author> over_ipc = authors(context, plain, 1);
  Fleet<Author> over_curve = authors(context, curve, 1);
  RoundTrip ipc_trip(Transport::kPlainIpc), curve_trip(Transport::kCurveTcp);
  PeerFleets peers(options, 1);

  Rounds rounds(options.folder, options.rounds);
  rounds.add("ipc", [&] { return p50_us(over_ipc, options.seconds); });
  peers.add_to(rounds, [&](auto& fleet) { return p50_us(fleet, options.seconds); });
  rounds.add("curve", [&] { return p50_us(over_curve, options.seconds); });
  rounds.add("trip ipc", [&] { return ipc_trip.p50_us(options.seconds / 4); });
  rounds.add("trip curve", [&] { return curve_trip.p50_us(options.seconds / 4); });
  rounds.run();

  const auto row = [&](const std::string& work, const std::string& name, const std::string& redis,
                       const std::string& trip) {
    const Series figures = rounds.of(name);
    print_row({.work = work,
               .unit = "us",
               .figures = figures,
               .syncs_per_second = rounds.syncs_per_second(),
               .goals = {{.of = "x Redis's p50",
                          .measured = ratio(figures, rounds.of(redis)),
                          .bound = Bound::kAtMost,
                          .goal = 1},
                         {.of = "x (1.5 bare syncs + a ZeroMQ round trip)",
                          .measured = ratio(figures, allowed_us(rounds, rounds.of(trip))),
                          .bound = Bound::kAtMost,
                          .goal = 1}}});
  };
  row("one client, one at a time, ipc without CURVE: p50", "ipc", "redis unix", "trip ipc");
  row("one client, one at a time, CURVE over tcp: p50", "curve", "redis tcp", "trip curve");
  print_row({.work = "beside: one bare fdatasync: p50",
             .unit = "us",
             .figures = rounds.sync_us(),
             .syncs_per_second = rounds.syncs_per_second(),
             .goals = {}});
  print_beside("beside: a ZeroMQ round trip, ipc: p50", "us", rounds, "trip ipc");
  print_beside("beside: a ZeroMQ round trip, CURVE over tcp: p50", "us", rounds, "trip curve");
  print_peers(options, "one client: p50", "us", rounds);
}

}  // namespace

void append_rows(const BenchOptions& options) {
  pipelined_rows(options);
  client_rows(options);
  one_client_rows(options);
}

}  // namespace keytrail::bench
