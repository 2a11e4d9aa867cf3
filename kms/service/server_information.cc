#include "kms/service/server_information.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

constexpr kmip::Operation kOperations[] = {
    kmip::Operation::kDiscoverVersions,
    kmip::Operation::kQuery,
    kmip::Operation::kCreate,
    kmip::Operation::kRegister,
    kmip::Operation::kGet,
    kmip::Operation::kGetAttributes,
    kmip::Operation::kGetAttributeList,
    kmip::Operation::kAddAttribute,
    kmip::Operation::kLocate,
    kmip::Operation::kActivate,
    kmip::Operation::kRevoke,
    kmip::Operation::kDestroy,
};
constexpr kmip::ObjectType kObjectTypes[] = {
    kmip::ObjectType::kSymmetricKey,
    kmip::ObjectType::kSecretData,
    kmip::ObjectType::kOpaqueObject,
};

void answer(kmip::QueryResponse& response, kmip::QueryFunction function,
            kmip::ProtocolVersion version) {
  if (!kmip::exists(function, version)) return;
  switch (function) {
    case kmip::QueryFunction::kOperations:
      for (const kmip::Operation operation : kOperations) {
        if (kmip::exists(operation, version)) response.operations.push_back(operation);
      }
      break;
    case kmip::QueryFunction::kObjects:
      response.object_types.assign(std::begin(kObjectTypes), std::end(kObjectTypes));
      break;
    case kmip::QueryFunction::kServerInformation:
      response.vendor = std::string(kVendor);
      response.server_information = kmip::ttlv::Structure{};
      break;
    case kmip::QueryFunction::kRngs:
      response.rngs.push_back({.algorithm = kmip::RngAlgorithm::kDrbg});
      break;
    case kmip::QueryFunction::kCapabilities: {
      kmip::CapabilityInformation capability;
      capability.streaming = false;
      capability.asynchronous = false;
      capability.attestation = false;
      capability.batch_undo = true;
      capability.batch_continue = true;
      response.capabilities.push_back(std::move(capability));
      break;
    }
    case kmip::QueryFunction::kApplicationNamespaces:
    case kmip::QueryFunction::kExtensionList:
    case kmip::QueryFunction::kExtensionMap:
    case kmip::QueryFunction::kAttestationTypes:
    case kmip::QueryFunction::kValidations:
    case kmip::QueryFunction::kProfiles:
    case kmip::QueryFunction::kClientRegistrationMethods:
      break;  // There are none.
  }
}

}  // namespace

kmip::DiscoverVersionsResponse discover(const kmip::DiscoverVersionsRequest& request) {
  kmip::DiscoverVersionsResponse response;
  for (const kmip::ProtocolVersion version : kmip::kSpokenVersions) {
    const bool asked = request.versions.empty() ||
                       std::find(request.versions.begin(), request.versions.end(), version) !=
                           request.versions.end();
    if (asked) response.versions.push_back(version);
  }
  return response;
}

kmip::QueryResponse query(const kmip::QueryRequest& request, kmip::ProtocolVersion version) {
  kmip::QueryResponse response;
  for (const kmip::QueryFunction function : request.functions) answer(response, function, version);
  return response;
}

}  // namespace keytrail::kms
