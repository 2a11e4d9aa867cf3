// LogAuthor: a part in a test: a LogLink that has begun its epoch, with waiting made easy. One
// thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "bus/wire/context.h"
#include "bus/wire/log_link.h"
#include "tests/support/store_under_test.h"

namespace keytrail::testing {

class LogAuthor {
 public:
  LogAuthor(wire::Context& context, const StoreUnderTest& store, const std::string& author,
            protocol::TopicSet topics, const std::string& last_file = {})
      : author_(author),
        link_(context,
              {.author = author,
               .endpoints = store.log_endpoints(),
               .last_file = last_file,
               .follower = {.topics = topics},
               .appender = {}},
              store.keys_of(author), clock_) {}

  [[nodiscard]] wire::LogLink& link() { return link_; }

  // Steps until `done` holds; false after ten seconds.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      link_.wait(20, {});
      for (wire::LinkEvent& event : link_.take_events()) events.push_back(std::move(event));
    }
    return true;
  }
  [[nodiscard]] bool until_live() {
    return until([&] { return link_.state() == protocol::FollowState::kLive; });
  }

  // A fact on `stream`, with this author's PartStopped as its event, a note: the shortest there is.
  [[nodiscard]] protocol::Decision decision(const std::string& stream,
                                            std::vector<protocol::Guard> guards = {}) const {
    Body body;
    body.stream = stream;
    body.user = author_;
    body.action.bytes[0] = 1;
    body.event = part::Event(part::PartStopped{.epoch = 1});
    return {.facts = {body}, .guards = std::move(guards), .attachments = {}};
  }

  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    std::vector<E> found;
    for (const wire::LinkEvent& event : events) {
      if (const E* of_kind = std::get_if<E>(&event)) found.push_back(*of_kind);
    }
    return found;
  }
  template <class E>
  [[nodiscard]] std::size_t count() const {
    return all<E>().size();
  }

  std::vector<wire::LinkEvent> events;

 private:
  const std::string author_;
  SystemClock clock_;
  wire::LogLink link_;
};

}  // namespace keytrail::testing
