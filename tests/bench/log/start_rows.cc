// What the length of a log costs: the time from its opening to the first append that is durable,
// and the CPU of an append on a short log and on long ones.
#include <sys/resource.h>

#include <algorithm>

#include "tests/bench/log/author.h"
#include "tests/bench/log/bench_rows.h"
#include "tests/bench/log/filled_log.h"

namespace keytrail::bench {

namespace {

constexpr Position kShortLogFacts = 100'000;
constexpr Position kShortLogStreams = 10'000;
constexpr std::uint64_t kAppendsPerRun = 20'000;
constexpr Position kGoalFacts = 10'000'000;
constexpr double kGoalSeconds = 3;

double cpu_us() {
  rusage usage{};
  KEYTRAIL_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

// Seconds. `index`: an author who has not begun in this log.
double first_append(const std::string& log, std::size_t index) {
  wire::Context context;
  const auto start = Steady::now();
  const BenchStore store({Transport::kCurveTcp, log});
  const Author author(context, store, index);
  return seconds_since(start);
}

// A log with a store and an author on it.
struct Appending {
  Appending(const std::string& log, std::size_t index) : store({Transport::kCurveTcp, log}) {
    fleet.push_back(std::make_unique<Author>(context, store, index));
  }
  // CPU of one append, pipelined, store and author together, in microseconds.
  double cpu_of_one() {
    const double before = cpu_us();
    const std::uint64_t from = completed_by(fleet);
    while (completed_by(fleet) - from < kAppendsPerRun) {
      fleet.front()->fill(protocol::kWindowMax);
      Author::wait(fleet);
      fleet.front()->step();
    }
    drain(fleet);
    return (cpu_us() - before) / static_cast<double>(completed_by(fleet) - from);
  }

  BenchStore store;
  wire::Context context;
  Fleet<Author> fleet;
};

std::string facts_of(Position count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

void first_append_row(const BenchOptions& options, const std::string& log) {
  Rounds rounds(options.folder, options.rounds);
  std::size_t index = 0;
  rounds.add("start", [&] { return first_append(log, index++); });
  rounds.run();
  const Series seconds = rounds.of("start");
  Row row{.work = "start with " + facts_of(options.facts) + " facts on " +
                  facts_of(options.streams) + " streams, to the first append",
          .unit = "s",
          .figures = seconds,
          .syncs_per_second = rounds.syncs_per_second(),
          .goals = {}};
  // The goal is for the large log; without it there is none.
  if (options.facts >= kGoalFacts) {
    row.goals = {{.of = "s", .measured = seconds, .bound = Bound::kAtMost, .goal = kGoalSeconds}};
  }
  print_row(row);
}

void cost_row(const BenchOptions& options, const std::string& long_log) {
  const std::string short_log = options.folder + "/short";
  fill_log(short_log, kShortLogFacts, kShortLogStreams);
  Appending on_short(short_log, 0), on_long(long_log, kAuthors - 1);
  Rounds rounds(options.folder, options.rounds);
  rounds.add("short", [&] { return on_short.cpu_of_one(); });
  rounds.add("long", [&] { return on_long.cpu_of_one(); });
  rounds.run();
  print_row({.work = "CPU of one append behind " + facts_of(options.facts) +
                     " facts, store and author, CURVE",
             .unit = "us",
             .figures = rounds.of("long"),
             .syncs_per_second = rounds.syncs_per_second(),
             .goals = {{.of = "x behind " + facts_of(kShortLogFacts),
                        .measured = ratio(rounds.of("long"), rounds.of("short")),
                        .bound = Bound::kAtMost,
                        .goal = 1.1}}});
  print_beside("beside: behind " + facts_of(kShortLogFacts), "us", rounds, "short");
}

}  // namespace

void start_rows(const BenchOptions& options) {
  KEYTRAIL_CHECK(static_cast<std::size_t>(options.rounds) < kAuthors);
  const std::string log = options.folder + "/long";
  fill_log(log, options.facts, options.streams);
  first_append_row(options, log);
  cost_row(options, log);
}

}  // namespace keytrail::bench
