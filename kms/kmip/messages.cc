#include "kms/kmip/messages.h"

#include <algorithm>
#include <utility>

#include "kms/kmip/payload_codec.h"

namespace keytrail::kmip {
namespace {

Failure invalid_message(std::string detail) {
  return {ResultReason::kInvalidMessage, std::move(detail)};
}

std::optional<Failure> check_continuation(BatchErrorContinuation option) {
  switch (option) {
    case BatchErrorContinuation::kContinue:
    case BatchErrorContinuation::kStop:
    case BatchErrorContinuation::kUndo:
      return std::nullopt;
  }
  return Failure{ResultReason::kInvalidField, "the batch error continuation option is unknown"};
}

// The version to answer a message in that cannot be read.
ProtocolVersion closest_spoken(ProtocolVersion asked) {
  return std::clamp(asked, kLowestVersion, kHighestVersion);
}

}  // namespace

// Headers (6) and credentials (2.1.2).
template <class Fields>
void describe(Fields& fields, Of<Fields, UsernameAndPassword>& x) {
  fields.required(Tag::kUsername, x.username);
  fields.password(x.password);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, Credential>& x) {
  if constexpr (Fields::kReads) {
    CredentialType type{};
    fields.required(Tag::kCredentialType, type);
    if (type == CredentialType::kUsernameAndPassword) {
      fields.required(Tag::kCredentialValue, x.template emplace<UsernameAndPassword>());
    } else {
      x = OtherCredential{type};
      (void)fields.required_item(Tag::kCredentialValue);
    }
  } else {
    fields.required(Tag::kCredentialType, CredentialType::kUsernameAndPassword);
    fields.required(Tag::kCredentialValue, fields.template alternative<UsernameAndPassword>(x));
  }
}

template <class Fields>
void describe(Fields& fields, Of<Fields, RequestHeader>& x) {
  fields.required(Tag::kProtocolVersion, x.version);
  fields.optional(Tag::kMaximumResponseSize, x.maximum_response_bytes);
  fields.optional(Tag::kClientCorrelationValue, x.client_correlation_value);
  fields.ignored(Tag::kServerCorrelationValue);
  fields.ignored(Tag::kAsynchronousIndicator);  // May be answered later, need not be.
  fields.ignored(Tag::kAttestationCapableIndicator);
  fields.ignored(Tag::kAttestationType);
  fields.optional_nested(Tag::kAuthentication, !x.credentials.empty(),
                         [&x](Fields& inner) { inner.list(Tag::kCredential, x.credentials); });
  fields.defaulted(Tag::kBatchErrorContinuationOption, x.continuation,
                   BatchErrorContinuation::kStop);
  fields.check(check_continuation(x.continuation));
  fields.defaulted(Tag::kBatchOrderOption, x.in_order, false);
  fields.optional(Tag::kTimeStamp, x.time_stamp);
}

template <class Fields>
void describe(Fields& fields, Of<Fields, ResponseHeader>& x) {
  fields.required(Tag::kProtocolVersion, x.version);
  fields.required(Tag::kTimeStamp, x.time_stamp);
  fields.optional(Tag::kClientCorrelationValue, x.client_correlation_value);
}

namespace {

// The version alone, so that the rest can be read by its rules.
std::optional<ProtocolVersion> version_in(const ttlv::ItemView& message, Tag header_tag) {
  ttlv::Children parts(message);
  if (parts.empty() || parts.front().tag() != header_tag ||
      parts.front().type() != ttlv::ItemType::kStructure) {
    return std::nullopt;
  }
  ProtocolVersion version;
  FieldReader fields(parts.front(), kLowestVersion, Reading::kLenient);
  fields.required(Tag::kProtocolVersion, version);
  if (fields.finish()) return std::nullopt;
  return version;
}

std::variant<RequestPayload, Failure> read_content(Operation operation,
                                                   const ttlv::ItemView& payload,
                                                   const std::optional<ttlv::ItemView>& extension,
                                                   ProtocolVersion version) {
  if (!exists(operation, version)) {
    return Failure{
        ResultReason::kOperationNotSupported,
        "operation " + name_of(operation) + " is not supported in KMIP " + version_text(version)};
  }
  if (extension) {
    bool critical = false;
    FieldReader fields(*extension, version, Reading::kLenient);
    fields.required(Tag::kCriticalityIndicator, critical);
    if (std::optional<Failure> failure = fields.finish()) return *std::move(failure);
    if (critical) {
      return Failure{ResultReason::kFeatureNotSupported,
                     "a message extension that is marked critical is not known"};
    }
  }
  return read_request_payload(operation, payload, version);
}

std::variant<RequestItem, Failure> read_item(const ttlv::ItemView& item, ProtocolVersion version) {
  if (item.tag() != Tag::kBatchItem || item.type() != ttlv::ItemType::kStructure) {
    return invalid_message("the request holds something that is no batch item");
  }
  RequestItem request;
  FieldReader fields(item, version, Reading::kStrict);
  fields.required(Tag::kOperation, request.operation);
  fields.optional(Tag::kUniqueBatchItemID, request.batch_id);
  const std::optional<ttlv::ItemView> payload = fields.required_item(Tag::kRequestPayload);
  const std::optional<ttlv::ItemView> extension = fields.optional_item(Tag::kMessageExtension);
  if (std::optional<Failure> failure = fields.finish()) return *std::move(failure);
  if (payload->type() != ttlv::ItemType::kStructure ||
      (extension && extension->type() != ttlv::ItemType::kStructure)) {
    return invalid_message("a batch item's payload or extension is not a structure");
  }
  auto content = read_content(request.operation, *payload, extension, version);
  if (auto* failure = std::get_if<Failure>(&content)) {
    request.content = std::move(*failure);
  } else {
    request.content = std::move(*std::get_if<RequestPayload>(&content));
  }
  return request;
}

std::variant<RequestMessage, Failure> read_request(const ttlv::ItemView& whole,
                                                   ProtocolVersion version) {
  RequestMessage message;
  std::int32_t batch_count = 0;
  ttlv::Children parts(whole);
  FieldReader header(parts.front(), version, Reading::kStrict);
  describe(header, message.header);
  header.required(Tag::kBatchCount, batch_count);
  if (std::optional<Failure> failure = header.finish()) return *std::move(failure);
  if (batch_count < 1 || static_cast<std::size_t>(batch_count) > kBatchItemsMax) {
    return invalid_message("a message holds 1 to " + std::to_string(kBatchItemsMax) +
                           " batch items");
  }
  for (parts.pop_front(); !parts.empty(); parts.pop_front()) {
    if (message.items.size() == kBatchItemsMax) return invalid_message("too many batch items");
    auto item = read_item(parts.front(), version);
    if (auto* failure = std::get_if<Failure>(&item)) return std::move(*failure);
    message.items.push_back(std::move(*std::get_if<RequestItem>(&item)));
  }
  if (message.items.size() != static_cast<std::size_t>(batch_count)) {
    return invalid_message("the number of batch items is not the batch count");
  }
  return message;
}

}  // namespace

DecodedRequest decode_request(ByteView bytes, const ttlv::Limits& limits) {
  const Result<ttlv::ItemView> whole = ttlv::parse(bytes, limits);
  if (!whole) return MalformedRequest{kLowestVersion, invalid_message(whole.error().detail)};
  if (whole->tag() != Tag::kRequestMessage || whole->type() != ttlv::ItemType::kStructure) {
    return MalformedRequest{kLowestVersion, invalid_message("the message is not a request")};
  }
  const std::optional<ProtocolVersion> version = version_in(*whole, Tag::kRequestHeader);
  if (!version) {
    return MalformedRequest{kLowestVersion,
                            invalid_message("the request has no header with its version")};
  }
  if (!is_spoken(*version)) {
    return MalformedRequest{closest_spoken(*version),
                            invalid_message("KMIP " + version_text(*version) +
                                            " is not spoken here, " + version_text(kLowestVersion) +
                                            " to " + version_text(kHighestVersion) + " are")};
  }
  auto message = read_request(*whole, *version);
  if (auto* failure = std::get_if<Failure>(&message)) {
    return MalformedRequest{*version, std::move(*failure)};
  }
  return std::move(*std::get_if<RequestMessage>(&message));
}

std::optional<Failure> check_time_stamp(const RequestHeader& header, std::int64_t now_seconds) {
  if (!header.time_stamp) return std::nullopt;
  const std::int64_t stamp = header.time_stamp->seconds;
  if (stamp >= now_seconds - kTimeStampSkewSeconds &&
      stamp <= now_seconds + kTimeStampSkewSeconds) {
    return std::nullopt;
  }
  return invalid_message("the request's time stamp is too far from the server's clock");
}

ResponseHeader answer_header(const RequestHeader& request, std::int64_t now_seconds) {
  return {request.version, {now_seconds}, request.client_correlation_value};
}

namespace {

void write_status(FieldWriter& item, ResultStatus status) {
  item.required(Tag::kResultStatus, status);
}

void write_item(ttlv::Writer& writer, const ResponseItem& response, ProtocolVersion version) {
  writer.begin(Tag::kBatchItem);
  FieldWriter item(writer, Tag::kBatchItem, version);
  item.optional(Tag::kOperation, response.operation);
  item.optional(Tag::kUniqueBatchItemID, response.batch_id);
  if (const auto* payload = std::get_if<ResponsePayload>(&response.outcome)) {
    write_status(item, ResultStatus::kSuccess);
    write_response_payload(writer, *payload, version);
  } else if (const auto* failure = std::get_if<Failure>(&response.outcome)) {
    write_status(item, ResultStatus::kOperationFailed);
    item.required(Tag::kResultReason, reason_for(failure->reason, version));
    item.required(Tag::kResultMessage, failure->message);
  } else {
    write_status(item, ResultStatus::kOperationUndone);
  }
  writer.end();
}

template <class WriteItems>
SecretBytes write_response(const ResponseHeader& header, std::size_t count,
                           WriteItems write_items) {
  ttlv::Writer writer;
  writer.begin(Tag::kResponseMessage);
  FieldWriter message(writer, Tag::kResponseMessage, header.version);
  message.required_nested(Tag::kResponseHeader, [&](FieldWriter& fields) {
    describe(fields, header);
    fields.required(Tag::kBatchCount, static_cast<std::int32_t>(count));
  });
  write_items(writer);
  writer.end();
  return writer.take();
}

}  // namespace

SecretBytes encode_response(const ResponseMessage& message) {
  return write_response(message.header, message.items.size(), [&](ttlv::Writer& writer) {
    for (const ResponseItem& item : message.items) write_item(writer, item, message.header.version);
  });
}

SecretBytes encode_item(const ResponseItem& item, ProtocolVersion version) {
  ttlv::Writer writer;
  write_item(writer, item, version);
  return writer.take();
}

SecretBytes encode_response(const ResponseHeader& header, std::span<const SecretBytes> items) {
  return write_response(header, items.size(), [&](ttlv::Writer& writer) {
    for (const SecretBytes& item : items) writer.encoded(item.read(SecretAccess()));
  });
}

SecretBytes encode_error_response(const MalformedRequest& request, std::int64_t now_seconds) {
  ResponseMessage answer{{request.version, {now_seconds}, std::nullopt}, {}};
  answer.items.push_back({std::nullopt, std::nullopt, request.failure});
  return encode_response(answer);
}

SecretBytes encode_request(const RequestMessage& message) {
  const ProtocolVersion version = message.header.version;
  ttlv::Writer writer;
  writer.begin(Tag::kRequestMessage);
  FieldWriter whole(writer, Tag::kRequestMessage, version);
  whole.required_nested(Tag::kRequestHeader, [&](FieldWriter& fields) {
    describe(fields, message.header);
    fields.required(Tag::kBatchCount, static_cast<std::int32_t>(message.items.size()));
  });
  for (const RequestItem& request : message.items) {
    const auto* payload = std::get_if<RequestPayload>(&request.content);
    KEYTRAIL_CHECK(payload != nullptr);
    writer.begin(Tag::kBatchItem);
    FieldWriter item(writer, Tag::kBatchItem, version);
    item.required(Tag::kOperation, operation_of(*payload));
    item.optional(Tag::kUniqueBatchItemID, request.batch_id);
    write_request_payload(writer, *payload, version);
    writer.end();
  }
  writer.end();
  return writer.take();
}

namespace {

Error not_a_response(std::string detail) {
  return {ErrorCode::kInvalid, "the answer is not a KMIP response: " + std::move(detail)};
}

Result<ResponseItem> read_response_item(const ttlv::ItemView& item, ProtocolVersion version) {
  ResponseItem response;
  ResultStatus status{};
  Failure failure{ResultReason::kGeneralFailure, "the server gave no reason"};
  FieldReader fields(item, version, Reading::kLenient);
  fields.optional(Tag::kOperation, response.operation);
  fields.optional(Tag::kUniqueBatchItemID, response.batch_id);
  fields.required(Tag::kResultStatus, status);
  fields.defaulted(Tag::kResultReason, failure.reason, failure.reason);
  fields.defaulted(Tag::kResultMessage, failure.message, failure.message);
  const std::optional<ttlv::ItemView> payload = fields.optional_item(Tag::kResponsePayload);
  if (const std::optional<Failure> bad = fields.finish()) return not_a_response(bad->message);

  if (status == ResultStatus::kOperationUndone) {
    response.outcome = Undone{};
  } else if (status != ResultStatus::kSuccess) {
    response.outcome = std::move(failure);
  } else {
    if (!response.operation || !exists(*response.operation, version)) {
      return not_a_response("it answers an operation that is not known here");
    }
    if (!payload || payload->type() != ttlv::ItemType::kStructure) {
      return not_a_response("it has no payload");
    }
    auto content = read_response_payload(*response.operation, *payload, version);
    if (const auto* bad = std::get_if<Failure>(&content)) return not_a_response(bad->message);
    response.outcome = std::move(*std::get_if<ResponsePayload>(&content));
  }
  return response;
}

}  // namespace

Result<ResponseMessage> decode_response(ByteView bytes, const ttlv::Limits& limits) {
  const Result<ttlv::ItemView> whole = ttlv::parse(bytes, limits);
  if (!whole) return not_a_response(whole.error().detail);
  if (whole->tag() != Tag::kResponseMessage || whole->type() != ttlv::ItemType::kStructure) {
    return not_a_response("it is another message");
  }
  const std::optional<ProtocolVersion> version = version_in(*whole, Tag::kResponseHeader);
  if (!version) return not_a_response("it has no header with its version");

  ResponseMessage message;
  ttlv::Children parts(*whole);
  FieldReader header(parts.front(), *version, Reading::kLenient);
  describe(header, message.header);
  if (const std::optional<Failure> bad = header.finish()) return not_a_response(bad->message);
  for (parts.pop_front(); !parts.empty(); parts.pop_front()) {
    if (parts.front().tag() != Tag::kBatchItem) continue;
    if (parts.front().type() != ttlv::ItemType::kStructure ||
        message.items.size() == kBatchItemsMax) {
      return not_a_response("its batch is malformed");
    }
    message.items.push_back(TRY(read_response_item(parts.front(), *version)));
  }
  return message;
}

}  // namespace keytrail::kmip
