// Folding the simulated log: what a follower must know, told by the log alone.
#pragma once

#include <algorithm>

#include "bus/events/codec.h"
#include "tests/support/memory_log.h"

namespace keytrail::simulation {

// Gives `see` each durable fact on one of `topics`, up to `through`.
template <class See>
void fold(const test::MemoryLog& log, protocol::TopicSet topics, Position through, See see) {
  for (Position position = 1; position <= std::min(through, log.head()); ++position) {
    const test::MemoryLog::Row& row = log.at(position);
    if ((topics & protocol::topic_bit(row.topic)) != 0) see(decode_fact(row.fact).value());
  }
}

inline constexpr auto kEveryTopic = static_cast<protocol::TopicSet>(~0U);

}  // namespace keytrail::simulation
