#include "bus/events/words.h"

namespace keytrail {

std::string printable(std::string_view text) {
  constexpr unsigned char kSecondSetLead = 0xc2;  // in UTF-8, followed by 0x80 to 0x9f
  const auto byte_at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool first_set = byte_at(i) < 0x20 || byte_at(i) == 0x7f;
    const bool second_set =
        byte_at(i) == kSecondSetLead && byte_at(i + 1) >= 0x80 && byte_at(i + 1) < 0xa0;
    out += first_set || second_set ? '?' : text[i];
    if (second_set) ++i;
  }
  return out;
}

}  // namespace keytrail

namespace keytrail::kms {

std::string_view word_of(ObjectType type) {
  switch (type) {
    case ObjectType::kSymmetricKey:
      return "symmetric key";
    case ObjectType::kSecretData:
      return "secret data";
    case ObjectType::kOpaqueObject:
      return "opaque object";
  }
  return "";
}

std::string_view word_of(ObjectState state) {
  switch (state) {
    case ObjectState::kPreActive:
      return "pre-active";
    case ObjectState::kActive:
      return "active";
    case ObjectState::kDeactivated:
      return "deactivated";
    case ObjectState::kCompromised:
      return "compromised";
    case ObjectState::kDestroyed:
      return "destroyed";
    case ObjectState::kDestroyedCompromised:
      return "destroyed, compromised";
  }
  return "";
}

}  // namespace keytrail::kms

namespace keytrail::vcenter {

std::string_view word_of(EntityKind kind) {
  switch (kind) {
    case EntityKind::kFolder:
      return "folder";
    case EntityKind::kDatacenter:
      return "datacenter";
    case EntityKind::kCluster:
      return "cluster";
    case EntityKind::kHost:
      return "host";
    case EntityKind::kDatastore:
      return "datastore";
    case EntityKind::kVm:
      return "VM";
  }
  return "";
}

std::string_view word_of(HostMode mode) {
  switch (mode) {
    case HostMode::kIncapable:
      return "incapable";
    case HostMode::kPrepared:
      return "prepared";
    case HostMode::kSafe:
      return "safe";
    case HostMode::kPendingIncapable:
      return "pending incapable";
  }
  return "";
}

std::string_view word_of(RecryptDepth depth) {
  return depth == RecryptDepth::kDeep ? "deep" : "shallow";
}

std::string_view word_of(PowerState power) { return power == PowerState::kOn ? "on" : "off"; }

std::string_view word_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNoPrivilege:
      return "no privilege";
    case Refusal::kNotFound:
      return "not found";
    case Refusal::kAlreadyExists:
      return "exists already";
    case Refusal::kBusy:
      return "busy";
    case Refusal::kWrongState:
      return "wrong state";
    case Refusal::kNoKeyProvider:
      return "no key provider";
    case Refusal::kKeyRefused:
      return "key refused";
    case Refusal::kHostRefused:
      return "host refused";
    case Refusal::kExpired:
      return "expired";
    case Refusal::kInvalid:
      return "invalid";
  }
  return "";
}

}  // namespace keytrail::vcenter
