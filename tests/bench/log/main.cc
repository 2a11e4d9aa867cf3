// log_bench: how fast the log is, beside its disk and its peers, as the rows of a table.
//
//   log_bench [--peers] [--large] [--rounds N] [--seconds S] [--facts N] [--only GROUP]…
//     --peers   beside Redis and NATS JetStream, in the same rounds
//     --large   the log that is started with has 10^7 facts on 10^6 streams (6 GB, a minute more)
//     --facts   of the log that is read and started with; its streams are a tenth of them
//     GROUP     append, read, live, start
// All files lie below TMPDIR and go at the end. Nothing here is a test: no time is asserted.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "tests/bench/log/author.h"
#include "tests/bench/log/bench_rows.h"

namespace {

using keytrail::bench::BenchOptions;

constexpr keytrail::Position kFactsPerStream = 10;
constexpr keytrail::Position kLargeFacts = 10'000'000;

struct Group {
  const char* name;
  void (*rows)(const BenchOptions&);
};
constexpr std::array<Group, 4> kGroups{{{"append", keytrail::bench::append_rows},
                                        {"read", keytrail::bench::read_rows},
                                        {"live", keytrail::bench::live_rows},
                                        {"start", keytrail::bench::start_rows}}};

struct Asked {
  BenchOptions options;
  bool peers = false;
  std::set<std::string> only;
};

[[noreturn]] void say_usage() {
  std::fprintf(stderr,
               "usage: log_bench [--peers] [--large] [--rounds N] [--seconds S] [--facts N] "
               "[--only append|read|live|start]...\n");
  std::exit(2);
}

Asked parse(int count, char** arguments) {
  Asked asked;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto value = [&] {
      if (++i >= count) say_usage();
      return std::string(arguments[i]);
    };
    if (name == "--peers") {
      asked.peers = true;
    } else if (name == "--large") {
      asked.options.facts = kLargeFacts;
    } else if (name == "--rounds") {
      asked.options.rounds = std::atoi(value().c_str());
    } else if (name == "--seconds") {
      asked.options.seconds = std::atof(value().c_str());
    } else if (name == "--facts") {
      asked.options.facts = std::strtoull(value().c_str(), nullptr, 10);
    } else if (name == "--only") {
      asked.only.insert(value());
    } else {
      say_usage();
    }
  }
  BenchOptions& options = asked.options;
  options.streams = options.facts / kFactsPerStream;
  if (options.rounds < 1 || options.seconds <= 0 || options.streams == 0) say_usage();
  return asked;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace keytrail::bench;  // NOLINT: a program of one page.
  Asked asked = parse(count, arguments);
  BenchOptions& options = asked.options;
  std::unique_ptr<Peer> redis;
  std::unique_ptr<Peer> nats;
  if (asked.peers) {
    redis = start_redis(kBodyBytes);
    nats = start_nats(kBodyBytes);
    options.redis = redis.get();
    options.nats = nats.get();
  }
  print_header();
  for (const Group& group : kGroups) {
    if (!asked.only.empty() && !asked.only.contains(group.name)) continue;
    const keytrail::testing::TempFolder folder;
    options.folder = folder.path();
    group.rows(options);
  }
  return 0;
}
