#include "kms/model/add_attribute.h"

#include "kms/model/new_object.h"

namespace keytrail::kms {
namespace {

constexpr std::string_view kActivationDate = "Activation Date";

Refusal exists_already() {
  return {.reason = Reason::kIllegalOperation,
          .message = "The object has this attribute already, and only one is possible.",
          .detail = {}};
}

Decided<AttributeGiven> decide_activation_date(Draft& draft, const Object& object,
                                               const AddAttribute& command) {
  if (object.activation_date != 0) return exists_already();
  const std::optional<TimeNs> date = date_of(command.attribute);
  if (!date || *date == 0) {
    return Refusal{.reason = Reason::kInvalidField,
                   .message = "The Activation Date is no date that can be kept.",
                   .detail = {}};
  }
  draft.record(KeyActivated{.object = command.object, .activation_date = *date});
  return AttributeGiven{.object = command.object, .index = 0};
}

}  // namespace

Decided<AttributeGiven> decide(Draft& draft, const Client& client, AddAttribute command) {
  const auto found = find_living_object(draft, client, command.object);
  if (const Refusal* refusal = refusal_in(found)) return *refusal;
  const Object& object = *std::get<const Object*>(found);
  if (command.attribute.name == kActivationDate) {
    return decide_activation_date(draft, object, command);
  }
  const std::size_t present = instances_of(object, command.attribute.name);
  if (present > 0 && command.instances == Instances::kOne) return exists_already();
  std::vector<Attribute> all = object.attributes;
  all.push_back(command.attribute);
  if (auto refusal = check_attributes(all)) return *refusal;
  const std::string owner = object.owner;
  if (!command.name.empty()) {
    if (auto refusal = check_name(command.name)) return *refusal;
    if (!draft.object_named(owner, command.name).empty()) return name_is_taken(command.name);
  }

  command.attribute.index = static_cast<std::uint32_t>(present);
  draft.record(AttributeAdded{.object = command.object, .attribute = std::move(command.attribute)});
  if (!command.name.empty()) {
    draft.record(NameBound{.name = command.name, .owner = owner, .object = command.object});
  }
  return AttributeGiven{.object = command.object, .index = static_cast<std::uint32_t>(present)};
}

}  // namespace keytrail::kms
