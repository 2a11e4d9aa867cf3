#include "kms/model/locate.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

constexpr TimeNs kNsPerSecond = 1'000'000'000;

TimeNs date_of(const Object& object, DateKind kind) {
  switch (kind) {
    case DateKind::kInitial:
      return object.initial_date;
    case DateKind::kActivation:
      return object.activation_date;
    case DateKind::kDeactivation:
      return object.deactivation_date;
    case DateKind::kDestroy:
      return object.destroy_date;
    case DateKind::kCompromise:
      return object.compromise_date;
    case DateKind::kCompromiseOccurrence:
      return object.compromise_occurrence_date;
    case DateKind::kLastChange:
      return object.last_change_date;
  }
  KEYTRAIL_CHECK(false);
}

bool lies_in(const Object& object, const DateRange& range) {
  const TimeNs date = date_of(object, range.kind);
  if (date == 0) return false;
  const std::uint64_t seconds = date / kNsPerSecond;
  return range.from_seconds <= seconds && seconds <= range.to_seconds;
}

bool has(const Object& object, const Attribute& wanted) {
  return std::any_of(object.attributes.begin(), object.attributes.end(), [&](const auto& one) {
    return one.name == wanted.name && one.value == wanted.value;
  });
}

template <class T>
bool is(const std::optional<T>& wanted, const T& actual) {
  return !wanted || *wanted == actual;
}

bool is_in(const Object& object, const std::optional<ObjectState>& wanted, TimeNs now) {
  return !wanted || (has_state(object) && *wanted == state_of(object, now));
}

bool is_among(const Object& object, Locate::Among among) {
  switch (among) {
    case Locate::Among::kKept:
      return !is_destroyed(object);
    case Locate::Among::kDestroyed:
      return is_destroyed(object);
    case Locate::Among::kAll:
      return true;
  }
  KEYTRAIL_CHECK(false);
}

bool matches(const Object& object, const Locate& wanted, TimeNs now) {
  return is_among(object, wanted.among) && is(wanted.object, object.id) &&
         is(wanted.type, object.type) && is(wanted.algorithm, object.algorithm) &&
         is(wanted.length_bits, object.length_bits) &&
         (object.usage_mask & wanted.usage_mask) == wanted.usage_mask &&
         is_in(object, wanted.state, now) &&
         std::all_of(wanted.dates.begin(), wanted.dates.end(),
                     [&](const DateRange& range) { return lies_in(object, range); }) &&
         std::all_of(wanted.attributes.begin(), wanted.attributes.end(),
                     [&](const Attribute& attribute) { return has(object, attribute); });
}

// The narrowest way to everything that may match, oldest first.
std::vector<const Object*> candidates(Draft& draft, const Client& client, const Locate& wanted) {
  const std::string owner = owner_of(client);
  if (!searches(wanted)) {
    const std::string id = wanted.object ? *wanted.object : draft.object_named(owner, *wanted.name);
    if (id.empty() || id.size() > kObjectIdBytesMax) return {};
    const Object* object = draft.object(id);
    if (object == nullptr || object->owner != owner) return {};
    return {object};
  }
  std::vector<const Object*> narrowest;
  if (wanted.attributes.empty()) return draft.search(owner, nullptr);
  for (std::size_t i = 0; i < wanted.attributes.size(); ++i) {
    std::vector<const Object*> found = draft.search(owner, &wanted.attributes[i]);
    if (i == 0 || found.size() < narrowest.size()) narrowest = std::move(found);
  }
  return narrowest;
}

}  // namespace

bool searches(const Locate& command) {
  return !command.object && !(command.name && command.among == Locate::Among::kKept);
}

Located decide(Draft& draft, const Client& client, const Locate& command) {
  Located located;
  if (command.nothing_matches) return located;
  const std::vector<const Object*> found = candidates(draft, client, command);
  for (auto object = found.rbegin(); object != found.rend(); ++object) {
    if (!matches(**object, command, draft.now())) continue;
    const std::size_t nth = located.total++;
    if (nth >= command.offset && located.objects.size() < command.items_max) {
      located.objects.push_back((*object)->id);
    }
  }
  return located;
}

}  // namespace keytrail::kms
