#include "tests/support/chain.h"

#include <algorithm>

namespace keytrail::test {

using protocol::Topic;
using protocol::TopicSet;

Body body_of(std::string stream, Effect effect, std::uint64_t mark) {
  Body body;
  body.stream = std::move(stream);
  body.user = "operator/cli";
  body.action.bytes = {1};
  body.clock = 1 + mark;
  const std::string part = body.stream.substr(0, body.stream.find('/'));
  if (effect == Effect::kNote) {
    body.event = part::Event{part::PartStopped{.epoch = 1 + mark}};
  } else if (part == "kms") {
    body.event = kms::Event{kms::KeyActivated{.object = "k" + std::to_string(mark)}};
  } else if (part == "vcenter") {
    body.event = vcenter::Event{vcenter::GroupCreated{.group = "g" + std::to_string(mark)}};
  } else if (part == "esxi") {
    body.event = esxi::Event{esxi::KeyErased{.boot = "b" + std::to_string(mark)}};
  } else {
    body.event =
        eventstore::Event{eventstore::IdentityRevoked{.name = "x/" + std::to_string(mark)}};
  }
  return body;
}

Bytes encoded_body_of(std::string stream, Effect effect, std::uint64_t mark) {
  return encode_body(body_of(std::move(stream), effect, mark)).value();
}

Position Chain::add(const std::string& author, Effect effect, std::uint64_t mark) {
  Stamp stamp;
  stamp.position = rows_.size() + 1;
  stamp.time = 1000 * stamp.position;
  stamp.author_epoch = 1;
  stamp.request = stamp.position;
  stamp.author = author;
  stamp.previous = rows_.empty() ? Hash{} : rows_.back().leaf;
  const auto bytes = encode_stamp(stamp);
  Row row;
  row.fact = {to_bytes(bytes), encoded_body_of(author + "/thing", effect, mark)};
  row.leaf = leaf_of(row.fact.stamp, row.fact.body);
  row.topic = protocol::topic_of(author, effect).value();
  rows_.push_back(std::move(row));
  return rows_.size();
}

protocol::Known Chain::known_at(Position position) const {
  return {generation_, position, position == 0 ? Hash{} : at(position).leaf};
}

protocol::TopicPositions Chain::last_through(Position position) const {
  protocol::TopicPositions last{};
  for (Position p = 1; p <= position; ++p) last.at(static_cast<std::size_t>(at(p).topic)) = p;
  return last;
}

protocol::Head Chain::head_at(Position position) const {
  return {generation_, position, 1000 * position, last_through(position), known_at(position).leaf};
}

protocol::BatchHeader Chain::header(Topic topic, Position first, Position last) const {
  protocol::BatchHeader header;
  header.generation = generation_;
  header.first = first;
  header.last = last;
  header.before = last_through(first - 1);
  header.previous =
      topic < Topic::kKmsSealed ? header.before.at(static_cast<std::size_t>(topic)) : 0;
  for (Position p = first; p <= last; ++p) {
    header.topics = static_cast<TopicSet>(header.topics | protocol::topic_bit(at(p).topic));
    if (at(p).topic == topic) ++header.count;
  }
  return header;
}

std::vector<StoredFact> Chain::facts(TopicSet topics, Position first, Position last) const {
  std::vector<StoredFact> facts;
  for (Position p = first; p <= last; ++p) {
    if ((topics & protocol::topic_bit(at(p).topic)) != 0) facts.push_back(at(p).fact);
  }
  return facts;
}

}  // namespace keytrail::test
