#include "eventstore/order/admission.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"
#include "bus/secret/sha256.h"
#include "eventstore/order/batch.h"

namespace keytrail::eventstore {
namespace {

Error invalid(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

Result<void> check_sizes(const protocol::Unit& unit) {
  if (unit.bodies.empty()) return invalid("a unit without facts");
  if (unit.bodies.size() > protocol::kBodiesPerUnitMax) return invalid("over 256 facts in a unit");
  if (unit.guards.size() > protocol::kGuardsPerUnitMax) return invalid("over 64 guards in a unit");
  std::size_t bytes = 0;
  for (const Bytes& body : unit.bodies) bytes += protocol::fact_bytes_of(body);
  if (bytes > kUnitFactBytesMax) return invalid("over 2 MiB of facts in a unit");
  if (unit.attachments.size() > kAttachmentsPerUnitMax) {
    return invalid("over 16 attachments in a unit");
  }
  for (const Attachment& attachment : unit.attachments) {
    if (attachment.bytes.size() > kAttachmentBytesMax) return invalid("an attachment over 256 KiB");
  }
  return {};
}

Result<void> check_rights(const Identity& identity, const BodyHeader& body,
                          std::string_view epoch_stream) {
  const std::string_view part = part_of_name(identity.name);
  if (body.part != part && body.part != "part") {
    return invalid(identity.name + " may not state events of " + std::string(body.part));
  }
  if (!may_append(identity, body.stream)) {
    return invalid(identity.name + " may not append to " + std::string(body.stream));
  }
  const bool starts = body.part == "part" && body.effect == Effect::kChange;
  const bool on_epoch = body.stream == epoch_stream && body.effect == Effect::kChange;
  if (starts != on_epoch)
    return invalid("PartStarted belongs on the epoch stream, and nothing else");
  return {};
}

// Each attachment is named by a body, and each name has its attachment. The log and every message
// hold an attachment as often as it is named, so that is how often it counts.
Result<void> match_attachments(const protocol::Unit& unit, Admitted& admitted) {
  std::vector<Hash> hashes;
  hashes.reserve(unit.attachments.size());
  for (const Attachment& attachment : unit.attachments) hashes.push_back(sha256(attachment.bytes));
  std::vector<bool> named(hashes.size(), false);
  std::size_t bytes = 0;
  for (std::size_t body = 0; body < admitted.bodies.size(); ++body) {
    std::uint32_t index = 0;
    for (const Hash& hash : admitted.bodies[body].attachments) {
      const auto at = std::find(hashes.begin(), hashes.end(), hash);
      if (at == hashes.end()) return invalid("a fact names an attachment that is not there");
      if (admitted.attachments.size() == kAttachmentsPerUnitMax) {
        return invalid("the facts of a unit name attachments over 16 times");
      }
      const auto attachment = static_cast<std::size_t>(at - hashes.begin());
      named[attachment] = true;
      bytes += unit.attachments[attachment].bytes.size();
      if (bytes > kAttachmentBytesPerUnitMax) {
        return invalid("the facts of a unit name over 1 MiB of attachments");
      }
      admitted.attachment_bytes += protocol::blob_bytes_of(unit.attachments[attachment]);
      admitted.attachments.push_back({body, index++, attachment});
    }
  }
  if (std::find(named.begin(), named.end(), false) != named.end()) {
    return invalid("an attachment that no fact names");
  }
  return {};
}

}  // namespace

std::string epoch_stream_of(std::string_view author) { return std::string(author) + "/epoch"; }

Result<Admitted> admit(const Identity& identity, const protocol::Unit& unit) {
  TRY(check_sizes(unit));
  const std::string epoch_stream = epoch_stream_of(identity.name);
  Admitted admitted;
  admitted.bodies.reserve(unit.bodies.size());
  for (const Bytes& bytes : unit.bodies) {
    BodyHeader body = TRY(peek_body(bytes));
    TRY(check_rights(identity, body, epoch_stream));
    admitted.claims_epoch |= body.part == "part" && body.effect == Effect::kChange;
    admitted.bodies.push_back(std::move(body));
  }
  if (admitted.claims_epoch && unit.bodies.size() > 1) return invalid("PartStarted goes alone");
  TRY(match_attachments(unit, admitted));
  return admitted;
}

}  // namespace keytrail::eventstore
