// Measure: figures that can be compared, on a machine that is not always equally fast.
//
//   Rounds rounds(folder, 5);
//   rounds.add("redis", [&] { return …; });    one run, one figure
//   rounds.add("ours", [&] { return …; });
//   rounds.run();      one warm round, then A B A B …, the bare fdatasync before each of them
//   print_row({.work = "append", .unit = "facts/s", .figures = rounds.of("ours"), …});
// Ratios are made round by round, of runs that were neighbours, and then their median is taken.
// Rates are per second, delays in microseconds. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keytrail::bench {

using Steady = std::chrono::steady_clock;
[[nodiscard]] double seconds_since(Steady::time_point start);

// One figure a run. Empty: it was not run.
using Series = std::vector<double>;

// `part` from 0 to 1: 0.5 is the median. REQUIRES: `values` is not empty.
[[nodiscard]] double percentile(Series values, double part);
[[nodiscard]] double median(const Series& values);
// Run by run; empty if one of the two was not run.
[[nodiscard]] Series ratio(const Series& of, const Series& to);

// What this disk takes for 4 KiB at the end of a file and fdatasync, in microseconds each, for
// `seconds`: what bounds every append that is durable.
[[nodiscard]] Series bare_syncs_us(const std::string& folder, double seconds);

class Rounds {
 public:
  // `folder` lies on the disk whose syncs are measured beside. REQUIRES: count > 0.
  Rounds(std::string folder, int count) : folder_(std::move(folder)), count_(count) {}

  void add(std::string name, std::function<double()> run);
  void run();

  // Empty for a name that was not added: a peer that is not here.
  [[nodiscard]] Series of(std::string_view name) const;
  [[nodiscard]] const Series& syncs_per_second() const { return syncs_; }
  [[nodiscard]] const Series& sync_us() const { return sync_us_; }  // the median of each round

 private:
  struct Contender {
    std::string name;
    std::function<double()> run;
    Series figures;
  };

  std::string folder_;
  int count_;
  std::vector<Contender> contenders_;
  Series syncs_;
  Series sync_us_;
};

enum class Bound { kAtLeast, kAtMost };

// `measured` against `goal`; said to be not run when it is empty.
struct Goal {
  std::string of;  // "x Redis", "M facts/s"
  Series measured;
  Bound bound = Bound::kAtLeast;
  double goal = 0;
};

struct Row {
  std::string work;
  std::string unit;
  Series figures;
  Series syncs_per_second;
  std::vector<Goal> goals;
};

// The lines of a table in Markdown, as they stand in the README.
void print_header();
void print_row(const Row& row);
// A peer's figure, which has no goal. Nothing is printed of what was not run.
void print_beside(const std::string& work, const std::string& unit, const Rounds& rounds,
                  std::string_view name);

}  // namespace keytrail::bench
