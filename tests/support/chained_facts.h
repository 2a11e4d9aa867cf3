// ChainedFacts: well-formed facts for a log without an orderer: bodies of any bytes, stamps that
// chain. One thread.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bus/events/codec.h"
#include "bus/protocol/message_codec.h"
#include "bus/secret/sha256.h"
#include "eventstore/log/fact_rows.h"

namespace keytrail::testing {

class ChainedFacts {
 public:
  explicit ChainedFacts(const eventstore::EventLog& log)
      : position_(log.end().position), leaf_(log.end().leaf) {}

  // Facts of one batch, borrowed by log_batch() until the next one is begun.
  void begin() {
    first_ = position_ + 1;
    facts_.clear();
    attachments_.clear();
  }
  void add(const std::string& user, std::vector<Attachment> attachments = {}) {
    Body body;
    body.stream = "kms/kms-1/epoch";
    body.user = user;
    body.action.bytes[0] = 1;
    body.event = part::Event(part::PartStopped{.epoch = 1});
    for (const Attachment& attachment : attachments)
      body.attachments.push_back(sha256(attachment.bytes));
    const auto encoded = encode_body(body);
    KEYTRAIL_CHECK(encoded.ok());
    ++position_;
    const auto stamp = encode_stamp({.position = position_,
                                     .time = 1'700'000'000'000'000'000 + position_,
                                     .author_epoch = 1,
                                     .request = position_,
                                     .version = 0,
                                     .previous_in_stream = position_ - 1,
                                     .author = "kms/kms-1",
                                     .previous = leaf_});
    leaf_ = leaf_of(stamp, *encoded);
    protocol::append_fact(facts_, stamp, *encoded);
    for (std::uint32_t index = 0; index < attachments.size(); ++index) {
      kept_.push_back(std::make_unique<Attachment>(std::move(attachments[index])));
      attachments_.push_back({.position = position_,
                              .index = index,
                              .kind = kept_.back()->kind,
                              .bytes = kept_.back()->bytes});
    }
  }
  [[nodiscard]] eventstore::LogBatch log_batch() const {
    return {.first = first_,
            .last = position_,
            .leaf = leaf_,
            .facts = facts_,
            .attachments = attachments_};
  }

  // `count` facts in batches of `batch_facts`.
  void fill(eventstore::EventLog& log, std::size_t count, std::size_t batch_facts) {
    for (std::size_t done = 0; done < count; done += batch_facts) {
      begin();
      for (std::size_t i = 0; i < std::min(batch_facts, count - done); ++i)
        add("user-" + std::to_string(position_ + 1));
      KEYTRAIL_CHECK(log.append(log_batch()).ok());
    }
  }

  [[nodiscard]] Position position() const { return position_; }
  [[nodiscard]] const Hash& leaf() const { return leaf_; }

 private:
  Position first_ = 1;
  Position position_;
  Hash leaf_;
  Bytes facts_;
  std::vector<eventstore::AttachmentRow> attachments_;
  std::vector<std::unique_ptr<Attachment>> kept_;
};

}  // namespace keytrail::testing
