// SharedState: the little that the threads of the store all look at: how far the log is durable,
// and who is admitted. Written by the ordering thread, read by all. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/protocol/messages.h"
#include "bus/wire/wake_event.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

class SharedState {
 public:
  SharedState(const protocol::Head& head, Identities identities)
      : head_(head), admitted_(std::move(identities)) {}

  // What to wake when something changed. REQUIRES: before the ordering thread runs.
  void wake_on_change(wire::WakeEvent& event) { wakes_.push_back(&event); }

  [[nodiscard]] protocol::Head head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  void set_head(const protocol::Head& head) {
    {
      const std::lock_guard lock(mutex_);
      head_ = head;
    }
    wake_all();
  }

  // Time goes on while nothing is appended. Wakes nobody: the next heartbeat tells it.
  void set_log_time(TimeNs log_time) {
    const std::lock_guard lock(mutex_);
    head_.log_time = log_time;
  }

  [[nodiscard]] Identities admitted() const {
    const std::lock_guard lock(mutex_);
    return admitted_;
  }
  // Who is admitted under this name, if anybody is.
  [[nodiscard]] std::optional<Identity> find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const Identity* const found = admitted_.find(name);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  // How often somebody who might use `socket` was removed: it then lets everybody shake hands
  // again.
  [[nodiscard]] std::uint64_t removals(const std::string& socket) const {
    const std::lock_guard lock(mutex_);
    const auto count = removals_.find(socket);
    return count != removals_.end() ? count->second : 0;
  }
  void admit(Identities identities, const std::set<std::string>& sockets_of_the_removed) {
    {
      const std::lock_guard lock(mutex_);
      admitted_ = std::move(identities);
      for (const std::string& socket : sockets_of_the_removed) ++removals_[socket];
    }
    wake_all();
  }

 private:
  void wake_all() {
    for (wire::WakeEvent* event : wakes_) event->set();
  }

  mutable std::mutex mutex_;
  protocol::Head head_;
  Identities admitted_;
  std::map<std::string, std::uint64_t> removals_;
  std::vector<wire::WakeEvent*> wakes_;
};

}  // namespace keytrail::eventstore
