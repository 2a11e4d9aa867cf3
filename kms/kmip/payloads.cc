#include "kms/kmip/payloads.h"

#include <array>
#include <utility>

#include "kms/kmip/object_codec.h"
#include "kms/kmip/payload_codec.h"

namespace keytrail::kmip {

// Discover Versions (4.26)
template <class Fields>
void describe(Fields& fields, Of<Fields, DiscoverVersionsRequest>& x) {
  fields.list(Tag::kProtocolVersion, x.versions);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, DiscoverVersionsResponse>& x) {
  fields.list(Tag::kProtocolVersion, x.versions);
}

// Query (4.25)
template <class Fields>
void describe(Fields& fields, Of<Fields, QueryRequest>& x) {
  fields.list(Tag::kQueryFunction, x.functions);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, RngParameters>& x) {
  fields.required(Tag::kRNGAlgorithm, x.algorithm);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, ProfileInformation>& x) {
  fields.required(Tag::kProfileName, x.profile);
  fields.optional(Tag::kServerURI, x.server_uri);
  fields.optional(Tag::kServerPort, x.server_port);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, CapabilityInformation>& x) {
  fields.optional(Tag::kStreamingCapability, x.streaming);
  fields.optional(Tag::kAsynchronousCapability, x.asynchronous);
  fields.optional(Tag::kAttestationCapability, x.attestation);
  fields.optional(Tag::kBatchUndoCapability, x.batch_undo);
  fields.optional(Tag::kBatchContinueCapability, x.batch_continue);
  fields.optional(Tag::kUnwrapMode, x.unwrap_mode);
  fields.optional(Tag::kDestroyAction, x.destroy_action);
  fields.optional(Tag::kShreddingAlgorithm, x.shredding_algorithm);
  fields.optional(Tag::kRNGMode, x.rng_mode);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, QueryResponse>& x) {
  fields.list(Tag::kOperation, x.operations);
  fields.list(Tag::kObjectType, x.object_types);
  fields.optional(Tag::kVendorIdentification, x.vendor);
  fields.optional(Tag::kServerInformation, x.server_information);
  fields.list(Tag::kApplicationNamespace, x.application_namespaces);
  fields.list(Tag::kRNGParameters, x.rngs);
  fields.list(Tag::kProfileInformation, x.profiles);
  fields.list(Tag::kCapabilityInformation, x.capabilities);
  fields.list(Tag::kClientRegistrationMethod, x.client_registration_methods);
}

// Create (4.1)
template <class Fields>
void describe(Fields& fields, Of<Fields, CreateRequest>& x) {
  fields.required(Tag::kObjectType, x.type);
  fields.required_nested(Tag::kTemplateAttribute,
                         [&x](Fields& inner) { describe_template(inner, x.attributes); });
}
template <class Fields>
void describe(Fields& fields, Of<Fields, CreateResponse>& x) {
  fields.required(Tag::kObjectType, x.type);
  fields.required(Tag::kUniqueIdentifier, x.id);
  fields.optional_nested(Tag::kTemplateAttribute, !x.attributes.empty(),
                         [&x](Fields& inner) { describe_template(inner, x.attributes); });
}

// Register (4.3)
template <class Fields>
void describe(Fields& fields, Of<Fields, RegisterRequest>& x) {
  fields.required(Tag::kObjectType, x.type);
  fields.check(check_supported(x.type));
  fields.required_nested(Tag::kTemplateAttribute,
                         [&x](Fields& inner) { describe_template(inner, x.attributes); });
  describe_object(fields, x.type, x.object);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, RegisterResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
  fields.optional_nested(Tag::kTemplateAttribute, !x.attributes.empty(),
                         [&x](Fields& inner) { describe_template(inner, x.attributes); });
}

// Get (4.11)
template <class Fields>
void describe(Fields& fields, Of<Fields, GetRequest>& x) {
  if constexpr (Fields::kReads) {
    fields.refuse(Tag::kKeyWrappingSpecification, ResultReason::kFeatureNotSupported,
                  "wrapped keys");
  }
  fields.optional(Tag::kUniqueIdentifier, x.id);
  fields.optional(Tag::kKeyFormatType, x.format);
  fields.optional(Tag::kKeyWrapType, x.wrap_type);
  fields.optional(Tag::kKeyCompressionType, x.compression);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, GetResponse>& x) {
  fields.required(Tag::kObjectType, x.type);
  fields.required(Tag::kUniqueIdentifier, x.id);
  describe_object(fields, x.type, x.object);
}

// Get Attributes (4.12)
template <class Fields>
void describe(Fields& fields, Of<Fields, GetAttributesRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
  fields.list(Tag::kAttributeName, x.names);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, GetAttributesResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
  fields.list(Tag::kAttribute, x.attributes);
}

// Get Attribute List (4.13)
template <class Fields>
void describe(Fields& fields, Of<Fields, GetAttributeListRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, GetAttributeListResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
  if constexpr (Fields::kReads) {
    fields.list(Tag::kAttributeName, x.names);
  } else {
    for (const std::string& name : x.names) {
      if (attribute_exists(name, fields.version())) fields.required(Tag::kAttributeName, name);
    }
  }
}

// Add Attribute (4.14)
template <class Fields>
void describe(Fields& fields, Of<Fields, AddAttributeRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
  fields.required(Tag::kAttribute, x.attribute);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, AddAttributeResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
  fields.required(Tag::kAttribute, x.attribute);
}

// Locate (4.9)
template <class Fields>
void describe(Fields& fields, Of<Fields, LocateRequest>& x) {
  fields.optional(Tag::kMaximumItems, x.maximum_items);
  fields.optional(Tag::kOffsetItems, x.offset_items);
  fields.optional(Tag::kStorageStatusMask, x.storage_status_mask);
  fields.optional(Tag::kObjectGroupMember, x.group_member);
  fields.list(Tag::kAttribute, x.attributes);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, LocateResponse>& x) {
  fields.optional(Tag::kLocatedItems, x.located_items);
  fields.list(Tag::kUniqueIdentifier, x.ids);
}

// Activate (4.19)
template <class Fields>
void describe(Fields& fields, Of<Fields, ActivateRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, ActivateResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
}

// Revoke (4.20)
template <class Fields>
void describe(Fields& fields, Of<Fields, RevocationReason>& x) {
  fields.required(Tag::kRevocationReasonCode, x.code);
  fields.optional(Tag::kRevocationMessage, x.message);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, RevokeRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
  fields.required(Tag::kRevocationReason, x.reason);
  fields.optional(Tag::kCompromiseOccurrenceDate, x.compromise_occurrence);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, RevokeResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
}

// Destroy (4.21)
template <class Fields>
void describe(Fields& fields, Of<Fields, DestroyRequest>& x) {
  fields.optional(Tag::kUniqueIdentifier, x.id);
}
template <class Fields>
void describe(Fields& fields, Of<Fields, DestroyResponse>& x) {
  fields.required(Tag::kUniqueIdentifier, x.id);
}

namespace {

// In the order of both variants.
constexpr std::array kOperations = {
    Operation::kDiscoverVersions, Operation::kQuery,        Operation::kCreate,
    Operation::kRegister,         Operation::kGet,          Operation::kGetAttributes,
    Operation::kGetAttributeList, Operation::kAddAttribute, Operation::kLocate,
    Operation::kActivate,         Operation::kRevoke,       Operation::kDestroy,
};
static_assert(std::variant_size_v<RequestPayload> == kOperations.size());
static_assert(std::variant_size_v<ResponsePayload> == kOperations.size());

template <class Payload, std::size_t... I>
void emplace(Payload& payload, Operation operation, std::index_sequence<I...>) {
  (void)((kOperations[I] == operation && (payload.template emplace<I>(), true)) || ...);
}

template <class Payload>
std::variant<Payload, Failure> read_payload(Operation operation, const ttlv::ItemView& item,
                                            ProtocolVersion version, Reading reading) {
  Payload payload;
  emplace(payload, operation, std::make_index_sequence<kOperations.size()>());
  KEYTRAIL_CHECK(operation_of(payload) == operation);
  FieldReader fields(item, version, reading);
  std::visit([&fields](auto& x) { describe(fields, x); }, payload);
  if (std::optional<Failure> failure = fields.finish()) return *std::move(failure);
  return payload;
}

}  // namespace

Operation operation_of(const RequestPayload& payload) { return kOperations[payload.index()]; }
Operation operation_of(const ResponsePayload& payload) { return kOperations[payload.index()]; }

std::variant<RequestPayload, Failure> read_request_payload(Operation operation,
                                                           const ttlv::ItemView& payload,
                                                           ProtocolVersion version) {
  return read_payload<RequestPayload>(operation, payload, version, Reading::kStrict);
}
std::variant<ResponsePayload, Failure> read_response_payload(Operation operation,
                                                             const ttlv::ItemView& payload,
                                                             ProtocolVersion version) {
  return read_payload<ResponsePayload>(operation, payload, version, Reading::kLenient);
}

void write_request_payload(ttlv::Writer& writer, const RequestPayload& payload,
                           ProtocolVersion version) {
  writer.begin(Tag::kRequestPayload);
  FieldWriter fields(writer, Tag::kRequestPayload, version);
  std::visit([&fields](const auto& x) { describe(fields, x); }, payload);
  writer.end();
}
void write_response_payload(ttlv::Writer& writer, const ResponsePayload& payload,
                            ProtocolVersion version) {
  writer.begin(Tag::kResponsePayload);
  FieldWriter fields(writer, Tag::kResponsePayload, version);
  std::visit([&fields](const auto& x) { describe(fields, x); }, payload);
  writer.end();
}

}  // namespace keytrail::kmip
