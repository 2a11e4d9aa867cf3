#include <array>

#include "bus/events/match.h"
#include "bus/events/words.h"
#include "replay/audit/texts.h"

namespace keytrail::replay {
namespace {

using namespace kms;

// KMIP 1.4 section 9.1.3.2.27; "" = not used.
constexpr std::array<std::string_view, 0x2B> kOperations = {"",
                                                            "Create",
                                                            "Create Key Pair",
                                                            "Register",
                                                            "Re-key",
                                                            "Derive Key",
                                                            "Certify",
                                                            "Re-certify",
                                                            "Locate",
                                                            "Check",
                                                            "Get",
                                                            "Get Attributes",
                                                            "Get Attribute List",
                                                            "Add Attribute",
                                                            "Modify Attribute",
                                                            "Delete Attribute",
                                                            "Obtain Lease",
                                                            "Get Usage Allocation",
                                                            "Activate",
                                                            "Revoke",
                                                            "Destroy",
                                                            "Archive",
                                                            "Recover",
                                                            "Validate",
                                                            "Query",
                                                            "Cancel",
                                                            "Poll",
                                                            "Notify",
                                                            "Put",
                                                            "Re-key Key Pair",
                                                            "Discover Versions",
                                                            "Encrypt",
                                                            "Decrypt",
                                                            "Sign",
                                                            "Signature Verify",
                                                            "MAC",
                                                            "MAC Verify",
                                                            "RNG Retrieve",
                                                            "RNG Seed",
                                                            "Hash",
                                                            "Create Split Key",
                                                            "Join Split Key",
                                                            "Import"};

// Section 9.1.3.2.29.
constexpr std::array<std::string_view, 0x1B> kResultReasons = {
    "",
    "Item Not Found",
    "Response Too Large",
    "Authentication Not Successful",
    "Invalid Message",
    "Operation Not Supported",
    "Missing Data",
    "Invalid Field",
    "Feature Not Supported",
    "Operation Canceled By Requester",
    "Cryptographic Failure",
    "Illegal Operation",
    "Permission Denied",
    "Object Archived",
    "Index Out Of Bounds",
    "Application Namespace Not Supported",
    "Key Format Type Not Supported",
    "Key Compression Type Not Supported",
    "Encoding Option Error",
    "Key Value Not Present",
    "Attestation Required",
    "Attestation Failed",
    "Sensitive",
    "Not Extractable",
    "Object Already Exists",
    "Invalid Ticket",
    "Usage Limit Exceeded"};

// Section 9.1.3.2.19.
constexpr std::array<std::string_view, 8> kRevocationReasons = {"",
                                                                "unspecified",
                                                                "key compromise",
                                                                "CA compromise",
                                                                "affiliation changed",
                                                                "superseded",
                                                                "cessation of operation",
                                                                "privilege withdrawn"};

// Section 9.1.3.2.13, those that a symmetric key can have.
constexpr std::array<std::string_view, 4> kAlgorithms = {"", "DES", "3DES", "AES"};

template <std::size_t kSize>
std::string name_in(const std::array<std::string_view, kSize>& names, std::uint32_t number) {
  if (number < kSize && !names[number].empty()) return std::string(names[number]);
  return std::to_string(number);
}

std::string created(const ObjectCreated& e) {
  std::string what = e.algorithm == 0
                         ? std::string(word_of(e.type))
                         : name_in(kAlgorithms, e.algorithm) + " " + std::string(word_of(e.type));
  if (e.length_bits != 0) what += say({" of ", std::to_string(e.length_bits), " bits"});
  return what;
}

std::string key_revoked(const KeyRevoked& e) {
  return say({"now ", word_of(e.state), ": ", name_in(kRevocationReasons, e.reason),
              e.message.empty() ? "" : ", ", e.message});
}

std::string refusal(const OperationRefused& e) {
  constexpr std::uint32_t kGeneralFailure = 0x100;
  return say({e.reason == kGeneralFailure ? "General Failure" : name_in(kResultReasons, e.reason),
              e.detail.empty() ? "" : ": ", e.detail});
}

std::string shredded(const ShreddedThrough& e) {
  return say({"what was destroyed up to ", std::to_string(e.through), " (",
              std::to_string(e.leaves), " keys) can no longer be derived",
              e.provable ? "" : "; not provable on this medium, which copies on write"});
}

}  // namespace

EventText text_of(const kms::Event& event) {
  return match(
      event,
      [](const ObjectCreated& e) {
        const bool made = e.origin == ObjectOrigin::kCreated;
        return EventText{made ? "Create key" : "Register object", created(e)};
      },
      [](const NameBound&) {
        return EventText{"Bind name", ""};
      },
      [](const NameFreed&) {
        return EventText{"Free name", ""};
      },
      [](const AttributeAdded&) {
        return EventText{"Add attribute", ""};
      },
      [](const KeyActivated&) {
        return EventText{"Activate key", ""};
      },
      [](const KeyRevoked& e) {
        return EventText{"Revoke key", key_revoked(e)};
      },
      [](const KeyDestroyed&) {
        return EventText{"Destroy key", ""};
      },
      [](const KeyReleased& e) {
        return EventText{"Release key", say({"to ", e.client, " by ", e.replica})};
      },
      [](const OperationRefused& e) {
        return EventText{say({name_in(kOperations, e.operation), ": refused"}), refusal(e)};
      },
      [](const ReadRecorded& e) {
        return EventText{name_in(kOperations, e.operation), ""};
      },
      [](const ClientEnrolled& e) {
        return EventText{"Enrol client",
                         say({e.group.empty() ? "no group" : "group ", e.group, ", ",
                              std::to_string(e.certificates.size()), " certificates"})};
      },
      [](const ClientRemoved&) {
        return EventText{"Remove client", ""};
      },
      [](const CertificateSigned& e) {
        return EventText{"Sign certificate", "SHA-256 " + to_hex(e.fingerprint)};
      },
      [](const ClusterCreated& e) {
        return EventText{"Create KMS cluster", "cluster " + e.cluster};
      },
      [](const ReplicaAdmitted& e) {
        return EventText{"Admit replica", "certificate " + to_hex(e.certificate)};
      },
      [](const ReplicaRetired&) {
        return EventText{"Retire replica", ""};
      },
      [](const KeyringGranted& e) {
        return EventText{"Grant keyring", say({"by ", e.by, ", as of ", std::to_string(e.as_of)})};
      },
      [](const LeafBlockLeased& e) {
        return EventText{"Lease sealing keys", "block " + std::to_string(e.block)};
      },
      [](const ShreddedThrough& e) {
        return EventText{"Shred destroyed keys", shredded(e)};
      },
      [](const KeyringRestored& e) {
        return EventText{"Old keyring found",
                         say({"it was punctured up to ", std::to_string(e.found), ", not ",
                              std::to_string(e.stated), "; punctured again"})};
      });
}

}  // namespace keytrail::replay
