// Selector: which facts a reader gets, and in what form: what it may see, narrowed to what it asked
// for.
//
// Pure; one thread.
#pragma once

#include <string>
#include <vector>

#include "bus/wire/read_protocol.h"
#include "eventstore/log/event_log.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

// The topics of `identity`, as bits.
[[nodiscard]] protocol::TopicSet topics_of(const Identity& identity);

class Selector {
 public:
  // kRefused: asks for sealed attachments without the grant; kInvalid: names a topic that there is
  // not.
  [[nodiscard]] static Result<Selector> make(const wire::Selection& selection,
                                             protocol::TopicSet granted);

  [[nodiscard]] bool takes(ByteView stamp, ByteView body) const;
  // Of a fact that is taken: whether this attachment travels with it.
  [[nodiscard]] bool takes(AttachmentKind kind) const;
  [[nodiscard]] bool wants_attachments() const {
    return attachments_ != wire::AttachmentsWanted::kNone;
  }

 private:
  Selector(protocol::TopicSet topics, Filter filter, wire::AttachmentsWanted attachments);

  protocol::TopicSet topics_ = 0;
  Filter filter_;
  bool filters_ = false;
  wire::AttachmentsWanted attachments_;
};

// One answer's payload, built fact by fact, in the form that the reader asked for in HELLO.
class Payload {
 public:
  Payload(wire::PayloadForm form, const std::string& installation)
      : form_(form), installation_(installation) {}

  // kCorrupt: the log could not give an attachment.
  [[nodiscard]] Result<void> add(const EventLog& log, const Selector& selector, Position position,
                                 ByteView stamp, ByteView body);
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t bytes() const {
    return facts_.size() + attachments_.size() + lines_.size();
  }
  // The payload frames: facts and attachments, or lines.
  [[nodiscard]] std::vector<ByteView> frames() const;

 private:
  const wire::PayloadForm form_;
  const std::string& installation_;
  std::size_t count_ = 0;
  Bytes facts_;
  Bytes attachments_;
  std::string lines_;
};

}  // namespace keytrail::eventstore
