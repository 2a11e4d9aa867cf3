#include "tests/simulation/log_simulation.h"

#include <memory>

#include "tests/simulation/audit.h"
#include "tests/simulation/history.h"

namespace keytrail::simulation {
namespace {

constexpr int kKeepers = 3;
constexpr int kAsks = 120;
constexpr TimeNs kQuietMax = 120 * kSecond;

class LogSimulation {
 public:
  LogSimulation(std::uint64_t seed, const PlantedBugs& bugs)
      : world_(seed), store_(world_, identities(), disk_, bugs.store) {
    for (int i = 1; i <= kKeepers; ++i) {
      keepers_.push_back(std::make_unique<Keeper>(world_, store_, wire_,
                                                  "kms/kms-" + std::to_string(i), bugs.author));
    }
  }

  Verdict run() {
    choose_faults();
    store_.start();
    for (const auto& keeper : keepers_) keeper->start();
    world_.after(200 * kMs, [this] { ask_something(); });
    if (crashes_) world_.after(300 * kMs, [this] { crash_something(); });
    const bool asked = world_.run(kQuietMax, [this] { return asked_ == kAsks; });
    be_quiet();
    const bool idle = world_.run(kQuietMax, [this] { return is_idle(); });
    if (!world_.failure() && !(asked && idle)) world_.fail("it does not come to rest");
    const test::MemoryLog& log = store_.log();
    for (const auto& wrong : {audit_form(log), audit_acknowledged(log, store_.acknowledged()),
                              audit_keys(log), history_.check(log)}) {
      if (wrong) world_.fail(*wrong);
    }
    return {world_.failure(), world_.transcript(), history_.answers(), store_.log().head()};
  }

 private:
  static std::vector<eventstore::Identity> identities() {
    std::vector<eventstore::Identity> identities;
    for (int i = 1; i <= kKeepers; ++i) {
      identities.push_back({.name = "kms/kms-" + std::to_string(i),
                            .curve_key = std::string(40, static_cast<char>('0' + i)),
                            .prefixes = {"kms/c"},
                            .sockets = {"append", "live", "read"}});
    }
    return identities;
  }

  // Each seed has its own weather, some none at all.
  void choose_faults() {
    auto& random = world_.random();
    wire_.delay_max = (1 + random.below(20)) * kMs;
    wire_.slow = random.chance(0.5) ? 0.05 : 0;
    wire_.broken = random.chance(0.5) ? 0.02 : 0;
    store_.set_drop_chance(random.chance(0.5) ? 0.05 : 0);
    disk_.sync_max = (1 + random.below(30)) * kMs;
    disk_.failing = random.chance(0.3) ? 0.01 : 0;
    crashes_ = random.chance(0.8);
  }

  void be_quiet() {
    wire_ = {};
    disk_ = {};
    store_.set_drop_chance(0);
    crashes_ = false;
    if (!store_.is_up()) store_.start();
    for (const auto& keeper : keepers_) {
      if (!keeper->is_up()) keeper->start();
    }
  }

  bool is_idle() {
    if (!store_.is_up()) return false;
    for (const auto& keeper : keepers_) {
      if (!keeper->is_idle()) return false;
    }
    return true;
  }

  void ask_something() {
    auto& random = world_.random();
    Ask ask;
    ask.kind = static_cast<Ask::Kind>(random.below(6));
    if (ask.kind == Ask::Kind::kDestroy && random.chance(0.6)) ask.kind = Ask::Kind::kRelease;
    ask.object = "k" + std::to_string(random.below(2 + static_cast<std::uint64_t>(asked_) / 8));
    ask.client = "client-" + std::to_string(random.below(2));
    Keeper& keeper = *keepers_[random.below(kKeepers)];
    const History::Entry entry = history_.asked(ask, world_.monotonic());
    keeper.ask(ask, [this, entry](const Reply& reply) {
      history_.answered(entry, reply, world_.monotonic(), store_.log());
    });
    if (++asked_ == kAsks) return;
    world_.after(random.below(40 * kMs), [this] { ask_something(); });
  }

  void crash_something() {
    if (!crashes_) return;
    auto& random = world_.random();
    const TimeNs down = random.below(200 * kMs);
    if (random.chance(0.4)) {
      store_.crash();
      world_.after(down, [this] {
        if (!store_.is_up()) store_.start();
      });
    } else {
      Keeper& keeper = *keepers_[random.below(kKeepers)];
      keeper.crash();
      world_.after(down, [&keeper] {
        if (!keeper.is_up()) keeper.start();
      });
    }
    world_.after(random.below(1500 * kMs), [this] { crash_something(); });
  }

  World world_;
  WireFaults wire_;
  DiskFaults disk_;
  StoreTwin store_;
  std::vector<std::unique_ptr<Keeper>> keepers_;
  History history_;
  bool crashes_ = false;
  int asked_ = 0;
};

}  // namespace

Verdict run_log_simulation(std::uint64_t seed, const PlantedBugs& bugs) {
  return LogSimulation(seed, bugs).run();
}

}  // namespace keytrail::simulation
