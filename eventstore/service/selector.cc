#include "eventstore/service/selector.h"

#include "bus/events/codec.h"
#include "bus/events/json.h"
#include "bus/protocol/message_codec.h"

namespace keytrail::eventstore {

namespace {

using protocol::Topic;

}  // namespace

protocol::TopicSet topics_of(const Identity& identity) {
  protocol::TopicSet set = 0;
  for (std::size_t i = 0; i < protocol::kTopicCount; ++i) {
    const auto topic = static_cast<Topic>(i);
    if (may_follow(identity, to_string(topic))) set |= protocol::topic_bit(topic);
  }
  return set;
}

Selector::Selector(protocol::TopicSet topics, Filter filter, wire::AttachmentsWanted attachments)
    : topics_(topics),
      filter_(std::move(filter)),
      filters_(filter_ != Filter{}),
      attachments_(attachments) {}

Result<Selector> Selector::make(const wire::Selection& selection, protocol::TopicSet granted) {
  protocol::TopicSet asked = 0;
  for (const std::string& name : selection.topics) {
    const auto topic = protocol::topic_from(name);
    if (!topic) return Error{ErrorCode::kInvalid, "there is no topic " + name};
    asked |= protocol::topic_bit(*topic);
  }
  if (selection.attachments == wire::AttachmentsWanted::kSealed &&
      (granted & protocol::topic_bit(Topic::kKmsSealed)) == 0) {
    return Error{ErrorCode::kRefused, "sealed attachments need the grant kms.sealed"};
  }
  const auto topics =
      static_cast<protocol::TopicSet>(selection.topics.empty() ? granted : granted & asked);
  return Selector(topics, selection.filter, selection.attachments);
}

bool Selector::takes(ByteView stamp, ByteView body) const {
  const auto header = peek_body(body);
  if (!header.ok()) return false;  // The orderer lets none of these in.
  const auto topic = protocol::topic_of(author_of(stamp), header->effect);
  if (!topic || (topics_ & protocol::topic_bit(*topic)) == 0) return false;
  if (!filters_) return true;
  const auto decoded = decode_body(body);
  return decoded.ok() && matches(filter_, facets_of(*decoded));
}

bool Selector::takes(AttachmentKind kind) const {
  switch (attachments_) {
    case wire::AttachmentsWanted::kNone:
      return false;
    case wire::AttachmentsWanted::kClear:
      return kind == AttachmentKind::kClear;
    case wire::AttachmentsWanted::kSealed:
      return true;
  }
  return false;
}

Result<void> Payload::add(const EventLog& log, const Selector& selector, Position position,
                          ByteView stamp, ByteView body) {
  if (form_ == wire::PayloadForm::kCloudEvents) {
    const auto fact = decode_fact({.stamp = to_bytes(stamp), .body = to_bytes(body)});
    // An event of a newer program is skipped, and costs no credit: its reader could not give back
    // what it never got. Its position shows in the next one's sequence.
    if (!fact.ok()) return {};
    ++count_;
    lines_ += to_cloudevent(*fact, leaf_of(stamp, body), installation_) + "\n";
    return {};
  }
  ++count_;
  protocol::append_fact(facts_, stamp, body);
  if (!selector.wants_attachments()) return {};
  const auto header = peek_body(body);
  if (!header.ok() || header->attachments.empty()) return {};
  const std::vector<Attachment> attachments =
      TRY(log.attachments(position, header->attachments.size()));
  for (std::uint32_t index = 0; index < attachments.size(); ++index) {
    if (!selector.takes(attachments[index].kind)) continue;
    protocol::append_attachment(
        attachments_, {.position = position, .index = index, .attachment = attachments[index]});
  }
  return {};
}

std::vector<ByteView> Payload::frames() const {
  if (form_ == wire::PayloadForm::kCloudEvents) return {as_bytes(lines_)};
  return {facts_, attachments_};
}

}  // namespace keytrail::eventstore
