#include "kms/service/request_decider.h"

#include <algorithm>

#include "kms/model/access.h"
#include "kms/service/batch_run.h"
#include "kms/service/request_translation.h"

namespace keytrail::kms {
namespace {

constexpr TimeNs kNsPerSecond = 1'000'000'000;
constexpr std::size_t kAnswerBytesMax = std::size_t{16} << 20;

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

// The version to answer in.
kmip::ProtocolVersion version_of(const kmip::DecodedRequest& request) {
  if (const auto* malformed = std::get_if<kmip::MalformedRequest>(&request)) {
    return malformed->version;
  }
  return std::get<kmip::RequestMessage>(request).header.version;
}

// What is left for an answer's items, of what the client takes and this server gives.
std::size_t items_bytes_max(const kmip::RequestHeader& request,
                            const kmip::ResponseHeader& answer) {
  std::size_t room = kAnswerBytesMax;
  const std::optional<std::int32_t> taken = request.maximum_response_bytes;
  if (taken && *taken >= 0) room = std::min(room, static_cast<std::size_t>(*taken));
  return room - std::min(room, kmip::encode_response(answer, {}).size());
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

  const kmip::ResponseHeader header = kmip::answer_header(message.header, seconds(moment.wall));
  BatchRun batch(std::move(draft), *client, work, message,
                 {.materials = materials_,
                  .leaves = leaves_,
                  .record_reads = record_reads_,
                  .items_bytes_max = items_bytes_max(message.header, header)});
  const std::vector<SecretBytes> items = batch.run();
  if (batch.needs_leaves()) {
    decided.kind = RequestDecision::Kind::kNeedsLeaves;
    return decided;
  }
  if (const auto& refusal = batch.too_much()) {
    batch.refuse_all(*refusal);
    decided.answer = failing_answer(work.request, to_failure(*refusal), moment.wall);
  } else {
    decided.answer = kmip::encode_response(header, items);
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

SecretBytes failing_answer(const kmip::DecodedRequest& request, kmip::Failure failure,
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
  return kmip::encode_response(answer);
}

}  // namespace keytrail::kms
