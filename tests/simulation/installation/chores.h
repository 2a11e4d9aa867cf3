// Chores: things that somebody does one after the other; each is tried until it is done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace keytrail::simulation {

class Chores {
 public:
  // Does it, and says whether that was it; or never says anything.
  using Attempt = std::function<void(std::function<void(bool done)>)>;

  Chores(World& world, std::string who) : world_(world), who_(std::move(who)) {}
  void add(std::string name, Attempt attempt) {
    chores_.push_back({std::move(name), std::move(attempt)});
  }
  void start() { next(); }
  [[nodiscard]] bool are_done() const { return at_ == chores_.size(); }
  // "vm-1: encrypt"; REQUIRES: they are not done.
  [[nodiscard]] std::string current() const { return who_ + ": " + chores_[at_].name; }
  std::function<void()> on_done;

 private:
  struct Chore {
    std::string name;
    Attempt attempt;
  };
  void next();

  World& world_;
  const std::string who_;
  std::vector<Chore> chores_;
  std::size_t at_ = 0;
  std::uint64_t attempt_ = 0;
};

}  // namespace keytrail::simulation
