#include "tests/simulation/simulated_wire.h"

#include <algorithm>

namespace keytrail::simulation {

void Connection::open() {
  open_ = true;
  ++number_;
  first_of_this_ = sent_up_ + 1;
  last_up_ = last_down_ = world_.monotonic();
}

void Connection::lose() {
  if (!open_) return;
  open_ = false;
  const std::uint64_t under_way = sent_up_ - arrived_up_;
  arrives_through_ = arrived_up_ + (under_way == 0 ? 0 : world_.random().below(under_way + 1));
  world_.after(world_.random().below(5 * kMs), [this, number = number_] {
    if (on_broken && !open_ && number == number_) on_broken();
  });
}

void Connection::lose_all() {
  lose();
  arrives_through_ = 0;
}

void Connection::to_server(std::function<void()> arrival) {
  if (!open_) return;
  const std::uint64_t number = ++sent_up_;
  world_.after(arrival_at(last_up_) - world_.monotonic(), [this, number, arrival] {
    const bool of_this = open_ && number >= first_of_this_;
    if (!of_this && number > arrives_through_) return;
    arrived_up_ = std::max(arrived_up_, number);
    arrival();
  });
  if (world_.random().chance(faults_.broken)) lose();
}

void Connection::to_node(std::function<void()> arrival) {
  if (!open_) return;
  world_.after(arrival_at(last_down_) - world_.monotonic(), [this, number = number_, arrival] {
    if (open_ && number == number_) arrival();
  });
}

TimeNs Connection::arrival_at(TimeNs& last) {
  TimeNs delay = world_.random().below(faults_.delay_max + 1);
  if (world_.random().chance(faults_.slow)) delay *= 10;
  last = std::max(last, world_.monotonic() + delay);
  return last;
}

}  // namespace keytrail::simulation
