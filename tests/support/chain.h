// Chain: a log in memory, one fact after the other, for tests that need stamped and chained facts
// without an orderer. Keeps all that it made. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/events/codec.h"
#include "bus/protocol/messages.h"

namespace keytrail::test {

// A small fact of the right topic: a note or a change of `stream`, told apart by `mark`.
[[nodiscard]] Body body_of(std::string stream, Effect effect, std::uint64_t mark = 0);
[[nodiscard]] Bytes encoded_body_of(std::string stream, Effect effect, std::uint64_t mark = 0);

class Chain {
 public:
  struct Row {
    StoredFact fact;
    Hash leaf{};
    protocol::Topic topic = protocol::Topic::kHead;
  };

  explicit Chain(std::uint64_t generation = 1) : generation_(generation) {}

  // The next fact, of `author`, on a stream of its part.
  Position add(const std::string& author, Effect effect, std::uint64_t mark = 0);

  [[nodiscard]] Position head() const { return rows_.size(); }
  [[nodiscard]] const Row& at(Position position) const { return rows_.at(position - 1); }
  [[nodiscard]] protocol::Known known_at(Position position) const;
  [[nodiscard]] protocol::TopicPositions last_through(Position position) const;
  [[nodiscard]] protocol::Head head_at(Position position) const;
  // Of [first, last] on `topic`, as a batch on the live socket.
  [[nodiscard]] protocol::BatchHeader header(protocol::Topic topic, Position first,
                                             Position last) const;
  [[nodiscard]] std::vector<StoredFact> facts(protocol::TopicSet topics, Position first,
                                              Position last) const;

 private:
  std::uint64_t generation_;
  std::vector<Row> rows_;
};

}  // namespace keytrail::test
