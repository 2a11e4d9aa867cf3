// Payloads from and to items of a message. Internal to kms/kmip.
#pragma once

#include <variant>

#include "kms/kmip/fields.h"
#include "kms/kmip/payloads.h"

namespace keytrail::kmip {

// REQUIRES: exists(operation, version). A failure says what is wrong with the payload.
[[nodiscard]] std::variant<RequestPayload, Failure> read_request_payload(
    Operation operation, const ttlv::ItemView& payload, ProtocolVersion version);
void write_request_payload(ttlv::Writer& writer, const RequestPayload& payload,
                           ProtocolVersion version);

[[nodiscard]] std::variant<ResponsePayload, Failure> read_response_payload(
    Operation operation, const ttlv::ItemView& payload, ProtocolVersion version);
void write_response_payload(ttlv::Writer& writer, const ResponsePayload& payload,
                            ProtocolVersion version);

template <class Fields>
void describe(Fields& fields, Of<Fields, ProtocolVersion>& x) {
  fields.required(Tag::kProtocolVersionMajor, x.major);
  fields.required(Tag::kProtocolVersionMinor, x.minor);
}

}  // namespace keytrail::kmip
