#include "kms/model/state.h"

namespace keytrail::kms {
namespace {

// One string per index entry; owners, attribute names and KMIP names hold no NUL.
std::string index_key(std::string_view owner, std::string_view name, std::string_view value = {}) {
  std::string key;
  key.reserve(owner.size() + name.size() + value.size() + 2);
  key.append(owner).push_back('\0');
  key.append(name).push_back('\0');
  key.append(value);
  return key;
}

const std::vector<State::Ordinal>& none() {
  static const std::vector<State::Ordinal> empty;
  return empty;
}

template <class Map, class Key>
const typename Map::mapped_type* find_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

std::string owner_of(const Client& client) {
  return client.group.empty() ? "client/" + client.name : "group/" + client.group;
}

const Object* State::object(const std::string& id) const {
  const Ordinal* ordinal = find_in(ordinals_, id);
  return ordinal == nullptr ? nullptr : &objects_[*ordinal];
}

const NameBinding* State::name(std::string_view owner, std::string_view name) const {
  return find_in(names_, index_key(owner, name));
}

const std::vector<State::Ordinal>& State::owned_by(std::string_view owner) const {
  const auto* owned = find_in(by_owner_, std::string(owner));
  return owned == nullptr ? none() : *owned;
}

const std::vector<State::Ordinal>& State::with_attribute(std::string_view owner,
                                                         const Attribute& attribute) const {
  const auto* having =
      find_in(by_attribute_, index_key(owner, attribute.name, as_text(attribute.value)));
  return having == nullptr ? none() : *having;
}

const Client* State::client(const std::string& name) const { return find_in(clients_, name); }

const Client* State::client_with(const Hash& certificate) const {
  const std::string* name = find_in(pinned_, certificate);
  return name == nullptr ? nullptr : client(*name);
}

const Member* State::member(const std::string& replica) const {
  return find_in(cluster_.members, replica);
}

std::uint64_t State::epoch(const std::string& author) const {
  const std::uint64_t* epoch = find_in(epochs_, author);
  return epoch == nullptr ? 0 : *epoch;
}

void State::adopt(Object object) {
  const auto ordinal = static_cast<Ordinal>(objects_.size());
  ordinals_.emplace(object.id, ordinal);
  by_owner_[object.owner].push_back(ordinal);
  objects_.push_back(std::move(object));
  for (const Attribute& attribute : objects_.back().attributes) index(objects_.back(), attribute);
}

void State::bind(std::string_view owner, std::string_view name, NameBinding binding) {
  names_[index_key(owner, name)] = std::move(binding);
}

void State::index(const Object& object, const Attribute& attribute) {
  by_attribute_[index_key(object.owner, attribute.name, as_text(attribute.value))].push_back(
      ordinals_.at(object.id));
}

}  // namespace keytrail::kms
