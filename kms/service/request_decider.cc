#include "kms/service/request_decider.h"

#include <algorithm>

#include "kms/model/access.h"
#include "kms/service/batch_run.h"

namespace keytrail::kms {
namespace {

constexpr TimeNs kNsPerSecond = 1'000'000'000;

std::int64_t seconds(TimeNs time) { return static_cast<std::int64_t>(time / kNsPerSecond); }

bool is_read(const kmip::RequestItem& item) {
  switch (item.operation) {
    case kmip::Operation::kDiscoverVersions:
    case kmip::Operation::kQuery:
    case kmip::Operation::kGetAttributes:
    case kmip::Operation::kGetAttributeList:
    case kmip::Operation::kLocate:
      return true;
    default:
      return false;
  }
}

Authorship authorship_of(const KmipWork& work, const std::string& client, TimeNs clock) {
  return {.user = client,
          .origin = {.address = work.peer.address,
                     .certificate_fingerprint =
                         work.peer.certificate ? to_hex(*work.peer.certificate) : std::string(),
                     .session = work.peer.session},
          .action = work.entropy.action(),
          .clock = clock};
}

Refusal too_large(bool response) {
  if (response) {
    return {.reason = static_cast<Reason>(kmip::ResultReason::kResponseTooLarge),
            .message = "The answer is larger than the Maximum Response Size; nothing was done.",
            .detail = {}};
  }
  return {.reason = Reason::kInvalidMessage,
          .message = "The batch touches more than can be recorded as one; send smaller batches.",
          .detail = {}};
}

// Every item fails alike, so that each id finds its answer; those behind a stop are left out.
std::vector<kmip::ResponseItem> all_failing(const kmip::RequestMessage& message,
                                            const kmip::Failure& failure) {
  std::vector<kmip::ResponseItem> items;
  for (const kmip::RequestItem& item : message.items) {
    items.push_back({.operation = item.operation, .batch_id = item.batch_id, .outcome = failure});
    if (message.header.continuation != kmip::BatchErrorContinuation::kContinue) break;
  }
  return items;
}

}  // namespace

RequestDecider::RequestDecider(const State& state, MaterialStore& materials, LeafBlocks& leaves,
                               Scope scope, bool record_reads)
    : state_(state),
      materials_(materials),
      leaves_(leaves),
      scope_(std::move(scope)),
      record_reads_(record_reads) {}

RequestDecision RequestDecider::decide(KmipWork& work, const Moment& moment) {
  RequestDecision decided;
  Draft draft(state_, scope_, moment.log);
  (void)draft.cluster();  // A retired replica's decisions meet a conflict.
  const Client* client =
      work.peer.certificate ? draft.client_with(*work.peer.certificate) : nullptr;
  if (client == nullptr) {
    decided.kind = RequestDecision::Kind::kStranger;
    decided.reads_unguarded = true;
    return decided;
  }
  const Authorship authorship = authorship_of(work, client->name, moment.wall);
  const auto refuse = [&](Draft& on, const kmip::Failure& failure) {
    record_refusal(
        on, 0, {}, client->name,
        {.reason = static_cast<Reason>(failure.reason), .message = failure.message, .detail = {}});
    decided.answer = failing_answer(work.request, failure, moment.wall);
    decided.decision = decision_of(on, authorship);
  };
  if (const auto* malformed = std::get_if<kmip::MalformedRequest>(&work.request)) {
    refuse(draft, malformed->failure);
    return decided;
  }
  const auto& message = std::get<kmip::RequestMessage>(work.request);
  if (const auto stale = kmip::check_time_stamp(message.header, seconds(moment.wall))) {
    refuse(draft, *stale);
    return decided;
  }

  BatchRun batch(std::move(draft), *client, work, message,
                 {.materials = materials_, .leaves = leaves_, .record_reads = record_reads_});
  decided.answer.header = kmip::answer_header(message.header, seconds(moment.wall));
  decided.answer.items = batch.run();
  if (batch.needs_leaves()) {
    decided.kind = RequestDecision::Kind::kNeedsLeaves;
    return decided;
  }
  const std::optional<std::int32_t> bytes_max = message.header.maximum_response_bytes;
  const bool too_long = bytes_max && *bytes_max >= 0 &&
                        kmip::encoded_bytes(decided.answer) > static_cast<std::size_t>(*bytes_max);
  if (too_long || !fits_a_unit(batch.draft())) {
    const Refusal refusal = too_large(too_long);
    batch.refuse_all(refusal);
    decided.answer.items = all_failing(
        message,
        {.reason = static_cast<kmip::ResultReason>(refusal.reason), .message = refusal.message});
  }
  decided.decision = decision_of(batch.draft(), authorship);
  decided.reads_unguarded = batch.draft().reads_unguarded();
  return decided;
}

bool RequestDecider::only_reads(const KmipWork& work) const {
  const auto* message = std::get_if<kmip::RequestMessage>(&work.request);
  return message != nullptr && !record_reads_ &&
         std::all_of(message->items.begin(), message->items.end(), is_read);
}

kmip::ProtocolVersion version_of(const kmip::DecodedRequest& request) {
  if (const auto* malformed = std::get_if<kmip::MalformedRequest>(&request)) {
    return malformed->version;
  }
  return std::get<kmip::RequestMessage>(request).header.version;
}

kmip::ResponseMessage failing_answer(const kmip::DecodedRequest& request, kmip::Failure failure,
                                     TimeNs wall) {
  kmip::ResponseMessage answer;
  answer.header.version = version_of(request);
  answer.header.time_stamp = {seconds(wall)};
  if (const auto* message = std::get_if<kmip::RequestMessage>(&request)) {
    answer.header = kmip::answer_header(message->header, seconds(wall));
    answer.items = all_failing(*message, failure);
  } else {
    answer.items.push_back({.operation = {}, .batch_id = {}, .outcome = std::move(failure)});
  }
  return answer;
}

std::optional<std::int32_t> response_bytes_max(const kmip::DecodedRequest& request) {
  const auto* message = std::get_if<kmip::RequestMessage>(&request);
  return message == nullptr ? std::nullopt : message->header.maximum_response_bytes;
}

}  // namespace keytrail::kms
