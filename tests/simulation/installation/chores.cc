#include "tests/simulation/installation/chores.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kPatience = 20 * kSecond;
constexpr TimeNs kRetryAfter = 300 * kMs;

}  // namespace

void Chores::next() {
  if (are_done()) {
    if (on_done) on_done();
    return;
  }
  const std::uint64_t attempt = ++attempt_;
  world_.after(kPatience, [this, attempt] {
    if (attempt == attempt_) next();
  });
  chores_[at_].attempt([this, attempt](bool done) {
    if (attempt != attempt_) return;
    ++attempt_;
    if (done) world_.note(who_ + ": " + chores_[at_++].name + " is done");
    world_.after(done ? 0 : kRetryAfter, [this] { next(); });
  });
}

}  // namespace keytrail::simulation
