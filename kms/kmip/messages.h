// Messages: a header and a batch of items, bytes to structs and back (KMIP 1.4, sections 6 and 7).
//
// The server reads with `decode_request` and answers with `encode_response`; the client the other
// way round. Bad input is answered in the protocol's own form at the smallest scope that fits: an
// item that cannot be read becomes an item with a Failure, to be answered with it, while the others
// run; a message that cannot be read as a whole becomes a `MalformedRequest`, answered with
// `encode_error_response`.
// Encoded messages are SecretBytes, since an answer to Get holds a key. Wiping a receive buffer is
// its owner's part.
// Threads: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kms/kmip/payloads.h"

namespace keytrail::kmip {

struct UsernameAndPassword {
  std::string username;
  SecretBytes password;  // Empty if none was given.
};
// A credential of a kind that is not looked into.
struct OtherCredential {
  CredentialType type{};
};
using Credential = std::variant<UsernameAndPassword, OtherCredential>;

struct RequestHeader {
  ProtocolVersion version = kHighestVersion;
  std::optional<std::int32_t> maximum_response_bytes;
  std::optional<std::string> client_correlation_value;  // 1.4; echoed
  std::vector<Credential> credentials;
  BatchErrorContinuation continuation = BatchErrorContinuation::kStop;
  bool in_order = false;  // Batch Order Option; items are always executed in order.
  std::optional<ttlv::DateTime> time_stamp;
};

struct RequestItem {
  Operation operation{};
  std::optional<Bytes> batch_id;  // Unique Batch Item ID, echoed in the answer.
  // What is asked, or the failure with which the item is to be answered because it cannot be read
  // or is not supported in the message's version.
  std::variant<RequestPayload, Failure> content;
};

struct RequestMessage {
  RequestHeader header;
  std::vector<RequestItem> items;  // Never empty when decoded.
};

// A request that cannot be read as a whole.
struct MalformedRequest {
  ProtocolVersion version;  // The one to answer in.
  Failure failure;
};

using DecodedRequest = std::variant<RequestMessage, MalformedRequest>;

inline constexpr std::size_t kBatchItemsMax = 512;
// A request's TimeStamp may be this far from the server's clock; clients' clocks are not the
// server's.
inline constexpr std::int64_t kTimeStampSkewSeconds = 15 * 60;

[[nodiscard]] DecodedRequest decode_request(ByteView bytes, const ttlv::Limits& limits = {});

// A failure if the request's TimeStamp lies too far from `now_seconds`; one without a TimeStamp is
// fresh.
[[nodiscard]] std::optional<Failure> check_time_stamp(const RequestHeader& header,
                                                      std::int64_t now_seconds);

// Operation Undone: it had succeeded, then a later item of a batch with option Undo failed.
struct Undone {};

struct ResponseItem {
  std::optional<Operation> operation;  // None only where the request's could not be read.
  std::optional<Bytes> batch_id;
  std::variant<ResponsePayload, Failure, Undone> outcome;
};

struct ResponseHeader {
  ProtocolVersion version =
      kHighestVersion;  // The request's; everything below is written as it knows it.
  ttlv::DateTime time_stamp;
  std::optional<std::string> client_correlation_value;
};

struct ResponseMessage {
  ResponseHeader header;
  std::vector<ResponseItem> items;
};

// The header that answers `request` at `now_seconds`.
[[nodiscard]] ResponseHeader answer_header(const RequestHeader& request, std::int64_t now_seconds);

[[nodiscard]] SecretBytes encode_response(const ResponseMessage& message);

// The same in two steps, for whoever must know on the way how large an answer becomes: its size is
// that of an answer without items, and theirs.
[[nodiscard]] SecretBytes encode_item(const ResponseItem& item, ProtocolVersion version);
[[nodiscard]] SecretBytes encode_response(const ResponseHeader& header,
                                          std::span<const SecretBytes> items);

// The whole answer to a request that could not be read or may not run: one failed item without an
// operation.
[[nodiscard]] SecretBytes encode_error_response(const MalformedRequest& request,
                                                std::int64_t now_seconds);

// The client's half. What the message's version does not know is left out. `decode_response` is
// lenient where servers are known to differ: items that are not known here are passed over.
// `invalid` if the bytes are not a response message.
[[nodiscard]] SecretBytes encode_request(const RequestMessage& message);
[[nodiscard]] Result<ResponseMessage> decode_response(ByteView bytes,
                                                      const ttlv::Limits& limits = {});

}  // namespace keytrail::kmip
