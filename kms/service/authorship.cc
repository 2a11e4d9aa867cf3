#include "kms/service/authorship.h"

#include "bus/secret/sha256.h"

namespace keytrail::kms {

Body body_by(const Authorship& authorship, std::string stream, keytrail::Event event) {
  return {.stream = std::move(stream),
          .user = authorship.user,
          .origin = authorship.origin,
          .action = authorship.action,
          .cause = 0,
          .clock = authorship.clock,
          .attachments = {},
          .event = std::move(event)};
}

protocol::Decision decision_of(const Draft& draft, const Authorship& authorship) {
  protocol::Decision decision;
  decision.facts.reserve(draft.recorded().size());
  for (const Recorded& recorded : draft.recorded()) {
    Body body = body_by(authorship, stream_of(draft.scope(), recorded.event), recorded.event);
    for (const Attachment& attachment : recorded.attachments) {
      body.attachments.push_back(sha256(attachment.bytes));
      decision.attachments.push_back(attachment);
    }
    decision.facts.push_back(std::move(body));
  }
  decision.guards.reserve(draft.reads().size());
  for (const Read& read : draft.reads()) {
    decision.guards.push_back({.stream = read.stream, .version = read.version});
  }
  return decision;
}

bool fits_a_unit(const Draft& draft) {
  std::size_t attachments = 0;
  std::size_t bytes = 0;
  for (const Recorded& recorded : draft.recorded()) {
    attachments += recorded.attachments.size();
    for (const Attachment& attachment : recorded.attachments) bytes += attachment.bytes.size();
  }
  return draft.reads().size() <= kGuardsMax &&
         draft.recorded().size() <= protocol::kBodiesPerUnitMax &&
         attachments <= kAttachmentsPerUnitMax && bytes <= kAttachmentBytesPerUnitMax;
}

}  // namespace keytrail::kms
