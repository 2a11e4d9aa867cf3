// The payloads: one struct pair per operation (KMIP 1.4, section 4).
//
// Where a request leaves its unique identifier out, the ID placeholder of the batch is meant. An
// operation is added by its pair here, its description in payloads.cc and its line in version.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kms/kmip/objects.h"

namespace keytrail::kmip {

using ObjectId = std::optional<std::string>;

struct DiscoverVersionsRequest {
  std::vector<ProtocolVersion> versions;  // What the client speaks; none: tell all.
};
struct DiscoverVersionsResponse {
  std::vector<ProtocolVersion> versions;  // The preferred first.
};

struct QueryRequest {
  std::vector<QueryFunction> functions;
};
struct RngParameters {
  RngAlgorithm algorithm = RngAlgorithm::kUnspecified;
};
struct ProfileInformation {
  ttlv::Enumeration profile;  // Profile Name
  std::optional<std::string> server_uri = {};
  std::optional<std::int32_t> server_port = {};
};
struct CapabilityInformation {
  std::optional<bool> streaming = {};
  std::optional<bool> asynchronous = {};
  std::optional<bool> attestation = {};
  std::optional<bool> batch_undo = {};      // 1.4
  std::optional<bool> batch_continue = {};  // 1.4
  std::optional<ttlv::Enumeration> unwrap_mode = {};
  std::optional<ttlv::Enumeration> destroy_action = {};
  std::optional<ttlv::Enumeration> shredding_algorithm = {};
  std::optional<ttlv::Enumeration> rng_mode = {};
};
struct QueryResponse {
  std::vector<Operation> operations;
  std::vector<ObjectType> object_types;
  std::optional<std::string> vendor = {};
  std::optional<ttlv::Value> server_information = {};  // A structure of the vendor's own.
  std::vector<std::string> application_namespaces;
  std::vector<RngParameters> rngs;           // 1.3
  std::vector<ProfileInformation> profiles;  // 1.3
  std::vector<CapabilityInformation> capabilities;
  std::vector<ttlv::Enumeration> client_registration_methods;
};

struct CreateRequest {
  ObjectType type = ObjectType::kSymmetricKey;
  std::vector<Attribute> attributes;
};
struct CreateResponse {
  ObjectType type = ObjectType::kSymmetricKey;
  std::string id;
  std::vector<Attribute> attributes;  // Those that the server set without being asked.
};

struct RegisterRequest {
  ObjectType type = ObjectType::kSymmetricKey;
  std::vector<Attribute> attributes;
  ManagedObject object;  // Of `type`.
};
struct RegisterResponse {
  std::string id;
  std::vector<Attribute> attributes;
};

struct GetRequest {
  ObjectId id = {};
  std::optional<KeyFormatType> format = {};
  std::optional<KeyWrapType> wrap_type = {};
  std::optional<KeyCompressionType> compression = {};
};
struct GetResponse {
  ObjectType type = ObjectType::kSymmetricKey;
  std::string id;
  ManagedObject object;
};

struct GetAttributesRequest {
  ObjectId id = {};
  std::vector<std::string> names;  // None: all.
};
struct GetAttributesResponse {
  std::string id;
  std::vector<Attribute> attributes;
};

struct GetAttributeListRequest {
  ObjectId id = {};
};
struct GetAttributeListResponse {
  std::string id;
  std::vector<std::string> names;
};

struct AddAttributeRequest {
  ObjectId id = {};
  Attribute attribute;
};
struct AddAttributeResponse {
  std::string id;
  Attribute attribute;  // With the index it was given.
};

struct LocateRequest {
  std::optional<std::int32_t> maximum_items = {};
  std::optional<std::int32_t> offset_items = {};         // 1.3
  std::optional<std::int32_t> storage_status_mask = {};  // Bits of StorageStatus.
  std::optional<ObjectGroupMember> group_member = {};    // 1.1
  std::vector<Attribute> attributes;                     // All must match.
};
struct LocateResponse {
  std::optional<std::int32_t> located_items = {};  // 1.3
  std::vector<std::string> ids;
};

struct ActivateRequest {
  ObjectId id = {};
};
struct ActivateResponse {
  std::string id;
};

struct RevokeRequest {
  ObjectId id = {};
  RevocationReason reason;
  std::optional<ttlv::DateTime> compromise_occurrence = {};
};
struct RevokeResponse {
  std::string id;
};

struct DestroyRequest {
  ObjectId id = {};
};
struct DestroyResponse {
  std::string id;
};

using RequestPayload =
    std::variant<DiscoverVersionsRequest, QueryRequest, CreateRequest, RegisterRequest, GetRequest,
                 GetAttributesRequest, GetAttributeListRequest, AddAttributeRequest, LocateRequest,
                 ActivateRequest, RevokeRequest, DestroyRequest>;
using ResponsePayload =
    std::variant<DiscoverVersionsResponse, QueryResponse, CreateResponse, RegisterResponse,
                 GetResponse, GetAttributesResponse, GetAttributeListResponse, AddAttributeResponse,
                 LocateResponse, ActivateResponse, RevokeResponse, DestroyResponse>;

[[nodiscard]] Operation operation_of(const RequestPayload& payload);
[[nodiscard]] Operation operation_of(const ResponsePayload& payload);

}  // namespace keytrail::kmip
