#include "bus/events/codec_enums.h"

#include "bus/events/event.capnp.h"

// The proof of codec_enums.h: an enumerator has the same number in C++ and in event.capnp.
namespace keytrail::codec {
namespace {

template <class Ours, class Encoded>
consteval bool same(Ours ours, Encoded encoded) {
  return static_cast<std::uint16_t>(ours) == static_cast<std::uint16_t>(encoded);
}

static_assert(same(Effect::kChange, encoded::Effect::CHANGE));
static_assert(same(Effect::kNote, encoded::Effect::NOTE));
static_assert(same(kms::ObjectType::kSymmetricKey, encoded::ObjectType::SYMMETRIC_KEY));
static_assert(same(kms::ObjectType::kSecretData, encoded::ObjectType::SECRET_DATA));
static_assert(same(kms::ObjectType::kOpaqueObject, encoded::ObjectType::OPAQUE_OBJECT));
static_assert(same(kms::ObjectOrigin::kCreated, encoded::ObjectOrigin::CREATED));
static_assert(same(kms::ObjectOrigin::kRegistered, encoded::ObjectOrigin::REGISTERED));
static_assert(same(kms::ObjectState::kPreActive, encoded::ObjectState::PRE_ACTIVE));
static_assert(same(kms::ObjectState::kActive, encoded::ObjectState::ACTIVE));
static_assert(same(kms::ObjectState::kDeactivated, encoded::ObjectState::DEACTIVATED));
static_assert(same(kms::ObjectState::kCompromised, encoded::ObjectState::COMPROMISED));
static_assert(same(kms::ObjectState::kDestroyed, encoded::ObjectState::DESTROYED));
static_assert(same(kms::ObjectState::kDestroyedCompromised,
                   encoded::ObjectState::DESTROYED_COMPROMISED));
static_assert(same(vcenter::EntityKind::kFolder, encoded::EntityKind::FOLDER));
static_assert(same(vcenter::EntityKind::kDatacenter, encoded::EntityKind::DATACENTER));
static_assert(same(vcenter::EntityKind::kCluster, encoded::EntityKind::CLUSTER));
static_assert(same(vcenter::EntityKind::kHost, encoded::EntityKind::HOST));
static_assert(same(vcenter::EntityKind::kDatastore, encoded::EntityKind::DATASTORE));
static_assert(same(vcenter::EntityKind::kVm, encoded::EntityKind::VM));
static_assert(same(vcenter::HostMode::kIncapable, encoded::HostMode::INCAPABLE));
static_assert(same(vcenter::HostMode::kPrepared, encoded::HostMode::PREPARED));
static_assert(same(vcenter::HostMode::kSafe, encoded::HostMode::SAFE));
static_assert(same(vcenter::HostMode::kPendingIncapable, encoded::HostMode::PENDING_INCAPABLE));
static_assert(same(vcenter::RecryptDepth::kShallow, encoded::RecryptDepth::SHALLOW));
static_assert(same(vcenter::RecryptDepth::kDeep, encoded::RecryptDepth::DEEP));
static_assert(same(vcenter::PowerState::kOff, encoded::PowerState::OFF));
static_assert(same(vcenter::PowerState::kOn, encoded::PowerState::ON));
static_assert(same(vcenter::KeyPurpose::kVm, encoded::KeyPurpose::VM));
static_assert(same(vcenter::KeyPurpose::kHost, encoded::KeyPurpose::HOST));
static_assert(same(vcenter::KeyPurpose::kProbe, encoded::KeyPurpose::PROBE));
static_assert(same(vcenter::Refusal::kNoPrivilege, encoded::Refusal::NO_PRIVILEGE));
static_assert(same(vcenter::Refusal::kNotFound, encoded::Refusal::NOT_FOUND));
static_assert(same(vcenter::Refusal::kAlreadyExists, encoded::Refusal::ALREADY_EXISTS));
static_assert(same(vcenter::Refusal::kBusy, encoded::Refusal::BUSY));
static_assert(same(vcenter::Refusal::kWrongState, encoded::Refusal::WRONG_STATE));
static_assert(same(vcenter::Refusal::kNoKeyProvider, encoded::Refusal::NO_KEY_PROVIDER));
static_assert(same(vcenter::Refusal::kKeyRefused, encoded::Refusal::KEY_REFUSED));
static_assert(same(vcenter::Refusal::kHostRefused, encoded::Refusal::HOST_REFUSED));
static_assert(same(vcenter::Refusal::kExpired, encoded::Refusal::EXPIRED));
static_assert(same(vcenter::Refusal::kInvalid, encoded::Refusal::INVALID));
static_assert(same(esxi::ErasureReason::kOrdered, encoded::ErasureReason::ORDERED));
static_assert(same(esxi::ErasureReason::kModeLeft, encoded::ErasureReason::MODE_LEFT));
static_assert(same(esxi::ErasureReason::kNoLongerNeeded, encoded::ErasureReason::NO_LONGER_NEEDED));
static_assert(same(esxi::OrderKind::kCreate, encoded::OrderKind::CREATE));
static_assert(same(esxi::OrderKind::kEncrypt, encoded::OrderKind::ENCRYPT));
static_assert(same(esxi::OrderKind::kDecrypt, encoded::OrderKind::DECRYPT));
static_assert(same(esxi::OrderKind::kRecrypt, encoded::OrderKind::RECRYPT));
static_assert(same(esxi::OrderKind::kPowerOn, encoded::OrderKind::POWER_ON));
static_assert(same(esxi::OrderKind::kPowerOff, encoded::OrderKind::POWER_OFF));
static_assert(same(esxi::OrderKind::kMode, encoded::OrderKind::MODE));
static_assert(same(esxi::StopReason::kGuestPoweredOff, encoded::StopReason::GUEST_POWERED_OFF));
static_assert(same(esxi::StopReason::kOrdered, encoded::StopReason::ORDERED));
static_assert(same(esxi::StopReason::kGuestFailed, encoded::StopReason::GUEST_FAILED));
static_assert(same(esxi::StopReason::kHostRestarted, encoded::StopReason::HOST_RESTARTED));

}  // namespace
}  // namespace keytrail::codec
