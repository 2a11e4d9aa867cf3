#include "kms/model/add_attribute.h"

#include "kms/model/new_object.h"

namespace keytrail::kms {
namespace {

Refusal exists_already() {
  return {.reason = Reason::kIllegalOperation,
          .message = "The object has this attribute already, and only one is possible.",
          .detail = {}};
}

// Told from the object's creation on, if only as no usage at all: never added, nor taken for added.
Refusal usage_mask_cannot_be_added(const Object& object) {
  if (object.type != ObjectType::kOpaqueObject) return exists_already();
  return Refusal{.reason = Reason::kPermissionDenied,
                 .message = "An opaque object has no Cryptographic Usage Mask.",
                 .detail = {}};
}

// The dates that an object's state follows from are set once: by this, or by Activate and Revoke.
// (A second Deactivation Date would bring a revoked key back to life.)
Decided<AttributeGiven> decide_date_of_life(Draft& draft, const Object& object,
                                            AddAttribute command) {
  const bool activates = command.attribute.name == kActivationDate;
  if ((activates ? object.activation_date : object.deactivation_date) != 0) return exists_already();
  const Decided<TimeNs> given = decide_date(command.attribute);
  if (const Refusal* refusal = refusal_in(given)) return *refusal;
  const TimeNs date = std::get<TimeNs>(given);
  if (auto refusal = activates ? check_dates(date, object.deactivation_date)
                               : check_dates(object.activation_date, date)) {
    return *refusal;
  }
  if (activates) {
    draft.record(KeyActivated{.object = command.object, .activation_date = date});
  } else {
    draft.record(
        AttributeAdded{.object = command.object, .attribute = std::move(command.attribute)});
  }
  return AttributeGiven{.object = command.object, .index = 0};
}

}  // namespace

Decided<AttributeGiven> decide(Draft& draft, const Client& client, AddAttribute command) {
  const auto found = find_living_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  const Object& object = *std::get<const Object*>(found);
  if (command.attribute.name == kActivationDate || command.attribute.name == kDeactivationDate) {
    return decide_date_of_life(draft, object, std::move(command));
  }
  if (command.attribute.name == kUsageMask) return usage_mask_cannot_be_added(object);
  const std::size_t present = instances_of(object, command.attribute.name);
  if (present > 0 && command.instances == Instances::kOne) return exists_already();
  std::vector<Attribute> all = object.attributes;
  all.push_back(command.attribute);
  if (auto refusal = check_attributes(all)) return *refusal;
  const std::string owner = object.owner;
  if (!command.name.empty()) {
    if (auto refusal = check_name(command.name)) return *refusal;
    if (!draft.object_named(owner, command.name).empty()) {
      Refusal refusal = name_is_taken(command.name);
      refusal.reason = Reason::kIllegalOperation;  // Here; where an object is made, Invalid Field.
      return refusal;
    }
  }

  command.attribute.index = static_cast<std::uint32_t>(present);
  draft.record(AttributeAdded{.object = command.object, .attribute = std::move(command.attribute)});
  if (!command.name.empty()) {
    draft.record(NameBound{.name = command.name, .owner = owner, .object = command.object});
  }
  return AttributeGiven{.object = command.object, .index = static_cast<std::uint32_t>(present)};
}

}  // namespace keytrail::kms
