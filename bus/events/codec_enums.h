// The enumerators of facts on the wire: their numbers are those of the C++ enums, in declared
// order.
//
// codec_enums.cc proves it, one static_assert each, so an enumerator that is inserted or moved does
// not compile. kLast lets the codec tell a number that only a newer program knows. Private to the
// codec.
#pragma once

#include "bus/events/esxi_events.h"
#include "bus/events/ids.h"
#include "bus/events/kms_events.h"
#include "bus/events/vcenter_events.h"

namespace keytrail::codec {

template <class Enum>
inline constexpr Enum kLast;  // REQUIRES: a line below.

template <>
inline constexpr Effect kLast<Effect> = Effect::kNote;
template <>
inline constexpr kms::ObjectType kLast<kms::ObjectType> = kms::ObjectType::kOpaqueObject;
template <>
inline constexpr kms::ObjectOrigin kLast<kms::ObjectOrigin> = kms::ObjectOrigin::kRegistered;
template <>
inline constexpr kms::ObjectState kLast<kms::ObjectState> = kms::ObjectState::kDestroyedCompromised;
template <>
inline constexpr vcenter::EntityKind kLast<vcenter::EntityKind> = vcenter::EntityKind::kVm;
template <>
inline constexpr vcenter::HostMode kLast<vcenter::HostMode> = vcenter::HostMode::kPendingIncapable;
template <>
inline constexpr vcenter::RecryptDepth kLast<vcenter::RecryptDepth> = vcenter::RecryptDepth::kDeep;
template <>
inline constexpr vcenter::PowerState kLast<vcenter::PowerState> = vcenter::PowerState::kOn;
template <>
inline constexpr vcenter::KeyPurpose kLast<vcenter::KeyPurpose> = vcenter::KeyPurpose::kProbe;
template <>
inline constexpr vcenter::Refusal kLast<vcenter::Refusal> = vcenter::Refusal::kInvalid;
template <>
inline constexpr esxi::ErasureReason kLast<esxi::ErasureReason> =
    esxi::ErasureReason::kNoLongerNeeded;
template <>
inline constexpr esxi::OrderKind kLast<esxi::OrderKind> = esxi::OrderKind::kMode;
template <>
inline constexpr esxi::StopReason kLast<esxi::StopReason> = esxi::StopReason::kHostRestarted;

}  // namespace keytrail::codec
