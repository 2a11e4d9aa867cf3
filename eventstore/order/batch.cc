#include "eventstore/order/batch.h"

#include "bus/protocol/message_codec.h"

namespace keytrail::eventstore {
namespace {

using protocol::kFactPrefixBytes;
using protocol::Topic;
using protocol::TopicSet;

bool is_of_kms(Topic topic) { return topic == Topic::kKmsChange || topic == Topic::kKmsNote; }

// One topic's facts, of a batch that has others too.
Bytes facts_of(const Batch& batch, Topic topic) {
  Bytes facts;
  for (const Batch::Entry& entry : batch.entries) {
    if (entry.topic != topic) continue;
    const auto begin = batch.facts.begin() + entry.offset;
    facts.insert(facts.end(), begin, begin + kFactPrefixBytes + entry.bytes);
  }
  return facts;
}

}  // namespace

ByteView Batch::stamp(std::size_t index) const {
  return ByteView(facts).subspan(entries.at(index).offset + kFactPrefixBytes, kStampBytes);
}

ByteView Batch::body(std::size_t index) const {
  const Entry& entry = entries.at(index);
  return ByteView(facts).subspan(entry.offset + kFactPrefixBytes + kStampBytes,
                                 entry.bytes - kStampBytes);
}

std::vector<TopicMessage> messages_of(const Batch& batch, std::uint64_t generation) {
  std::array<std::uint32_t, protocol::kFactTopicCount> counts{};
  TopicSet topics = 0;
  for (const Batch::Entry& entry : batch.entries) {
    ++counts.at(static_cast<std::size_t>(entry.topic));
    topics = static_cast<TopicSet>(topics | protocol::topic_bit(entry.topic));
  }
  TopicMessage sealed{.topic = Topic::kKmsSealed};
  for (const protocol::PositionedAttachment& attachment : batch.attachments) {
    if (!is_of_kms(batch.entries.at(attachment.position - batch.first).topic)) continue;
    protocol::append_attachment(sealed.payload, attachment);
    ++sealed.header.count;
    topics = static_cast<TopicSet>(topics | protocol::topic_bit(Topic::kKmsSealed));
  }
  protocol::BatchHeader header;
  header.generation = generation;
  header.first = batch.first;
  header.last = batch.last;
  header.topics = topics;
  header.before = batch.previous;

  std::vector<TopicMessage> messages;
  if (sealed.header.count > 0) {
    const std::uint32_t count = sealed.header.count;
    sealed.header = header;
    sealed.header.count = count;
    messages.push_back(std::move(sealed));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto topic = static_cast<Topic>(i);
    header.previous = batch.previous[i];
    header.count = counts[i];
    const bool alone = counts[i] == batch.entries.size();
    messages.push_back({topic, header, alone ? batch.facts : facts_of(batch, topic)});
  }
  return messages;
}

}  // namespace keytrail::eventstore
